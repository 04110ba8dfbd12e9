"""OpenSLO files are read safely, and the command prints what they promise and what is refused."""

import os
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.cli import execute
from gatewright.gate.loads import DeclaredObjective, DeclaredSlices
from gatewright.slo.openslo import as_objective, as_slice_objective, import_openslo
from gatewright.suites.slo.declared import objectives_of, slices_of
from gatewright.suites.slo.openslo_file import MOST_BYTES, UnreadableError, read_openslo, read_openslo_text
from gatewright.suites.slo.openslo_text import load_name, render_toml

EXAMPLES = Path(__file__).parent.parent / "slo" / "openslo"
SHOP = EXAMPLES / "shop.yaml"


def unreadable(text):
    """The line and the reason of a text that is not read."""
    with pytest.raises(UnreadableError) as refused:
        read_openslo_text(text if isinstance(text, bytes) else text.encode(), "slo.yaml")
    assert "\n" not in str(refused.value)
    return refused.value.line, str(refused.value)


def contents(text):
    return [document.content for document in read_openslo_text(text.encode(), "slo.yaml")]


def write(folder, text, name="slo.yaml"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_documents_of_a_file_are_read_one_by_one():
    """Empty ones are left out."""
    assert contents("a: 1\n---\n---\nb: [2, {c: 3}]\n") == [{"a": 1}, {"b": [2, {"c": 3}]}]


def test_lines_of_values_are_known():
    """Of keys, of items, and of the nearest value above what is not there."""
    (_, document) = read_openslo_text(
        b"first: 1\n---\nspec:\n  objectives:\n    - target: 1\n    - target: 2\n", "f"
    )
    assert document.line_of(()) == 3
    assert document.line_of(("spec", "objectives")) == 4
    assert document.line_of(("spec", "objectives", 1, "target")) == 6
    assert document.line_of(("spec", "objectives", 1, "nowhere")) == 6
    assert document.line_of(("nowhere",)) == 3


def test_a_mark_at_the_begin_is_no_text():
    """Some editors write a byte order mark."""
    assert contents("\ufeffa: 1\n") == [{"a": 1}]


def test_aliases_and_merges_are_written_out():
    """Within bounds they are what people use to say a thing once."""
    text = "base: &base {x: 1, y: 2}\nother:\n  <<: *base\n  y: 3\n"
    assert contents(text) == [{"base": {"x": 1, "y": 2}, "other": {"x": 1, "y": 3}}]


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)


CHAIN = "- &a0 [x]\n" + "".join(f"- &a{number + 1} [*a{number}]\n" for number in range(60))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (LAUGHS, None, "aliases written out"),
        (MERGES, None, "aliases written out"),
        (CHAIN, None, "is nested more than 40 deep, aliases written out"),
        ("a: &a [1, *a]\n", 1, "contains itself by an alias"),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias"),
        ("a: 1\nb: 2\na: 3\n", 3, "has the key 'a' again, after line 1; remove one"),
        ("x:\n  - y: 1\n    y: 2\n", 3, "has the key 'y' again, after line 2"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "has the tag"),
        ("b: !!str 5\n", 1, "has the tag"),
        ("!mine\na: 1\n", 1, "has the tag !mine"),
        ("a:\n " + "[" * 100 + "]" * 100, 2, "is nested more than 40 deep"),
        ("- " * 1000 + "x\n", 1, "is nested more than 40 deep"),
        ("a: 1\nb: [1,\nc: }\n", 3, "is not YAML"),
        ("a: 'open\n", None, "is not YAML"),
        ("\ta: 1\n", 1, "is not YAML"),
        ("? [a, b]\n: 1\n", 1, "has a key that is no text"),
        (b"a: 1\nb: \xff\n", 2, "is not UTF-8; save it in UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "is not UTF-8"),
        ("a: 1\nb: \x00\n", 2, "holds the character"),
        ("", 1, "holds no document"),
        ("# only a remark\n---\n", 1, "holds no document"),
        ("a: 2022-02-30\n", 1, "holds a value that is none"),
        ("a: " + "9" * 5000 + "\n", 1, "holds a value that is none"),
        ("---\na: 1\n" * 501, None, "holds more than 500 documents"),
        ("%YAML 9.0\n---\na: 1\n", None, "is not YAML"),
    ],
)
def test_hostile_text_costs_one_line(text, line, words):
    """With the number of the line."""
    found, reason = unreadable(text)
    assert words in reason
    assert line is None or found == line


def test_files_that_can_not_be_read_are_refused_by_name(tmp_path):
    """All of them, beside what could be read."""
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    long = write(tmp_path, "a" * (MOST_BYTES + 1), "long.yaml")
    good = write(tmp_path, "a: 1\n", "good.yaml")
    documents, refusals = read_openslo([folder, pipe, long, good, tmp_path / "nowhere.yaml", Path("nul\0")])
    assert [document.file for document in documents] == [str(good)]
    lines = [str(refusal) for refusal in refusals]
    assert [line.partition(": ")[0] for line in lines[:3]] == [f"{folder}:1", f"{pipe}:1", f"{long}:1"]
    assert "is longer than 262,144 bytes; split it" in lines[2]
    assert len(lines) == 5


