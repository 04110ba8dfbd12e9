"""Import of OpenSLO v1 documents: what they promise, as objectives that a load can be judged by.

The specification: https://github.com/OpenSLO/OpenSLO. A document's queries ask a monitoring system; a load
test measures by itself, so an indicator is bound to what is measured: see `binding`.
"""

from gatewright.slo.openslo.conversion import as_burn_rules, as_objective, as_slice_objective
from gatewright.slo.openslo.importing import import_openslo
from gatewright.slo.openslo.model import (
    BudgetingMethod,
    Document,
    Import,
    ImportedAlarm,
    ImportedObjective,
    Note,
    Refusal,
    TimeWindow,
)

__all__ = [
    "BudgetingMethod",
    "Document",
    "Import",
    "ImportedAlarm",
    "ImportedObjective",
    "Note",
    "Refusal",
    "TimeWindow",
    "as_burn_rules",
    "as_objective",
    "as_slice_objective",
    "import_openslo",
]
