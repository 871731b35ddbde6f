"""What a connector is: it says what to ask and reads what came; it never opens a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit


class Missing(StrEnum):
    """Why there is no figure. Never stored as a number."""

    HIDDEN = "hidden"
    NOT_FOUND = "not_found"
    SUSPENDED = "suspended"
    RENAMED = "renamed"
    BLOCKED = "blocked"
    UNPARSABLE = "unparsable"
    FROM_BATCH = "missing_from_batch"
    POSTPONED = "postponed"  # refused for now alone, while others in the same call were answered
    UNSUPPORTED_PROFILE = "unsupported_profile"
    REASSIGNED = "reassigned"
    WANTS_TOKEN = "wants_token"  # this account or its server opens to a token only, and none is set or accepted


class Trouble(StrEnum):
    """Why a whole call gave nothing; decides whether and when to try again."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    FORBIDDEN_ADDRESS = "forbidden_address"
    TOO_LARGE = "too_large"
    DEAD_TOKEN = "dead_token"
    NO_CREDENTIAL = "no_credential"
    NO_CREDITS = "no_credits"  # the platform says so itself, whatever our own meter says
    REFUSED = "refused"  # a 4xx that is none of the above: asking the same again gives the same
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures and profile facts of one account as the platform gave them; None = it did not say."""

    followers: int | None = None
    followers_rounded: bool = False
    following: int | None = None
    listed: int | None = None
    posts: int | None = None
    videos: int | None = None
    likes: int | None = None
    total_video_views: int | None = None
    external_id: str = ""
    handle: str = ""
    display_name: str = ""
    bio: str = ""
    bio_link: str = ""
    image_url: str = ""
    verified: str = ""
    opened_on: date | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """The platform's own id of an account, learned by a first call; a second call must ask for the figures."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """This call could not tell; ask again through another endpoint of the connector, named `step`."""

    step: str


Answer = Reading | Learned | Elsewhere | Missing


@dataclass(frozen=True, slots=True)
class Target:
    """One account to ask for. `handle` is as stored, `external_id` empty until learned; `step` is the connector's."""

    account_id: int
    handle: str
    external_id: str = ""
    url: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Targets that travel in one request. `step` names the endpoint the connector chose for them."""

    platform: str
    targets: tuple[Target, ...]
    step: str = "read"
    host: str = ""

    @property
    def handles(self) -> tuple[str, ...]:
        """The handles asked for, in order."""
        return tuple(target.handle for target in self.targets)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in `seconds`; with `zone` the window is that zone's calendar day instead."""

    calls: int
    seconds: int
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One outgoing call. `cost` is how many calls of the quota it spends, `dollars` what it may cost at most."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    cost: int = 1
    dollars: float = 0.0


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, lower-cased headers, decoded body (≤ 2 MiB)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What the platform's own headers say of its limit: calls left, and for how many seconds that holds."""

    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after: float | None = None


class CallFailed(Exception):
    """The whole call gave no figures, for `trouble`; `retry_after` in seconds when the platform said so."""

    def __init__(self, trouble: Trouble, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{trouble}: {detail}" if detail else str(trouble))
        self.trouble = trouble
        self.detail = detail
        self.retry_after = retry_after


class Connector:
    """One platform's way in. Subclasses are stateless; `parse` is pure: bytes in, answers out.

    The life of a target: `at_once` may settle it without a call; `batches` packs the rest; each batch is one `request`,
    whose response `parse` turns into answers; `again` says for each answer whether another call has the last word.
    """

    platform: ClassVar[str]
    kind: ClassVar[str] = "api"  # or "page": public pages, off unless SCRAPE_PAGE_PLATFORMS names the platform
    base_url: ClassVar[str]
    looks_up: ClassVar[frozenset[str]] = frozenset()  # steps that bring an id alone: a second call brings the figures
    batch_size: ClassVar[int] = 1
    windows: ClassVar[tuple[Window, ...]]
    per_host: ClassVar[bool] = False  # the limit counts per host (Mastodon), not per credential
    per_account: ClassVar[bool] = False  # every account has a credential and a limit of its own (TikTok): see `key`
    needs_credential: ClassVar[bool] = True
    billed: ClassVar[bool] = False  # what it returns costs money, of which X_MONTHLY_BUDGET_USD says how much

    def windows_for(self, credential: str) -> tuple[Window, ...]:
        """The limits of calls made with `credential`, empty = without one; all hold at once.

        The first is the one that the platform's headers speak of, where it sends any.
        """
        return self.windows

    def key(self, target: Target, credential: str) -> str | None:
        """What of `credential` a call for `target` carries and spends the limit of; None = it has nothing for it.

        Targets of different keys must never share a batch.
        """
        return credential

    def credential_problem(self, credential: str) -> str:
        """One sentence on what is wrong with the form of `credential`; empty when it may be tried."""
        return ""

    def hosts(self, batch: Batch) -> frozenset[str]:
        """The hosts a call for `batch` may reach, redirects included."""
        return frozenset({batch.host or urlsplit(self.base_url).hostname or ""})

    def at_once(self, target: Target) -> Missing | None:
        """The answer for a target that no call can help, such as a handle the platform's grammar forbids."""
        return None

    def unasked(self, target: Target, credential: str) -> Missing | None:
        """The answer for a target that is not asked for: by `at_once`, or because there is no key to ask with."""
        if answer := self.at_once(target):
            return answer
        return Missing.WANTS_TOKEN if self.key(target, credential) is None else None

    def step(self, target: Target) -> str:
        """The endpoint to ask for `target` next; targets of different steps never share a batch."""
        return target.step or "read"

    def size(self, step: str) -> int:
        """How many targets one call of `step` may carry."""
        return self.batch_size

    def batches(self, targets: Sequence[Target]) -> list[Batch]:
        """Pack `targets` (any number) into batches that each fit one request; leaves out what `at_once` settles."""
        by_step: dict[str, list[Target]] = {}
        for target in targets:
            if self.at_once(target) is None:
                by_step.setdefault(self.step(target), []).append(target)
        return [
            Batch(self.platform, tuple(group[i : i + self.size(step)]), step)
            for step, group in by_step.items()
            for i in range(0, len(group), self.size(step))
        ]

    def request(self, batch: Batch, credential: str) -> Request:
        """The call that asks for `batch`; its URL starts with `base_url`."""
        raise NotImplementedError

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        """An answer for every handle of `batch`. Raises CallFailed when the whole call failed."""
        raise NotImplementedError

    def again(self, target: Target, answer: Answer) -> Target | None:
        """The target to ask for next when `answer` is not the last word, else None."""
        if isinstance(answer, Learned):
            return replace(target, external_id=answer.external_id, step="")
        if isinstance(answer, Elsewhere):
            return replace(target, step=answer.step)
        return None

    def advice(self, target: Target, answer: Missing) -> str:
        """One sentence for people on what to do about a missing figure; empty when there is nothing to add."""
        return ""

    def quota(self, response: Response) -> Quota:
        """What the response's headers say of the limit, in seconds left whatever the platform's unit."""
        return Quota()
