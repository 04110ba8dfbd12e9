"""OpenSLO documents become objectives, and what can't be judged is refused by name, all of it."""

import copy
from datetime import datetime

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.slo import LatencyObjective, RatioTimeslicesObjective, SuccessObjective, TimeslicesObjective
from gatewright.slo.openslo import (
    BudgetingMethod,
    Document,
    ImportedAlarm,
    TimeWindow,
    as_burn_rules,
    as_objective,
    as_slice_objective,
    import_openslo,
)
from gatewright.slo.openslo.wire import FIELDS, KINDS

SOURCE = {"metricSource": {"type": "Any", "spec": {"query": "x"}}}
RATIO = {"ratioMetric": {"good": SOURCE, "total": SOURCE}}
THRESHOLD = {"thresholdMetric": SOURCE}
SUCCESS = {"gatewright.dev/metric": "success"}
LATENCY = {"gatewright.dev/metric": "latency", "gatewright.dev/unit": "ms"}


def indicator(spec=RATIO, annotations=SUCCESS):
    return {"metadata": {"name": "sli", "annotations": annotations}, "spec": spec}


def slo(*objectives, name="slo", method="Occurrences", **spec):
    inner = {"service": "shop", "indicator": indicator(), "budgetingMethod": method} | spec
    inner["objectives"] = list(objectives) or [{"target": 0.99}]
    return {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": name}, "spec": inner}


def latency_slo(name="slo", annotations=LATENCY, **objective):
    chosen = {"op": "lte", "value": 250, "target": 0.95} | objective
    return slo(chosen, name=name, indicator=indicator(THRESHOLD, annotations))


def kind(name, of, **spec):
    return {"apiVersion": "openslo/v1", "kind": of, "metadata": {"name": name}, "spec": spec}


def condition(op="gte", threshold=14.4):
    burn = {"kind": "burnrate", "op": op, "threshold": threshold, "lookbackWindow": "1h", "alertAfter": "5m"}
    return {"severity": "page", "condition": burn}


def policy(*conditions, breaching=True):
    return {
        "alertWhenBreaching": breaching,
        "conditions": list(conditions) or [{"conditionRef": "fast"}],
        "notificationTargets": [{"targetRef": "on-call"}],
    }


def imported(*contents):
    return import_openslo([Document("slo.yaml", content) for content in contents])


def only(*contents):
    """The one objective of documents that are imported as a whole."""
    result = imported(*contents)
    assert [str(refusal) for refusal in result.refusals] == []
    (objective,) = result.objectives
    return objective


def refused(*contents):
    """The one refusal of documents, as a line."""
    result = imported(*contents)
    assert result.objectives == ()
    (refusal,) = result.refusals
    return str(refusal)


def changed(document, path, value):
    """A copy in which one value is replaced, or removed by None."""
    document = copy.deepcopy(document)
    *parents, last = path
    place = document
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


def test_a_threshold_on_latency_becomes_a_percentile():
    """95% of runs take at most 250 ms: p95 is at most 250 ms."""
    objective = only(latency_slo())
    assert as_objective(objective) == LatencyObjective(0.95, 0.25)
    assert (objective.name, objective.slo, objective.service) == ("slo", "slo", "shop")
    assert objective.method is BudgetingMethod.OCCURRENCES
    assert objective.window is None


@pytest.mark.parametrize(("unit", "seconds"), [("s", 250.0), ("ms", 0.25), ("us", 250e-6)])
def test_values_have_the_unit_that_is_annotated(unit, seconds):
    """OpenSLO's values have none of their own."""
    objective = only(latency_slo(annotations=LATENCY | {"gatewright.dev/unit": unit}))
    assert objective.threshold_s == pytest.approx(seconds)


def test_a_ratio_about_success_becomes_a_success_ratio():
    """Of a journey and a step, where the indicator says so."""
    annotations = SUCCESS | {"gatewright.dev/journey": "buy", "gatewright.dev/step": "pay"}
    objective = only(slo(indicator=indicator(RATIO, annotations)))
    assert as_objective(objective) == SuccessObjective(0.99, journey="buy", step="pay")


@pytest.mark.parametrize(
    "ratio",
    [
        {"good": SOURCE, "total": SOURCE, "counter": True},
        {"bad": SOURCE, "total": SOURCE},
        {"raw": SOURCE, "rawType": "success"},
        {"raw": SOURCE, "rawType": "failure"},
    ],
)
def test_all_forms_of_a_ratio_promise_the_same(ratio):
    """Good of total, total less bad, or ready-made: the target is a share of good runs."""
    objective = only(slo(indicator=indicator({"ratioMetric": ratio})))
    assert as_objective(objective) == SuccessObjective(0.99)


def test_a_ratio_about_latency_has_its_threshold_annotated():
    """The share of quick requests is a percentile, too."""
    annotations = {"gatewright.dev/metric": "latency", "gatewright.dev/threshold": "0.3s"}
    objective = only(slo(indicator=indicator(RATIO, annotations)))
    assert as_objective(objective) == LatencyObjective(0.99, 0.3)


def test_percentages_are_shares():
    """`targetPercent: 99.95` is `target: 0.9995`, whatever floats make of it."""
    assert only(slo({"targetPercent": 99.95})).target == 0.9995


def test_a_source_of_our_type_binds_an_indicator():
    """And outranks annotations."""
    source = {"metricSource": {"type": "gatewright", "spec": {"metric": "success", "journey": "buy"}}}
    spec = {"ratioMetric": {"good": source, "total": source}}
    objective = only(slo(indicator=indicator(spec, {"gatewright.dev/journey": "look"})))
    assert (objective.metric, objective.journey) == ("success", "buy")


def test_annotations_of_the_slo_bind_what_the_indicator_leaves_open():
    """The indicator's own outrank them."""
    document = slo(indicator=indicator(RATIO, {"gatewright.dev/metric": "success"}))
    document["metadata"]["annotations"] = {"gatewright.dev/metric": "latency", "gatewright.dev/step": "pay"}
    objective = only(document)
    assert (objective.metric, objective.step) == ("success", "pay")


def test_indicators_are_found_by_reference_in_any_order_and_file():
    """The SLO may come first."""
    sli = {"apiVersion": "openslo/v1", "kind": "SLI"} | indicator()
    result = import_openslo(
        [Document("a.yaml", slo(indicator=None, indicatorRef="sli")), Document("b.yaml", sli)]
    )
    assert result.refusals == ()
    assert result.objectives[0].metric == "success"


def test_timeslices_keep_their_targets_and_windows():
    """A number counts minutes; a shorthand says its unit."""
    document = slo(
        {"target": 0.9, "timeSliceTarget": 0.99, "timeSliceWindow": 0.5},
        {"target": 0.8, "timeSliceTarget": 1, "timeSliceWindow": "1m"},
        method="Timeslices",
    )
    first, second = imported(document).objectives
    assert as_slice_objective(first) == TimeslicesObjective(0.9, 0.99, 30.0)
    assert as_slice_objective(second) == TimeslicesObjective(0.8, 1, 60.0)
    assert (first.name, second.name) == ("slo[0]", "slo[1]")


def test_ratio_timeslices_average():
    """They have no target within a slice."""
    objective = only(slo({"target": 0.9, "timeSliceWindow": "1m"}, method="RatioTimeslices"))
    assert as_slice_objective(objective) == RatioTimeslicesObjective(0.9, 60.0)


def test_slices_can_be_cut_to_the_length_of_a_test():
    """By annotation: a load test has no time for hundreds of minutes."""
    annotations = SUCCESS | {"gatewright.dev/slice": "5s"}
    objective = {"target": 0.9, "timeSliceWindow": "1m"}
    document = slo(objective, method="RatioTimeslices", indicator=indicator(RATIO, annotations))
    assert only(document).slice_s == 5


def test_methods_are_not_taken_for_each_other():
    """Occurrences are no slices, and slices no occurrences."""
    by_slices = only(slo({"target": 0.9, "timeSliceWindow": "1m"}, method="RatioTimeslices"))
    with pytest.raises(ConfigurationError, match="budgets by RatioTimeslices"):
        as_objective(by_slices)
    with pytest.raises(ConfigurationError, match="budgets by Occurrences"):
        as_slice_objective(only(slo()))


@pytest.mark.parametrize("start", ["2022-01-01 12:00:00", datetime(2022, 1, 1, 12)])  # noqa: DTZ001 - as YAML gives it
def test_windows_roll_or_start_by_the_calendar(start):
    """YAML makes a date of an unquoted start."""
    calendar = {"startTime": start, "timeZone": "America/New_York"}
    by_calendar = only(slo(timeWindow=[{"duration": "1Q", "calendar": calendar}])).window
    assert by_calendar == TimeWindow(
        "1Q", 90 * 86_400.0, rolling=False, start="2022-01-01 12:00:00", zone="America/New_York"
    )
    rolling = only(slo(timeWindow=[{"duration": "4w", "isRolling": True}])).window
    assert rolling == TimeWindow("4w", 28 * 86_400.0, rolling=True)


def test_components_of_a_composite_are_objectives_of_their_own():
    """Each with its indicator; that all hold is stricter than their weighted sum, which is told."""
    document = slo(
        {"target": 0.99, "indicator": indicator(), "compositeWeight": 2},
        {"target": 0.9, "op": "lt", "value": 300, "indicator": indicator(THRESHOLD, LATENCY)},
        indicator=None,
    )
    result = imported(document)
    assert [as_objective(each) for each in result.objectives] == [
        SuccessObjective(0.99),
        LatencyObjective(0.9, 0.3),
    ]
    assert "stricter" in str(result.notes[0])


def test_burn_rate_alerts_become_alarms():
    """Inline or by reference; their windows are scaled to the test."""
    inline = {"kind": "AlertPolicy", "metadata": {"name": "p"}, "spec": policy()}
    result = imported(
        slo(alertPolicies=[{"alertPolicyRef": "shared"}, inline]),
        kind(
            "shared",
            "AlertPolicy",
            **policy({"kind": "AlertCondition", "metadata": {"name": "own"}, "spec": condition(threshold=6)}),
        ),
        kind("fast", "AlertCondition", **condition()),
        kind("on-call", "AlertNotificationTarget", target="email"),
    )
    assert result.refusals == ()
    assert result.alarms == (
        ImportedAlarm("own", "slo", 6, 3600.0, 300.0),
        ImportedAlarm("fast", "slo", 14.4, 3600.0, 300.0),
    )
    assert as_burn_rules(result.alarms[0], 300).threshold == 6
    assert as_burn_rules(result.alarms[0], 300).long_s == 60
    assert "AlertNotificationTarget/on-call" in str(result.notes[-1])


def test_a_policy_that_does_not_alert_on_breach_aborts_nothing():
    """Which is told."""
    fast = kind("fast", "AlertCondition", **condition())
    shared = kind("shared", "AlertPolicy", **policy(breaching=False))
    result = imported(slo(alertPolicies=[{"alertPolicyRef": "shared"}]), shared, fast)
    assert result.alarms == ()
    assert "aborts nothing" in str(result.notes[0])


def test_what_is_not_used_is_told():
    """Data sources are not asked, an indicator without an SLO promises nothing."""
    result = imported(
        slo(),
        kind("prom", "DataSource", type="Prometheus"),
        {"apiVersion": "openslo/v1", "kind": "SLI"} | indicator(),
        kind("shop", "Service"),
        kind("other", "Service"),
    )
    assert [note.document for note in result.notes] == ["DataSource/prom", "SLI/sli"]
    assert result.services == ("shop", "other")


REFUSED = [
    (slo(indicator=indicator(RATIO, {})), "SLO/slo spec.indicator: indicator sli is bound to nothing"),
    (
        slo(indicator=indicator(RATIO, {"gatewright.dev/metric": "cpu"})),
        "metric is 'cpu'; it may be latency, success",
    ),
    (slo(indicator=indicator(RATIO, SUCCESS | {"gatewright.dev/jurney": "x"})), "did you mean journey?"),
    (
        slo(indicator=indicator(RATIO, SUCCESS | {"gatewright.dev/step": "a\nb"})),
        "step is 'a\\nb'; it must be visible",
    ),
    (
        slo(indicator=indicator(RATIO, SUCCESS | {"gatewright.dev/threshold": "1s"})),
        "gives a success a threshold",
    ),
    (
        slo(indicator=indicator(RATIO, {"gatewright.dev/metric": "latency"})),
        "does not say which latency is good",
    ),
    (
        slo(indicator=indicator(RATIO, LATENCY | {"gatewright.dev/threshold": "0ms"})),
        "must be a positive number",
    ),
    (slo(indicator=indicator(RATIO, LATENCY | {"gatewright.dev/threshold": "1m"})), "one of us, ms, s"),
    (slo(indicator=indicator(THRESHOLD)), "use a ratioMetric"),
    (latency_slo(annotations={"gatewright.dev/metric": "latency"}), "does not say the unit of its values"),
    (latency_slo(annotations=LATENCY | {"gatewright.dev/unit": "min"}), "unit is 'min'"),
    (latency_slo(annotations=LATENCY | {"gatewright.dev/threshold": "1s"}), "beside a thresholdMetric"),
    (
        latency_slo(op="gte"),
        "spec.objectives[0].op: is gte, and a latency is limited from above; use lte or lt",
    ),
    (latency_slo(op=None), "spec.objectives[0].op: is missing"),
    (latency_slo(op="eq"), "spec.objectives[0].op: is 'eq'"),
    (latency_slo(value=None), "spec.objectives[0].value: is missing"),
    (latency_slo(value=0), "spec.objectives[0].value: is 0"),
    (latency_slo(value=float("nan")), "spec.objectives[0].value"),
    (latency_slo(value="250"), "spec.objectives[0].value: is '250'"),
    (slo({"target": 1}), "spec.objectives[0].target: is 1; it should be less than 1"),
    (slo({"target": 1.5}), "spec.objectives[0].target: is 1.5"),
    (slo({"target": -0.1}), "spec.objectives[0].target: is -0.1"),
    (slo({"target": float("nan")}), "spec.objectives[0].target: is nan"),
    (slo({"target": True}), "spec.objectives[0].target: is True"),
    (slo({"target": 0}), "is 0, which promises nothing"),
    (slo({"targetPercent": 100}), "spec.objectives[0].targetPercent: is 100"),
    (slo({"targetPercent": 0}), "spec.objectives[0].targetPercent: is 0"),
    (slo({"target": 0.9, "targetPercent": 90}), "needs either target or targetPercent"),
    (slo({}), "needs either target or targetPercent"),
    (
        slo({"target": 0.9, "timeSliceWindow": "1m"}, method="Timeslices"),
        "timeSliceTarget: is missing; Timeslices requires it",
    ),
    (slo({"target": 0.9, "timeSliceTarget": 0.9}, method="Timeslices"), "timeSliceWindow: is missing"),
    (slo(method="RatioTimeslices"), "timeSliceWindow: is missing; RatioTimeslices requires it"),
    (slo({"target": 0.9, "timeSliceTarget": 1.1}), "timeSliceTarget: is 1.1"),
    (slo({"target": 0.9, "timeSliceWindow": "1s"}), "timeSliceWindow: is '1s'"),
    (slo({"target": 0.9, "timeSliceWindow": 0}), "timeSliceWindow: is 0"),
    (slo({"target": 0.9, "timeSliceWindow": 10**400}), "timeSliceWindow: is a huge number"),
    (slo(method="Monthly"), "spec.budgetingMethod: is 'Monthly'"),
    (slo(timeWindow=[{"duration": "1d", "isRolling": True}] * 2), "spec.timeWindow"),
    (slo(timeWindow=[{"duration": "28"}]), "spec.timeWindow[0].duration: is '28'"),
    (slo(timeWindow=[{"duration": "1d"}]), "needs either isRolling: true or a calendar"),
    (
        slo(timeWindow=[{"duration": "1d", "calendar": {"startTime": "now", "timeZone": "UTC"}}]),
        "startTime: is 'now'",
    ),
    (
        slo(
            timeWindow=[
                {"duration": "1d", "calendar": {"startTime": "2022-01-01 12:00:00", "timeZone": "../etc"}}
            ]
        ),
        "timeZone",
    ),
    (slo(indicatorRef="sli"), "can't have more than one indicator"),
    (slo(indicator=None), "needs an indicator or an indicatorRef"),
    (slo({"target": 0.9}, {"target": 0.9, "indicatorRef": "a"}), "can't have more than one indicator"),
    (
        slo(indicator=None, indicatorRef="nowhere"),
        "spec.indicatorRef: names nowhere, and no readable SLI here is called so",
    ),
    (slo(indicator=indicator({})), "needs either thresholdMetric or ratioMetric"),
    (slo(indicator=indicator({"ratioMetric": {"good": SOURCE}})), "needs either total or raw"),
    (slo(indicator=indicator({"ratioMetric": {"total": SOURCE}})), "needs either good or bad"),
    (slo(indicator=indicator({"ratioMetric": {"raw": SOURCE}})), "needs rawType"),
    (
        slo(indicator=indicator({"ratioMetric": {"raw": SOURCE, "rawType": "success", "good": SOURCE}})),
        "beside raw",
    ),
    (slo(objectivs=[]), "spec.objectivs: is no field of OpenSLO v1 here; did you mean objectives?"),
    (slo(service=None), "spec.service: is missing; OpenSLO v1 requires it"),
    (slo(service="a\x1b[2J"), "must be visible text"),
    (changed(slo(), ("metadata", "labels"), {"tier": 1}), "metadata.labels: tier must be text"),
    (changed(slo(), ("metadata", "name"), ""), "SLO/? metadata.name"),
    (changed(slo(), ("metadata",), None), "SLO/? metadata: is missing"),
    (
        changed(slo(), ("apiVersion",), "openslo/v1alpha"),
        "apiVersion: is 'openslo/v1alpha'; write the document in openslo/v1",
    ),
    (changed(slo(), ("kind",), "Slo"), "kind: is 'Slo'; OpenSLO v1 has SLO, SLI, Service"),
    ([], "is no mapping of keys to values"),
    ("text", "is no mapping of keys to values"),
    (changed(slo(), ("spec", "objectives"), []), "spec.objectives"),
    (changed(slo(), ("spec", "objectives"), ["x"]), "spec.objectives[0]: is 'x'; it must be a mapping"),
]


@pytest.mark.parametrize(("document", "words"), REFUSED)
def test_what_can_not_be_imported_is_refused_by_name(document, words):
    """One line each: file, document, field, why, remedy."""
    line = refused(document)
    assert words in line
    assert line.startswith("slo.yaml:1: ")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("op", "words"),
    [("lte", "it would abort what burns slowly"), ("lt", "it would abort what burns slowly")],
)
def test_alarms_on_a_low_burn_are_refused(op, words):
    """A measurement must not be aborted because it goes well; the objective is imported all the same."""
    own = {"kind": "AlertCondition", "metadata": {"name": "own"}, "spec": condition(op)}
    inline = {"kind": "AlertPolicy", "metadata": {"name": "p"}, "spec": policy(own)}
    result = imported(slo(alertPolicies=[inline]))
    assert len(result.objectives) == 1
    assert words in str(result.refusals[0])
    assert result.alarms == ()


