"""Samples of answers that could not be read: their beginning, made storable, no credentials in it, few of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from scraping.connectors import connector_for
from scraping.connectors.base import Answer, Connector, Missing, Response
from scraping.models import Attempt, Sample
from scraping.results import Excerpt, Result, Try

SAMPLED = frozenset({Missing.UNPARSABLE, Missing.BLOCKED})
MAX_SAMPLE = 16 * 1024  # bytes kept of one answer
KEPT = 20  # newest samples per platform and outcome
SHORTEST_SECRET = 6  # characters; anything shorter is no credential and would be cut out of ordinary words
REMOVED = "[credential removed]"
CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def excerpt(answers: Iterable[Answer], response: Response) -> Excerpt | None:
    """The beginning of `response`, at most MAX_SAMPLE bytes as UTF-8, without any configured credential.

    None when it could be read, that is when none of `answers` is one to keep a sample of.
    """
    if not any(answer in SAMPLED for answer in answers):
        return None
    content_type = response.headers.get("content-type", "")
    # Removed before it is cut: half a credential at the end would not be recognised.
    text = scrubbed(_text(response.body, content_type))
    body = text.encode(errors="replace")[:MAX_SAMPLE].decode(errors="ignore")
    return Excerpt(body, len(response.body), scrubbed(_text(content_type.encode(errors="replace"), ""))[:100])


def _text(raw: bytes, content_type: str) -> str:
    """`raw` in its declared encoding or UTF-8, whatever is in it; NUL, which no database stores, made visible."""
    declared = CHARSET.search(content_type)
    try:
        text = raw.decode(declared[1] if declared else "utf-8", errors="replace")
    except (LookupError, UnicodeError):
        text = raw.decode(errors="replace")
    return text.replace("\x00", "\N{SYMBOL FOR NULL}")


def scrubbed(text: str) -> str:
    """`text` without any configured credential, which some platforms repeat when they refuse it."""
    for secret in _secrets():
        text = text.replace(secret, REMOVED)
    return text


def _secrets() -> list[str]:
    """Every configured credential and each part of one, as it is and as an address writes it; longest first."""
    parts = {str(settings.ALERT_WEBHOOK_SECRET)}
    for value in settings.PLATFORM_TOKENS.values():
        for one in (str(value), *re.split(r"[\s,]+", str(value))):  # of TikTok there are several, as handle=token
            parts |= {one, *one.split(":"), one.partition("=")[2]}  # a handle is no secret, and in every sample
    long = {part for part in parts if len(part) >= SHORTEST_SECRET}
    return sorted(long | {quote_plus(part) for part in long}, key=len, reverse=True)


@dataclass(slots=True)
class _Call:
    """A call of which a sample is kept, and for how many accounts it could not be read."""

    sample: Sample
    accounts: set[int] = field(default_factory=set)


def keep(results: Iterable[Result]) -> int:
    """Store one sample per call that could not be read and forget the oldest; returns how many were stored.

    Call it outside the transaction that settles: a sample is help, not a promise.
    """
    calls: dict[tuple[str, str, str, datetime], _Call] = {}
    for result in results:
        for one in result.tries:
            if one.excerpt is None:
                continue
            name = (result.job.platform, one.outcome, one.step, one.started_at)
            call = calls.setdefault(name, _Call(_sample(result, one)))
            call.accounts.add(result.job.account_id)
    if not calls:
        return 0
    for call in calls.values():
        call.sample.accounts = len(call.accounts)
    Sample.objects.bulk_create(call.sample for call in calls.values())
    for platform, outcome in sorted({name[:2] for name in calls}):
        _forget(platform, outcome)
    return len(calls)


def _sample(result: Result, tried: Try) -> Sample:
    connector, kept = connector_for(result.job.platform), tried.excerpt or Excerpt("", 0, "")
    return Sample(
        platform=result.job.platform,
        kind=connector.kind if isinstance(connector, Connector) else "",
        step=tried.step,
        account_id=result.job.account_id,
        outcome=tried.outcome,
        status=tried.status,
        content_type=kept.content_type,
        body=kept.body,
        size=kept.size,
        taken_at=tried.started_at,
    )


@transaction.atomic
def _forget(platform: str, outcome: str) -> None:
    """Delete all but the KEPT newest; rows that another process is deleting are left to it."""
    alike = Sample.objects.filter(platform=platform, outcome=outcome)
    newest = list(alike.order_by("-taken_at", "-id").values_list("pk", flat=True)[:KEPT])
    older = alike.exclude(pk__in=newest).select_for_update(skip_locked=True).order_by("id")
    Sample.objects.filter(pk__in=list(older.values_list("pk", flat=True))).delete()


def with_sample(attempts: QuerySet[Attempt]) -> QuerySet[Any]:
    """Each attempt with `sample`, the id of its call's sample, or None."""
    same_call = Sample.objects.filter(
        platform=OuterRef("platform"),
        outcome=OuterRef("outcome"),
        taken_at=OuterRef("started_at"),
        step=OuterRef("step"),
    )
    return attempts.annotate(sample=Subquery(same_call.values("pk")[:1]))
