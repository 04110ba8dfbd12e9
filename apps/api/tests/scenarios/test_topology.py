"""The service as plain processes: they serve one database, come back under their address, and leave nothing."""

import os

import pytest

from multyagents_api.scenarios.api_client import Refused, Unanswered
from multyagents_api.scenarios.topology import Plan, Topology

pytestmark = pytest.mark.end_to_end


def ask_until_it_is_gone(client):
    while True:
        client.get("/healthz")


def test_two_processes_share_a_database_and_come_back_where_they_were():
    """What one acknowledged, the other knows; a killed one gives no answer until it is started again."""
    with Topology(Plan(apis=2)) as topology:
        first, second = topology.client(0), topology.client(1)
        role = first.post("/roles", {"name": "dev"})
        step = {"step_id": "build", "role_id": role["id"], "title": "Build"}
        template = second.post("/workflow-templates", {"name": "one step", "steps": [step]})
        run = first.post("/workflow-runs", {"workflow_template_id": template["id"]})
        assert second.observe(run["id"]).status == "created"
        address = first.base_url
        topology.apis[0].kill()
        with pytest.raises(Unanswered):
            ask_until_it_is_gone(first)
        topology.apis[0].restart()
        assert topology.apis[0].base_url == address
        assert [item["id"] for item in first.pages("/workflow-runs")] == [run["id"]]
        with pytest.raises(Refused, match="404"):
            first.get("/workflow-runs/999")
        pids, folder = [server.pid for server in topology.apis], topology.folder
    assert not folder.exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
