"""A policy that can't be meant is refused in one line."""

from pathlib import Path

import pytest
from fakes.projects import CLEAN_POLICY

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode
from gatewright.gate.policy import load_policy, parse_policy, read_policy

CHECK = '[checks.unit]\nsteps = [["true"]]\nresults = ["junit.xml"]\n'
GOOD = f"schema_version = 1\n{CHECK}"


def parse(text: str):
    return parse_policy(text.encode(), "gate.toml").policy


def test_defaults_are_strict() -> None:
    """What a policy does not allow is not allowed."""
    check = parse(GOOD).checks["unit"]
    assert check.required
    assert (check.max_skipped, check.max_flaky) == (0, 0)
    assert check.max_age_s > 0
    assert check.timeout_s > 0


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GOOD, encoding="utf-8")
    first = load_policy(path)
    path.write_text(GOOD + "# a comment\n", encoding="utf-8")
    assert load_policy(path).digest != first.digest
    assert load_policy(path).policy == first.policy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "schema_version"),
        ("schema_version = 2\n" + CHECK, "schema_version"),
        ("schema_version = 1\n", "checks"),
        ("schema_version = 1\n[checks]\n", "checks"),
        (GOOD + "required = false\n", "nothing could ever block"),
        (GOOD + "reqired = false\n", "checks.unit.reqired"),
        (GOOD + "min_colected = 3\n", "no such setting; did you mean min_collected?"),
        (GOOD + "zzz = 3\n", "checks.unit.zzz: there is no such setting"),
        (GOOD + "min_collected = -1\n", "checks.unit.min_collected"),
        (GOOD + "timeout_s = 0\n", "checks.unit.timeout_s"),
        (GOOD + "limits = { p95 = {} }\n", "needs a min or a max"),
        (GOOD + "limits = { p95 = { max = nan } }\n", "checks.unit.limits.p95.max"),
        (GOOD + "limits = { p95 = { max = inf } }\n", "checks.unit.limits.p95.max"),
        (GOOD + 'publish = { "step-1.log" = "../elsewhere" }\n', "relative path"),
        (GOOD + 'publish = { "step-1.log" = "/etc/passwd" }\n', "relative path"),
        (GOOD.replace('"junit.xml"', '"../junit.xml"'), "relative path"),
        (GOOD.replace('"junit.xml"', '"results.txt"'), "checks.unit.results"),
        (GOOD.replace('["junit.xml"]', "[]"), "checks.unit.results"),
        (GOOD.replace('[["true"]]', "[]"), "checks.unit.steps"),
        (GOOD.replace('[["true"]]', "[[]]"), "checks.unit.steps"),
        (GOOD.replace("checks.unit", "checks._sessions"), "checks._sessions"),
        (GOOD.replace("checks.unit", 'checks."../x"'), "checks"),
        ("schema_version = 1\nschema_version = 1\n", "not TOML"),
        ("[[[", "not TOML"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_policy_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't read"):
        load_policy(tmp_path / "gate.toml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "gate.toml: this is no UTF-8 text"),
        (b"\xef\xbb\xbfschema_version = 1", "byte-order mark"),
        (b"a = " + b"9" * 5000, "1000 digits"),
        (b"a = " + b"[" * 9999, "not TOML"),
        (b"#" * (256 * 1024 + 1), "at most 256 KiB"),
        (b".".join([b"a"] * 999) + b" = 1", "dots"),
    ],
)
def test_hostile_bytes_are_a_configuration_error(data: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_policy(data, "gate.toml")
    assert "\n" not in str(caught.value)


def test_of_a_policy_that_is_too_large_no_more_is_read(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_bytes(b"#" * (1024 * 1024))
    assert len(read_policy(tmp_path / "gate.toml")) == 256 * 1024 + 1


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"true"', '"true", "a\\u0000b"'),
        GOOD.replace('"junit.xml"', '"a\\u0000b.xml"'),
        GOOD + 'publish = { "a" = "b\\u0000" }\n',
    ],
)
def test_no_word_or_path_holds_what_no_system_takes(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text)


def test_a_run_about_one_check_requires_it() -> None:
    policy = parse(GOOD + '[checks.extra]\nrequired = false\nsteps = [["true"]]\nresults = ["a.json"]\n')
    narrowed = policy.narrowed("extra")
    assert list(narrowed.checks) == ["extra"]
    assert narrowed.checks["extra"].required
    assert policy.narrowed(None) is policy
    with pytest.raises(ConfigurationError, match="unit, extra"):
        policy.narrowed("other")


def test_the_full_profile_may_have_commands_of_its_own() -> None:
    check = parse(GOOD + 'full_steps = [["one"], ["two"]]\n').checks["unit"]
    assert (len(check.steps_of("quick")), len(check.steps_of("full"))) == (1, 2)
    assert parse(GOOD).checks["unit"].steps_of("full") == (("true",),)


def test_the_full_profile_may_leave_results_of_its_own() -> None:
    check = parse(GOOD + 'full_results = ["a.xml", "b.xml"]\n').checks["unit"]
    names = {profile: [file.path for file in check.results_of(profile)] for profile in ("quick", "full")}
    assert names == {"quick": [file.path for file in check.results], "full": ["a.xml", "b.xml"]}
    assert parse(GOOD).checks["unit"].results_of("full") == check.results
    with pytest.raises(ConfigurationError, match="names a result twice"):
        parse(GOOD + 'full_results = ["a.xml", "a.xml"]\n')


def test_the_policy_of_the_fakes_is_good() -> None:
    assert set(parse(CLEAN_POLICY).checks) == {"unit", "stress"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            GOOD + "required = false\n",
            "the policy: no check is required, so nothing could ever block a release",
        ),
        (GOOD + "zzz = 3\n", "checks.unit.zzz: there is no such setting"),
        (
            GOOD + "min_colected = 3\n",
            "checks.unit.min_colected: there is no such setting; did you mean min_collected?",
        ),
        (GOOD + "timeout_s = 0\n", "checks.unit.timeout_s: Input should be greater than or equal to 1"),
    ],
)
def test_a_refusal_is_one_line_without_more_than_it_needs(text: str, told: str) -> None:
    """The place, what is wrong, and a hint where a word was misspelt; what else helps is told by `policy check`."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value) == f"gate.toml: {told}"
