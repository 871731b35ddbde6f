"""track_performance: times any function and warns when it is slow or fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, TypeVar

from perf.conf import setting

log = logging.getLogger(__name__)

SLOW_SECONDS = 0.5

Function = TypeVar("Function", bound=Callable[..., Any])


def track_performance(function: Function) -> Function:
    """Time each call of `function`, plain or async; its name, answer and exceptions stay as they are.

    A call over SLOW_SECONDS is logged as a warning, one that raises as an error with its time.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    if iscoroutinefunction(function):

        @wraps(function)
        async def tracked_async(*args: Any, **kwargs: Any) -> Any:
            with _timed(name):
                return await function(*args, **kwargs)

        return tracked_async  # type: ignore[return-value]  # wraps keeps the signature

    @wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        with _timed(name):
            return function(*args, **kwargs)

    return tracked  # type: ignore[return-value]  # the same


@contextmanager
def _timed(name: str) -> Iterator[None]:
    started = perf_counter()
    try:
        yield
    except Exception as error:
        if setting("ENABLE_MONITORING"):
            log.error("%s failed after %.3f s: %s", name, perf_counter() - started, type(error).__name__)
        raise
    elapsed = perf_counter() - started
    if elapsed > SLOW_SECONDS and setting("ENABLE_MONITORING"):
        log.warning("%s took %.3f s", name, elapsed)
