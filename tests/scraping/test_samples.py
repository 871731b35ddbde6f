"""Samples of answers that could not be read: kept, bounded, storable, free of credentials."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from accounts.models import Account
from scraping import ledger, samples
from scraping.connectors.base import Missing, Reading, Response
from scraping.gather import gather
from scraping.models import Attempt, Sample
from tests import factories

both = pytest.mark.both_dbs


def response(body: bytes, content_type: str = "text/html") -> Response:
    return Response(200, {"content-type": content_type}, body)


def cut(body: bytes, content_type: str = "text/html") -> str:
    kept = samples.excerpt([Missing.UNPARSABLE], response(body, content_type))
    assert kept is not None
    return kept.body


def gather_all(platform: str) -> None:
    ledger.request_scrape(Account.objects.filter(platform=platform), None)
    gather(platform, monotonic() + 30)


@both
@pytest.mark.django_db
def test_an_answer_that_cannot_be_read_leaves_a_sample(fakes: Any) -> None:
    one = factories.account("flickr", "nasa")
    fakes.fault("drift", "flickr", "nasa")
    gather_all("flickr")
    tried = Attempt.objects.get(account=one)
    assert tried.outcome == Missing.UNPARSABLE
    sample = Sample.objects.get()
    assert (sample.platform, sample.kind, sample.account, sample.accounts) == ("flickr", "page", one, 1)
    assert (sample.outcome, sample.status, sample.taken_at) == (tried.outcome, tried.status, tried.started_at)
    assert sample.content_type
    assert sample.body
    assert samples.with_sample(Attempt.objects.all()).get().sample == sample.pk


@pytest.mark.django_db
def test_a_wall_leaves_a_sample_and_a_figure_none(fakes: Any) -> None:
    factories.account("flickr", "nasa")
    factories.account("flickr", "esa")
    fakes.fault("challenge", "flickr", "nasa")
    gather_all("flickr")
    assert list(Sample.objects.values_list("outcome", "account__handle")) == [(Missing.BLOCKED, "nasa")]


@pytest.mark.django_db
def test_a_batch_that_cannot_be_read_leaves_one_sample_for_all_of_it(fakes: Any, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 1_000.0
    for number in range(5):
        factories.account("x", f"name{number}")
    fakes.fault("drift", "x")
    gather_all("x")
    assert Attempt.objects.filter(outcome=Missing.UNPARSABLE).count() == 5
    assert list(Sample.objects.values_list("accounts", flat=True)) == [5]


@both
@pytest.mark.django_db
def test_only_the_newest_samples_of_a_platform_and_outcome_stay(fakes: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(samples, "KEPT", 3)
    for number in range(5):
        factories.account("flickr", f"name{number}")
    factories.account("flickr", "walled")
    fakes.set(
        faults=[
            {"kind": "drift", "platform": "flickr", "handle": ""},
            {"kind": "challenge", "platform": "flickr", "handle": "walled"},
        ]
    )
    gather_all("flickr")
    unread = Attempt.objects.filter(outcome=Missing.UNPARSABLE).order_by("-started_at")
    kept = Sample.objects.filter(outcome=Missing.UNPARSABLE)
    assert set(kept.values_list("taken_at", flat=True)) == set(unread.values_list("started_at", flat=True)[:3])


def test_what_was_read_is_not_kept() -> None:
    assert samples.excerpt([Reading(followers=1), Missing.NOT_FOUND], response(b"{}")) is None


def test_credentials_never_reach_a_sample(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"instagram": "17841400000000001:secret/token+1", "x": "x-token"}
    settings.ALERT_WEBHOOK_SECRET = "hook-secret"
    text = cut(b"id 17841400000000001 as secret/token+1, in a link secret%2Ftoken%2B1, x-token and hook-secret")
    for secret in ("17841400000000001", "secret/token+1", "secret%2Ftoken%2B1", "x-token", "hook-secret"):
        assert secret not in text
    assert samples.REMOVED in text


def test_each_of_several_tokens_is_removed_and_their_handles_stay(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"tiktok": "tidemark=act.first!4==, @another.name=act.second", "x": "padded-token=="}
    text = cut(b"tidemark may not use act.first!4==, another.name not act.second%214 nor act.second; padded-token==")
    removed = samples.REMOVED
    assert text == f"tidemark may not use {removed}, another.name not {removed}%214 nor {removed}; {removed}"


def test_a_credential_at_the_cut_is_removed_whole(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "x-token-1234567890"}
    text = cut(b"." * (samples.MAX_SAMPLE - 9) + b"x-token-1234567890" + b"." * 100)
    assert "x-tok" not in text
    assert len(text) <= samples.MAX_SAMPLE


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\x00\xff\xfe\x1f\x8b" * 10_000, "application/octet-stream"),
        ("ä€𝄞".encode() * 5_000, "text/html; charset=utf-8"),
        ("ä".encode("latin-1") * 20_000, "text/html; charset=latin-1"),
        (b"x", "text/html; charset=no-such-thing"),
        (b"x", "text/html; charset=idna"),
        (b"\xed\xa0\x80", "text/html; charset=utf-7"),
        (b"aGVsbG8=", "text/html; charset=base64"),
        (b"", ""),
    ],
)
@both
@pytest.mark.django_db
def test_any_body_is_storable_and_at_most_16_kib(body: bytes, content_type: str) -> None:
    text = cut(body, content_type)
    assert len(text.encode()) <= samples.MAX_SAMPLE
    one = factories.account("flickr")
    Sample.objects.create(
        platform="flickr", account=one, accounts=1, body=text, size=len(body), taken_at=one.created_at
    )
    assert Sample.objects.get().body == text
