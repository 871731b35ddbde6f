"""Rate limits: how often one person may ask, counted in the cache's server; without one nobody is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from django.http import HttpRequest, HttpResponseBase

from perf.cache.contract import Unreachable
from perf.cache.store import store
from perf.conf import setting

View = TypeVar("View", bound=Callable[..., Any])

READS = "reads"
STANDING = "perf.rates.standing"  # in request.META, which is the server's own environ: the warm path counts there too


class Rate(NamedTuple):
    """At most `limit` requests in `seconds` from one person, of the kind `name`. The time starts with the first."""

    name: str
    limit: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.limit} {self.name} in {_period(self.seconds)}"


class Standing(NamedTuple):
    """How far one person has used a rate: `used` requests, this one among them, and `left` seconds until it is new."""

    rate: Rate
    used: int
    left: int

    @property
    def exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.rate.limit

    def headers(self) -> list[tuple[str, str]]:
        """The RateLimit fields of the IETF's draft (httpapi-ratelimit-headers, 07), and Retry-After for a refusal."""
        fields = [
            ("RateLimit-Limit", str(self.rate.limit)),
            ("RateLimit-Remaining", str(max(self.rate.limit - self.used, 0))),
            ("RateLimit-Reset", str(self.left)),
            ("RateLimit-Policy", f"{self.rate.limit};w={self.rate.seconds}"),
        ]
        return [*fields, ("Retry-After", str(self.left))] if self.exceeded else fields


class TooManyRequests(Exception):
    """The person has used up a rate; nothing was done."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(f"More than {standing.rate}. Nothing was done. Try again in {_span(standing.left)}.")


def rate(name: str) -> Rate | None:
    """The rate of setting("RATE_LIMITS") ({name: (limit, seconds)}); None where `name` is not limited."""
    limit, seconds = setting("RATE_LIMITS").get(name, (0, 0))
    return Rate(name, limit, seconds) if limit else None


def rates() -> list[Rate]:
    """All rates that are limited."""
    return [found for name in setting("RATE_LIMITS") if (found := rate(name))]


def counter(name: str, user_id: object) -> str:
    """What the requests of the kind `name` by one person are counted under."""
    return f"{name}:{user_id}"


def spend(request: HttpRequest, name: str) -> None:
    """Count this request of a signed-in person once under `name`. Raises TooManyRequests when it is one too many."""
    standing = request.META.get(STANDING)
    if standing is None or standing.rate.name != name:
        if (limit := rate(name)) is None:
            return
        try:
            used, left = store().count(counter(name, request.user.pk), limit.seconds)
        except Unreachable:  # a limit that cannot be counted refuses nobody
            return
        standing = request.META[STANDING] = Standing(limit, used, left)
    if standing.exceeded:
        raise TooManyRequests(standing)


def rated(name: str) -> Callable[[View], View]:
    """Count each call of a view under `name` instead of among the reads. Goes below `requires`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            spend(request, name)
            return view(request, *args, **kwargs)

        counted.rate = name  # type: ignore[attr-defined]  # functions carry attributes; kept by whatever wraps it
        return counted  # type: ignore[return-value]  # wraps keeps the signature

    return decorate


class RateLimitMiddleware:
    """Tells every caller that was counted where it stands."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        standing = request.META.get(STANDING)
        if standing is not None:
            for name, value in standing.headers():
                response[name] = value
        return response


def _span(seconds: int) -> str:
    """Seconds as people say them, rounded up."""
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            count = -(-seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "a moment"


def _period(seconds: int) -> str:
    """The length of a rate's time: “an hour” or “10 minutes”."""
    words = {3600: "an hour", 60: "a minute"}
    return words.get(seconds) or _span(seconds)