@tried(200)
@given(
    st.binary(max_size=60) | st.text(alphabet="ab:-[]{}&*!<|>'\"#%?, \n\t1~@`\\", max_size=60).map(str.encode)
)
def test_random_bytes_never_break_the_reader(data):
    """Documents, or one line."""
    with suppress(UnreadableError):
        import_openslo(read_openslo_text(data, "slo.yaml"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.datetimes()
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@tried(100)
@given(st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec"]), VALUES))
def test_what_yaml_can_say_is_imported_or_refused(content):
    """Whatever PyYAML itself would write."""
    with suppress(UnreadableError):
        for refusal in import_openslo(
            read_openslo_text(yaml.safe_dump(content).encode(), "slo.yaml")
        ).refusals:
            assert str(refusal).startswith("slo.yaml:")


def test_a_good_file_is_shown_as_a_table(capsys):
    """Exit 0; what is not used is noted."""
    assert execute(["slo", "openslo", str(SHOP), str(EXAMPLES / "slices.yaml")]) == 0
    shown = capsys.readouterr()
    assert "95% of runs take at most 250 ms" in shown.out
    assert "99.5% of runs succeed" in shown.out
    assert "90% of slices of 5 s, where 99% of runs take at most 300 ms" in shown.out
    assert "on average 90% of runs of 30 s succeed" in shown.out
    assert "alarm burns-fast of pay-is-quick: aborts from a burn rate of 14.4 on" in shown.out
    assert shown.err == "note: DataSource/monitoring: is not asked: a load test measures by itself\n"


def test_objectives_are_printed_for_the_policy(capsys):
    """The text is what the policy reads, and gives the same objectives."""
    assert execute(["slo", "openslo", "--toml", str(SHOP)]) == 0
    declared = tomllib.loads(capsys.readouterr().out)["slo"]["shop"]["objectives"]
    judged = objectives_of(tuple(DeclaredObjective.model_validate(each) for each in declared))
    documents, _ = read_openslo([SHOP])
    assert judged == tuple(as_objective(each) for each in import_openslo(documents).objectives)


def test_slices_of_time_are_printed_for_the_policy(capsys):
    """Beside objectives of the same load, in whatever order; they give the same promises."""
    files = [EXAMPLES / "slices.yaml", SHOP]
    assert execute(["slo", "openslo", "--toml", *map(str, files)]) == 0
    load = tomllib.loads(capsys.readouterr().out)["slo"]["shop"]
    assert len(load["objectives"]) == 2
    promises = slices_of(tuple(DeclaredSlices.model_validate(each) for each in load["slices"]))
    documents, _ = read_openslo(files[:1])
    imported = import_openslo(documents).objectives
    assert [each.objective for each in promises] == [as_slice_objective(each) for each in imported]
    assert [each.threshold_s for each in promises] == [0.3, 0.3, None]


def test_slices_of_a_step_keep_it(capsys, tmp_path):
    """The round trip keeps which runs are meant."""
    metric = "gatewright.dev/metric: latency"
    scope = f"{metric}\n        gatewright.dev/journey: buy\n        gatewright.dev/step: pay"
    text = (EXAMPLES / "slices.yaml").read_text(encoding="utf-8").replace(metric, scope)
    assert execute(["slo", "openslo", "--toml", str(write(tmp_path, text))]) == 0
    load = tomllib.loads(capsys.readouterr().out)["slo"]["shop"]
    (first, *_) = slices_of(tuple(DeclaredSlices.model_validate(each) for each in load["slices"]))
    assert first.name == "buy/pay:latency_300ms_99pct_slices_5s"


def test_hostile_names_stay_text_in_the_policy():
    """Quotes, backslashes and brackets of a journey's name end no string."""
    text = SHOP.read_text(encoding="utf-8").replace("journey: buy", "journey: 'a\"]\\\\ ü'")
    text = text.replace("service: shop", "service: 'Shop \"]\\ (EU)'")
    documents = read_openslo_text(text.encode(), "slo.yaml")
    imported = import_openslo(documents)
    assert imported.refusals == ()
    (objectives,) = (
        load["objectives"] for load in tomllib.loads(render_toml(imported.objectives))["slo"].values()
    )
    assert objectives[0]["journey"] == 'a"]\\\\ ü'


def test_loads_are_named_after_services_as_far_as_policies_allow():
    """Lower case, digits and dashes, at most 40."""
    assert load_name("Web Shop (EU)") == "web-shop-eu"
    assert load_name("ü") == "service"
    assert load_name("a" * 39 + "-b") == "a" * 39


def test_all_that_is_refused_is_listed(tmp_path, capsys):
    """Exit 2; what is good is printed all the same."""
    broken = write(
        tmp_path, SHOP.read_text(encoding="utf-8").replace("targetPercent: 95", "targetPercent: 101")
    )
    other = write(tmp_path, "kind: [", "other.yaml")
    assert execute(["slo", "openslo", str(broken), str(other)]) == 2
    shown = capsys.readouterr()
    assert "runs-succeed" in shown.out
    refusals = [line for line in shown.err.splitlines() if line.startswith("refused: ")]
    assert len(refusals) == 2
    assert f"refused: {other}:" in refusals[0]
    line = f"refused: {broken}:56: SLO/pay-is-quick spec.objectives[0].targetPercent: is 101; it should be less than 100"
    assert refusals[1] == line


def test_files_without_an_slo_promise_nothing(tmp_path, capsys):
    """No promise must not look like a kept one."""
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {}\n"
    assert execute(["slo", "openslo", str(write(tmp_path, service))]) == 2
    assert capsys.readouterr().err == (
        "gatewright: the documents hold no SLO; give the files that define SLOs, too\n"
    )
