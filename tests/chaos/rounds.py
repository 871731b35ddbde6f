"""One round of all that people ask of the product: every address there is, and every act that leads to a queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from benchmarks import walks
from benchmarks.browsing import Browser, Seen
from benchmarks.walks import Person
from tests.project.test_matrix import addresses

ROLES = ("viewer", "editor", "crew", "reviewer", "admin")
STREAMS = "/api/export."
"""Addresses that send everything there is: as long as that takes, and measured apart."""

WATCHED = ("/readyz", "/metrics")
"""Addresses that are asked how the servers are, and may say badly."""

Act = Callable[["People"], object]


@dataclass
class People:
    """One person of each role, signed in or not, at the server on `port`."""

    port: int
    passwords: dict[str, tuple[str, str]]
    photos: tuple[bytes, ...]
    by_role: dict[str, Person] = field(default_factory=dict)

    def sign_in(self) -> list[Seen]:
        """Everybody comes, with a browser of their own; what they saw of it."""
        for role, (name, password) in self.passwords.items():
            self.by_role[role] = Person(role, name, password, Browser(self.port), Random(role), self.photos)
            self.by_role[role].sign_in()
        return self.seen()

    def browser(self, role: str) -> Browser:
        """Of the one with that role."""
        return self.by_role[role].browser

    def read(self) -> list[Seen]:
        """Ask every address there is, as an administrator: who may not see it is answered, too."""
        admin = self.browser("admin")
        for path in pages():
            admin.get(path, path, accept="application/json" if path.startswith("/api/") else "text/html")
        return self.seen()

    def act(self) -> list[Seen]:
        """Do what stores something or leads to a queue, once each."""
        for do in ACTS:
            do(self)
        return self.seen()

    def seen(self) -> list[Seen]:
        """What all of them saw since this was last asked."""
        found = [one for person in self.by_role.values() for one in person.browser.seen]
        for person in self.by_role.values():
            person.browser.seen.clear()
        return found


def pages() -> Iterator[str]:
    """Every address that can be read."""
    readable = {one.path for one in addresses() if one.policies["GET"] is not None}
    yield from sorted(readable - {"/logout/"} - set(WATCHED))


def _wrong_password(people: People) -> None:
    """The throttle counts it."""
    stranger = Browser(people.port)
    stranger.post("wrong password", "/login/", {"username": "nobody", "password": "wrong", "next": ""})
    people.browser("viewer").seen.extend(stranger.seen)
    stranger.close()


def _scrape(people: People) -> None:
    """By the page and by the API."""
    editor = people.browser("editor")
    editor.post("start a scrape", "/scraping/start/", {"scope": "all"})
    editor.send("start a scrape by the API", "POST", "/api/scrapes", {"scope": "platform", "platform": "x"})


def _export(people: People) -> None:
    """A file that a worker writes, and a Word file's bundle."""
    people.browser("editor").send("ask for an export", "POST", "/api/exports", {"kind": "csv"})
    people.browser("reviewer").post("ask for Word files", "/workitems/documents/", {"numbers": "DRAFT_0020"})


def _administer(people: People) -> None:
    """A token, and an emptied cache."""
    people.browser("admin").post("make a token", "/tokens/", {"name": "round", "scope": "read"})
    people.browser("admin").post("clear the cache", "/admin/clear-cache/", {})


ACTS: tuple[Act, ...] = (
    lambda people: walks.overview(people.by_role["viewer"]),
    lambda people: walks.change_account(people.by_role["editor"]),
    lambda people: walks.new_item(people.by_role["crew"]),
    lambda people: walks.upload(people.by_role["crew"]),
    lambda people: walks.review(people.by_role["reviewer"]),
    lambda people: walks.comment(people.by_role["reviewer"]),
    _scrape,
    _export,
    _administer,
    _wrong_password,
)
