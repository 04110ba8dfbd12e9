"""From OpenSLO's models to objectives: references are resolved, indicators bound, semantics kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar, get_args

from gatewright.slo.openslo.binding import bind
from gatewright.slo.openslo.conversion import as_objective
from gatewright.slo.openslo.model import (
    BudgetingMethod,
    Document,
    Import,
    ImportedAlarm,
    ImportedObjective,
    Note,
    Path,
    Refusal,
    RefusedError,
)
from gatewright.slo.openslo.parsing import Parsed, nearest, parse
from gatewright.slo.openslo.semantics import (
    alarm_of,
    remarks,
    slice_of,
    slice_target_of,
    threshold_of,
    window_of,
)
from gatewright.slo.openslo.wire import (
    AlertCondition,
    AlertNotificationTarget,
    AlertPolicy,
    AlertPolicySpec,
    ConditionRef,
    DataSource,
    Kind,
    Metadata,
    Objective,
    PolicyRef,
    Service,
    Sli,
    SliSpec,
    Slo,
    SloSpec,
)

__all__ = ["import_openslo"]

KindT = TypeVar("KindT", bound=Kind)
UNUSED: dict[type[Kind], str] = {
    DataSource: "is not asked: a load test measures by itself",
    AlertNotificationTarget: "is told nothing: a load test sends no alerts",
}


def import_openslo(documents: Iterable[Document]) -> Import:
    """Import what documents promise; they may refer to each other in any order.

    Everything that can't be imported is refused by name, and all of it: nothing is raised.
    """
    return Importer().run(documents)


@dataclass
class Importer:
    """Collects what comes out of documents."""

    known: dict[tuple[type[Kind], str], Parsed] = field(default_factory=dict)
    objectives: list[ImportedObjective] = field(default_factory=list)
    alarms: list[ImportedAlarm] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    limits: dict[tuple[str, str], str] = field(default_factory=dict)

    def run(self, documents: Iterable[Document]) -> Import:
        """Read all documents, then import all SLOs among them."""
        for document in documents:
            self._read(document)
        for parsed in self.known.values():
            if isinstance(parsed.model, Slo):
                self._import_slo(parsed, parsed.model)
        for parsed in self.known.values():
            self._note_unused(parsed)
        services = [name for kind, name in self.known if kind is Service]
        return Import(
            objectives=tuple(self.objectives),
            alarms=tuple(self.alarms),
            services=tuple(dict.fromkeys([*services, *(each.service for each in self.objectives)])),
            refusals=tuple(self.refusals),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _read(self, document: Document) -> None:
        parsed = parse(document)
        if not isinstance(parsed, Parsed):
            self.refusals.extend(parsed)
            return
        key = (type(parsed.model), parsed.model.metadata.name)
        if key in self.known:
            first = self.known[key].document
            place = f"{first.file}:{first.line_of(('metadata', 'name'))}"
            refused = RefusedError(
                ("metadata", "name"), f"is defined a second time, after {place}", remedy="rename one"
            )
            self.refusals.append(parsed.refusal(refused))
        else:
            self.known[key] = parsed

    def _note_unused(self, parsed: Parsed) -> None:
        model = parsed.model
        if isinstance(model, Sli) and model.metadata.name not in self.used:
            self.notes.append(Note(parsed.title, "no SLO here refers to it"))
        elif type(model) in UNUSED:
            self.notes.append(Note(parsed.title, UNUSED[type(model)]))

    def _import_slo(self, parsed: Parsed, slo: Slo) -> None:
        for place, objective in enumerate(slo.spec.objectives):
            try:
                self._import_objective(slo, objective, place)
            except RefusedError as refused:
                self.refusals.append(parsed.refusal(refused))
        self.notes.extend(Note(parsed.title, text) for text in remarks(slo.spec))
        for place, policy in enumerate(slo.spec.alert_policies):
            path: Path = ("spec", "alertPolicies", place)
            try:
                if isinstance(policy, PolicyRef):
                    shared = self._find(AlertPolicy, policy.alert_policy_ref, (*path, "alertPolicyRef"))
                    self._import_alarms(parsed, slo, shared.metadata.name, shared.spec, path)
                else:
                    self._import_alarms(parsed, slo, policy.metadata.name, policy.spec, path)
            except RefusedError as refused:
                self.refusals.append(parsed.refusal(refused))

    def _import_objective(self, slo: Slo, objective: Objective, place: int) -> None:
        path: Path = ("spec", "objectives", place)
        metadata, indicator, where = self._indicator(slo.spec, objective, path)
        binding = bind(indicator, metadata, slo.metadata, where)
        method = BudgetingMethod(slo.spec.budgeting_method)
        if not objective.share:
            key = "target" if objective.target is not None else "targetPercent"
            raise RefusedError(
                (*path, key), "is 0, which promises nothing", remedy="raise it, or remove the objective"
            )
        imported = ImportedObjective(
            name=slo.metadata.name if len(slo.spec.objectives) == 1 else f"{slo.metadata.name}[{place}]",
            slo=slo.metadata.name,
            service=slo.spec.service,
            title=objective.display_name or slo.metadata.display_name,
            metric=binding.metric,
            journey=binding.journey,
            step=binding.step,
            threshold_s=threshold_of(indicator, objective, binding, path, where),
            target=objective.share,
            method=method,
            slice_s=slice_of(method, objective, binding, path),
            slice_target=slice_target_of(method, objective, path),
            window=window_of(slo.spec),
        )
        self._add(imported, path)

    def _add(self, imported: ImportedObjective, path: Path) -> None:
        """Add an objective, unless another one limits the same metric of the service."""
        if imported.method is BudgetingMethod.OCCURRENCES:
            key = (imported.service, as_objective(imported).name)
            if key in self.limits:
                raise RefusedError(
                    path,
                    f"limits {key[1]} of service {key[0]} a second time, after {self.limits[key]}",
                    remedy="keep the stricter one",
                )
            self.limits[key] = imported.name
        self.objectives.append(imported)

    def _indicator(self, spec: SloSpec, objective: Objective, path: Path) -> tuple[Metadata, SliSpec, Path]:
        """An objective's indicator, and where the SLO has it; a component has its own."""
        holder = objective if objective.is_component else spec
        prefix = path if objective.is_component else ("spec",)
        if holder.indicator is not None:
            return holder.indicator.metadata, holder.indicator.spec, (*prefix, "indicator")
        where = (*prefix, "indicatorRef")
        sli = self._find(Sli, holder.indicator_ref or "", where)
        self.used.add(sli.metadata.name)
        return sli.metadata, sli.spec, where

    def _import_alarms(
        self, parsed: Parsed, slo: Slo, name: str, policy: AlertPolicySpec, path: Path
    ) -> None:
        """Import the one condition of a policy."""
        condition = policy.conditions[0]
        if isinstance(condition, ConditionRef):
            shared = self._find(AlertCondition, condition.condition_ref, path)
            title, spec = shared.metadata.name, shared.spec
        else:
            title, spec = condition.metadata.name, condition.spec
        if policy.alert_when_breaching:
            self.alarms.append(alarm_of(title, slo.metadata.name, spec, path))
        else:
            text = f"policy {name} does not alert when its condition is met, so it aborts nothing"
            self.notes.append(Note(parsed.title, text))

    def _find(self, kind: type[KindT], name: str, path: Path) -> KindT:
        """A document that another one names."""
        parsed = self.known.get((kind, name))
        if parsed is None or not isinstance(parsed.model, kind):
            names = [known for held, known in self.known if held is kind]
            what = kind.model_fields["kind"].annotation
            raise RefusedError(
                path,
                f"names {name}, and no readable {get_args(what)[0]} here is called so",
                remedy=nearest(name, names, otherwise="give the file that defines it, too"),
            )
        return parsed.model
