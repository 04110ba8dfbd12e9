"""httpx, on uvloop: workers that wait for their answers."""

import httpx
import uvloop
from block import asked
from workers import work


async def main(block):
    async with httpx.AsyncClient() as client:

        async def send():
            return (await client.get(f"{block.url}/")).status_code

        await work(block, send)


if __name__ == "__main__":
    uvloop.run(main(asked()))
