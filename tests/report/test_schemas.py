"""Schemas come from the models and are published as files."""

import json
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.report.schemas import SCHEMAS, find_schemas, schema_text, write_schemas

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_that_of_the_model(name: str) -> None:
    """`gatewright schema --write docs/schemas` writes them anew."""
    assert (PUBLISHED / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(SCHEMAS[name])


def test_a_schema_is_found_by_name_and_a_model_by_its_place() -> None:
    assert list(find_schemas(["verdict"])) == ["verdict"]
    assert "counts" in find_schemas(["gatewright.evidence.report:Counts"])
    assert set(find_schemas([])) == set(SCHEMAS)


@pytest.mark.parametrize(
    "name", ["no-such", "no.such.module:Model", "gatewright.evidence.report:NoSuch", "json:dumps", ":x"]
)
def test_what_is_no_model_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_schemas([name])
    assert "\n" not in str(caught.value)


def test_schemas_are_written_as_files(tmp_path: Path) -> None:
    [path] = write_schemas(tmp_path, find_schemas(["manifest"]))
    assert path.name == "manifest.schema.json"
    assert json.loads(path.read_bytes())["title"] == "Manifest"
