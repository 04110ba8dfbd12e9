"""A store without room: writes are refused as such, reads go on, and nothing has to be restarted."""

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, Durability, Settings, create_app

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("durability", list(Durability))
async def test_a_full_store_refuses_writes_and_goes_on_when_there_is_room(sqlite_file, durability):
    """507 with a problem, also where transactions are shared; the same request is carried out later."""
    app = create_app(Settings(sqlite_file, auth=AuthKind.OFF, durability=durability))
    storage = app.state.services.storage
    driver = storage._writing.driver
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        [pages] = driver.execute("PRAGMA page_count").fetchone()
        driver.execute(f"PRAGMA max_page_count={pages}")
        large = {"name": "large", "system_prompt": "x" * 9_000}
        refused = await client.post("/roles", json=large)
        assert (refused.status_code, refused.json()["code"]) == (507, "store_full")
        assert "no room left" in refused.json()["detail"]
        assert (await client.get("/roles")).json()["items"] == []
        driver.execute("PRAGMA max_page_count=1000000")
        assert (await client.post("/roles", json=large)).status_code == 201
    await storage.aclose()
