"""What deploys the service fits the service: its command lines, its settings, and no secret in it."""

import re
from pathlib import Path

import pytest
import yaml

from multyagents_api import __main__ as command_line

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(COMPOSE)["services"]
GUIDE = (ROOT / "docs/guide-deploy.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"^\| `(MULTYAGENTS_\w+)`", GUIDE, re.MULTILINE))


def test_the_image_and_the_runner_start_with_words_that_are_understood():
    """A command line that argparse refuses would show on no machine without a container engine."""
    [default] = re.findall(r"^CMD (\[.*\])$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert command_line.parse(yaml.safe_load(default)).command == "serve"
    assert command_line.parse(SERVICES["runner"]["command"]).command == "runner"


def test_both_apis_are_the_same_but_for_their_ports():
    """Neither leads, so that either may be left out."""
    first, second = ({**SERVICES[name], "ports": None} for name in ("api-1", "api-2"))
    assert first == second
    assert SERVICES["api-1"]["ports"] != SERVICES["api-2"]["ports"]


def test_no_secret_has_a_default():
    """Compose refuses to start without passwords; the runner's token can only be made afterwards."""
    assert set(re.findall(r"\$\{(\w+)(\W*)[^}]*\}", COMPOSE)) == {
        ("POSTGRES_PASSWORD", ":?"),
        ("RUNNER_PASSWORD", ":?"),
        ("RUNNER_TOKEN", "-"),
    }


@pytest.mark.parametrize("command", ["serve", "runner"])
def test_every_setting_is_in_the_guide(command, capsys):
    """The table of settings names what the command lines name, and the Compose file sets nothing else."""
    with pytest.raises(SystemExit):
        command_line.parse([command, "--help"])
    known = set(re.findall(r"^  (MULTYAGENTS_\w+)", capsys.readouterr().out, re.MULTILINE))
    assert known
    assert known <= DOCUMENTED
    for service in SERVICES.values():
        assert {name for name in service["environment"] if name.startswith("MULTYAGENTS_")} <= DOCUMENTED
