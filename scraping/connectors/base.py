"""What a connector is: it says what to ask and reads what came; it never opens a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar


class Missing(StrEnum):
    """Why there is no figure. Never stored as a number."""

    HIDDEN = "hidden"
    NOT_FOUND = "not_found"
    SUSPENDED = "suspended"
    RENAMED = "renamed"
    BLOCKED = "blocked"
    UNPARSABLE = "unparsable"
    FROM_BATCH = "missing_from_batch"
    UNSUPPORTED_PROFILE = "unsupported_profile"
    REASSIGNED = "reassigned"


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
    BUDGET_SPENT = "budget_spent"
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


Answer = Reading | Learned | Missing


@dataclass(frozen=True, slots=True)
class Target:
    """One account to ask for. `handle` is as stored, `external_id` empty until learned."""

    account_id: int
    handle: str
    external_id: str = ""
    url: str = ""


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
    """One platform's way in. Subclasses are stateless; `parse` is pure: bytes in, answers out."""

    platform: ClassVar[str]
    kind: ClassVar[str] = "api"  # or "page": public pages, off unless SCRAPE_PAGE_PLATFORMS names the platform
    base_url: ClassVar[str]
    batch_size: ClassVar[int] = 1
    windows: ClassVar[tuple[Window, ...]]
    per_host: ClassVar[bool] = False  # the limit counts per host (Mastodon), not per credential
    needs_credential: ClassVar[bool] = True

    def batches(self, targets: Sequence[Target]) -> list[Batch]:
        """Pack `targets` (any number) into batches that each fit one request."""
        size = self.batch_size
        return [Batch(self.platform, tuple(targets[i : i + size])) for i in range(0, len(targets), size)]

    def request(self, batch: Batch, credential: str) -> Request:
        """The call that asks for `batch`; its URL starts with `base_url`."""
        raise NotImplementedError

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        """An answer for every handle of `batch`. Raises CallFailed when the whole call failed."""
        raise NotImplementedError

    def quota(self, response: Response) -> Quota:
        """What the response's headers say of the limit, in seconds left whatever the platform's unit."""
        return Quota()
