"""JSON Schemas of everything that is written for others to read, straight from the models."""

import importlib
import json
from pathlib import Path

from pydantic import BaseModel

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.ledger import LedgerEntry, LedgerHead
from gatewright.evidence.manifest import Manifest
from gatewright.evidence.record import write_atomic
from gatewright.evidence.report import SuiteReport
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import Policy
from gatewright.gate.policy_schema import policy_schema

__all__ = ["SCHEMAS", "find_schemas", "schema_text", "write_schemas"]

SCHEMAS: dict[str, type[BaseModel]] = {
    "history-entry": LedgerEntry,
    "history-head": LedgerHead,
    "manifest": Manifest,
    "policy": Policy,
    "suite-report": SuiteReport,
    "verdict": VerdictDocument,
}


def find_schemas(names: list[str]) -> dict[str, type[BaseModel]]:
    """Models by the name of their schema: own ones by name, others as `module:Model`; all own ones for none.

    Raises:
        ConfigurationError: a name that stands for no model.
    """
    found = dict(SCHEMAS) if not any(name in SCHEMAS for name in names) else {}
    for name in names:
        if name in SCHEMAS:
            found[name] = SCHEMAS[name]
        else:
            model = load_model(name)
            found[dashed(model.__name__)] = model
    return found


def load_model(reference: str) -> type[BaseModel]:
    """Import a model given as `module:Model`."""
    module, _, name = reference.partition(":")
    if not name:
        known = ", ".join(SCHEMAS)
        raise ConfigurationError(f"there is no schema {reference!r}", remedy=f"use {known} or module:Model")
    try:
        model = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"can't load {reference}: {error}") from None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigurationError(f"{reference} is no pydantic model")
    return model


def dashed(name: str) -> str:
    """`ConcurrencyStressReport` as `concurrency-stress-report`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def schema_text(model: type[BaseModel]) -> str:
    """The schema of a model: of what we write, as it is written; of what people write, as it is accepted."""
    if model is Policy:
        return json.dumps(policy_schema(), indent=2) + "\n"
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | model.model_json_schema(mode="serialization"), indent=2) + "\n"


def write_schemas(folder: Path, models: dict[str, type[BaseModel]]) -> list[Path]:
    """Write each schema to a file of its own."""
    paths = []
    for name, model in sorted(models.items()):
        path = folder / f"{name}.schema.json"
        write_atomic(path, schema_text(model))
        paths.append(path)
    return paths
