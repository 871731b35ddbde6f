"""Bare aiohttp: one session, so many calls in flight, bodies read and forgotten."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp

from benchmarks.peers.usage import Usage


async def main(urls: list[str], in_flight: int) -> int:
    """Fetch all `urls`; how many were answered with 200."""
    gate, good = asyncio.Semaphore(in_flight), 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def fetch(url: str) -> None:
            nonlocal good
            async with gate, session.get(url) as answer:
                await answer.read()
                good += answer.status == 200

        await asyncio.gather(*map(fetch, urls))
    return good


if __name__ == "__main__":
    addresses = Path(sys.argv[1]).read_text().split()
    usage = Usage()
    usage.tell(asyncio.run(main(addresses, int(sys.argv[2]))))
