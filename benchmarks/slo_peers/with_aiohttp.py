"""aiohttp, on uvloop: workers that wait for their answers."""

import aiohttp
import uvloop
from block import asked
from workers import work


async def main(block):
    connector = aiohttp.TCPConnector(limit=block.workers)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send():
            async with session.get(f"{block.url}/") as answer:
                await answer.read()
                return answer.status

        await work(block, send)


if __name__ == "__main__":
    uvloop.run(main(asked()))
