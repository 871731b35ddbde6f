"""Rate limits: what is counted for whom, what a refusal says, and that a silent Redis refuses nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from perf import clock
from perf.cache.shared import SharedStore
from perf.cache.store import store
from perf.rates import STANDING, Rate, RateLimitMiddleware, Standing, TooManyRequests, rate, rated, spend


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.RATE_LIMITS = {"reads": (2, 60), "exports": (1, 3600), "free": (0, 60)}


def request_of(pk: int = 1) -> HttpRequest:
    request = HttpRequest()
    request.user = User(pk=pk)
    return request


def test_one_request_too_many_is_refused_until_the_time_is_over() -> None:
    spend(request_of(), "reads")
    spend(request_of(), "reads")
    with pytest.raises(TooManyRequests, match="More than 2 reads in a minute"):
        spend(request_of(), "reads")


def test_each_person_and_each_kind_is_counted_apart() -> None:
    spend(request_of(1), "exports")
    spend(request_of(2), "exports")
    spend(request_of(1), "reads")
    with pytest.raises(TooManyRequests):
        spend(request_of(1), "exports")


def test_what_has_no_limit_is_not_counted() -> None:
    request = request_of()
    spend(request, "free")
    spend(request, "unheard of")
    assert STANDING not in request.META
    assert rate("free") is None


def test_a_request_is_counted_once_however_often_it_is_asked_about() -> None:
    request = request_of()
    for _ in range(5):
        spend(request, "reads")
    assert request.META[STANDING].used == 1


def test_the_count_starts_anew_in_one_process_without_redis(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    spend(request_of(71), "exports")
    with clock.shifted(timedelta(seconds=3590)), pytest.raises(TooManyRequests, match="Try again in 10 seconds"):
        spend(request_of(71), "exports")
    with clock.shifted(timedelta(seconds=3601)):
        spend(request_of(71), "exports")


def test_a_view_with_a_rate_of_its_own_runs_no_further_once_it_is_used_up() -> None:
    runs: list[int] = []

    @rated("exports")
    def view(request: HttpRequest) -> HttpResponse:
        runs.append(1)
        return HttpResponse()

    view(request_of())
    with pytest.raises(TooManyRequests):
        view(request_of())
    assert runs == [1]


def test_the_answer_says_where_the_caller_stands() -> None:
    request = request_of()
    request.META[STANDING] = Standing(Rate("reads", 600, 60), 601, 17)
    response = RateLimitMiddleware(lambda _: HttpResponse(status=429))(request)
    told = {name: value for name, value in response.headers.items() if "ate" in name or "Retry" in name}
    assert told == {
        "RateLimit-Limit": "600",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "17",
        "RateLimit-Policy": "600;w=60",
        "Retry-After": "17",
    }


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (
            Standing(Rate("exports", 10, 3600), 11, 1799),
            "More than 10 exports in an hour. Nothing was done. Try again in 30 minutes.",
        ),
        (
            Standing(Rate("reads", 600, 60), 601, 1),
            "More than 600 reads in a minute. Nothing was done. Try again in 1 second.",
        ),
    ],
)
def test_a_refusal_is_a_sentence_with_what_to_do(standing: Standing, words: str) -> None:
    assert str(TooManyRequests(standing)) == words


def test_no_count_outlives_its_time_though_the_servers_clock_was_put_back() -> None:
    shared = store()
    assert isinstance(shared, SharedStore)
    key = shared._name("rate", "reads:9")
    for counted in (lambda: shared.count("reads:9", 60), lambda: shared.check((), (), "reads:9", 60)[2:]):
        shared.count("reads:9", 60)
        shared._call(lambda redis: redis.expire(key, 86_400))  # what is left of a minute on a clock that went back
        used, left = counted()
        assert (used >= 2, left) == (True, 60)
