"""Scrapy: a spider over the same addresses, as many requests at once, bodies read and forgotten."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess

from benchmarks.peers.usage import Usage

ADDRESSES = Path(sys.argv[1]).read_text().split()


class Profiles(scrapy.Spider):
    """Fetches, and counts what was answered."""

    name = "profiles"
    good = 0

    async def start(self) -> AsyncIterator[Any]:
        for address in ADDRESSES:
            yield scrapy.Request(address, dont_filter=True)

    def parse(self, response: Any) -> None:
        Profiles.good += response.status == 200


if __name__ == "__main__":
    crawler = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": int(sys.argv[2]),
            "CONCURRENT_REQUESTS_PER_DOMAIN": int(sys.argv[2]),
            "DOWNLOAD_DELAY": 0,
            "LOG_ENABLED": False,
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    usage = Usage()
    crawler.crawl(Profiles)
    crawler.start()
    usage.tell(Profiles.good)
