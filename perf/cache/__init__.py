"""Cached answers under generations: never stale after a commit, never somebody else's. See docs/caching.md."""

from perf.cache.contract import Unreachable
from perf.cache.keys import Family, key
from perf.cache.reading import Cached, cached
from perf.cache.store import clear, stored
from perf.cache.views import cached_fragment, cached_view, everyone, permissions_of, user_of
from perf.cache.writing import forget

__all__ = [
    "Cached",
    "Family",
    "Unreachable",
    "cached",
    "cached_fragment",
    "cached_view",
    "clear",
    "everyone",
    "forget",
    "key",
    "permissions_of",
    "stored",
    "user_of",
]