def test_references_to_missing_policies_are_refused():
    """With the name that was probably meant."""
    result = imported(
        slo(alertPolicies=[{"alertPolicyRef": "shard"}]),
        kind("shared", "AlertPolicy", **policy()),
    )
    assert "no readable AlertPolicy here is called so; did you mean shared?" in str(result.refusals[0])


def test_sources_of_our_type_that_differ_are_refused():
    """Good runs of one journey are no share of all runs of another."""
    buy, look = (
        {"metricSource": {"type": "gatewright", "spec": {"metric": "success", "journey": name}}}
        for name in ("buy", "look")
    )
    assert "that differ" in refused(slo(indicator=indicator({"ratioMetric": {"good": buy, "total": look}})))


def test_the_same_limit_twice_is_refused():
    """Two thresholds for one percentile of one service: which is meant?"""
    result = imported(latency_slo(name="a"), latency_slo(name="b", value=300))
    assert [each.name for each in result.objectives] == ["a"]
    assert "limits latency_p95_ms of service shop a second time, after a" in str(result.refusals[0])


def test_the_same_name_twice_is_refused():
    """References would be ambiguous."""
    result = imported(slo(), slo({"target": 0.5}))
    assert len(result.objectives) == 1
    assert "is defined a second time, after slo.yaml:1; rename one" in str(result.refusals[0])


