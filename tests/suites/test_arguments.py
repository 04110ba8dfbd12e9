"""Figures come from flags and environment, and nonsense is never taken for a number."""

import argparse

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.suites.arguments import Figure, OneLineParser, add_figures, read_figures

FIGURES = (Figure("p95-ms", 250.0, "help"), Figure("rate", 40.0, "help"))


def read(arguments=(), environment=None):
    parser = OneLineParser(prog="suite")
    add_figures(parser, FIGURES, "TASK_")
    return read_figures(parser.parse_args(list(arguments)), FIGURES, "TASK_", environment or {})


def test_the_default_yields_to_the_environment_and_that_to_the_flag():
    """Flag, then variable, then default."""
    assert read() == {"p95-ms": 250, "rate": 40}
    assert read(environment={"TASK_P95_MS": "100", "HOME": "x"}) == {"p95-ms": 100, "rate": 40}
    assert read(["--p95-ms", "80"], {"TASK_P95_MS": "100"}) == {"p95-ms": 80, "rate": 40}


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "0", "1e999", "", " ", "ten", "0x10", "1,5"])
def test_what_is_no_positive_number_is_refused(text):
    """Whoever sets a threshold to nonsense learns it, by flag and by environment."""
    with pytest.raises(ConfigurationError, match="--rate must be a positive number"):
        read([f"--rate={text}"])
    with pytest.raises(ConfigurationError, match="TASK_RATE must be a positive number"):
        read(environment={"TASK_RATE": text})


def test_a_misspelled_variable_is_refused():
    """A threshold that nobody reads must not look as if it were set."""
    with pytest.raises(ConfigurationError, match="TASK_P95 is unknown; known are TASK_P95_MS, TASK_RATE"):
        read(environment={"TASK_P95": "100"})


def test_a_flag_that_does_not_exist_is_one_line(capsys):
    """No usage text of many lines hides what is wrong."""
    with pytest.raises(SystemExit) as exit_:
        read(["--nonsense"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "suite: unrecognized arguments: --nonsense; --help explains\n"


def test_help_tells_variable_and_default():
    """The help of a figure says where else it may come from."""
    parser = argparse.ArgumentParser()
    add_figures(parser, FIGURES, "TASK_")
    assert "default: TASK_RATE, else 40" in " ".join(parser.format_help().split())
