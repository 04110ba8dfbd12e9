"""The outbox: a committed dispatch reaches the runner, whatever happens in between."""

import httpx
import pytest

from multyagents_api.bootstrap import Settings, create_app

pytestmark = pytest.mark.anyio


class DyingRunner:
    """A runner whose process takes the service down with it, in mid-submission."""

    async def submit(self, submission):
        raise KeyboardInterrupt

    async def cancel(self, task_id, attempt):
        raise NotImplementedError


async def test_what_a_dead_process_left_is_delivered_at_the_next_start(api, database, runner):
    """The dispatch was committed before its submission; the next process submits it, once, and records the outcome."""
    run = await api.start_run({"step_id": "a"})
    dying = create_app(Settings(database), runner=DyingRunner())
    with pytest.raises(KeyboardInterrupt):
        await dying.state.services.dispatching.dispatch_ready(int(run["id"]))
    dying.state.services.storage.close()
    assert (await api.get(f"/workflow-runs/{run['id']}"))["tasks"][0]["status"] == "dispatched"

    restarted = create_app(Settings(database), runner=runner)
    async with restarted.router.lifespan_context(restarted):
        transport = httpx.ASGITransport(restarted)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            task = (await client.get(f"/tasks/{run['task_ids'][0]}")).json()
    assert (task["status"], task["attempt"]) == ("queued", 1)
    assert [submission.attempt for submission in runner.submitted] == [1]


async def test_a_delivered_outbox_is_empty(services, api, runner):
    """Nothing is submitted twice when nothing was left behind, and many are delivered in batches."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    assert await services.dispatching.deliver_pending() == 0
    assert len(runner.submitted) == 1