def test_all_refusals_are_collected():
    """Several in one document, and those of the others; what is good is imported."""
    broken = slo({"target": 2}, {"target": "x", "op": "eq"}, name="broken", method="?")
    result = imported(broken, slo(indicator=indicator(RATIO, {}), name="unbound"), slo(name="good"), 3)
    assert [each.name for each in result.objectives] == ["good"]
    places = [(refusal.document, refusal.field) for refusal in result.refusals]
    assert places == [
        ("SLO/broken", "spec.budgetingMethod"),
        ("SLO/broken", "spec.objectives[0].target"),
        ("SLO/broken", "spec.objectives[1].op"),
        ("SLO/broken", "spec.objectives[1].target"),
        ("document", ""),
        ("SLO/unbound", "spec.indicator"),
    ]


def test_a_refusal_names_the_line_of_the_nearest_value():
    """Of a value that is not there, its parent's."""
    lines = {(): 3, ("spec",): 7, ("spec", "objectives", 0): 12}
    result = import_openslo([Document("slo.yaml", slo({"target": 2}), lines)])
    assert str(result.refusals[0]).startswith("slo.yaml:12: SLO/slo spec.objectives[0].target: ")


def test_keys_without_a_value_say_nothing():
    """`alertPolicies:` with nothing behind it is common."""
    assert only(slo(alertPolicies=None, description=None)).name == "slo"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["openslo/v1", "1m", "0.9", "lte", "Occurrences", "Timeslices", *KINDS])
)
KEYS = st.sampled_from(FIELDS) | st.text(max_size=5) | st.integers() | st.booleans()
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
VALID = [
    latency_slo(),
    slo({"target": 0.9, "timeSliceTarget": 0.99, "timeSliceWindow": "1m"}, method="Timeslices"),
    {"apiVersion": "openslo/v1", "kind": "SLI"} | indicator(),
    kind("shared", "AlertPolicy", **policy()),
    kind("fast", "AlertCondition", **condition()),
]


def paths(value, path=()):
    """All paths within nested values."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def ensure_told(result):
    """Every line is one line, and every objective can be judged."""
    for told in (*result.refusals, *result.notes):
        assert printable(str(told)) == str(told)
    for objective in result.objectives:
        judged = as_slice_objective(objective) if objective.slice_s else as_objective(objective)
        assert judged is not None


@tried(200)
@given(st.lists(NESTED, max_size=3))
def test_nested_documents_never_break_the_import(contents):
    """Whatever they hold: objectives, or lines that say what is wrong."""
    ensure_told(imported(*contents))


@tried(300)
@given(st.data())
def test_documents_with_one_strange_value_never_break_the_import(data):
    """A valid document in which anything stands in one place."""
    document = data.draw(st.sampled_from(VALID))
    path = data.draw(st.sampled_from(list(paths(document))))
    broken = changed(document, path, data.draw(NESTED.filter(lambda value: value is not None)))
    ensure_told(imported(broken, *VALID[1:]))


def test_endless_nesting_is_refused():
    """Values from elsewhere than a bounded file."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    result = imported(changed(slo(), ("spec", "objectives"), deep))
    assert len(result.refusals) == 1
