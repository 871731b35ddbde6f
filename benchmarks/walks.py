"""What people of each role do in a day, one act at a time, each with its share; reads, searches, uploads, decisions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.browsing import Browser

WORDS = ("nih", "health", "cdc", "space", "energy", "park", "navy", "science")
ITEM_WORDS = ("valve", "handrail", "pump", "hose", "window", "bearing", "paint", "deck")
PLACES = ("Engine room", "Galley", "Main deck", "Pump room", "Bridge wing")
SORTS = ("-followers", "followers", "-change_7")
PIECE = 512 * 1024  # bytes of a photo in one request, as the page sends them
_STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_PHOTO = re.compile(r'"(/workitems/photos/\d+/(?:original|picture|thumb)/)"')
_KEY = re.compile(r'name="key" value="([^"]+)"')
_numbers = count(1)

Act = Callable[["Person"], None]


@dataclass(slots=True)
class Person:
    """Somebody with a role, a browser, chance of their own, the photos they can take, and what they have seen."""

    role: str
    name: str
    password: str
    browser: Browser
    chance: Random
    photos: tuple[bytes, ...]
    accounts: list[tuple[str, str]] = field(default_factory=list)

    def sign_in(self) -> bool:
        """Sign in and open the first page with its scripts and styles; whether that worked."""
        answer = self.browser.post("sign-in", "/login/", {"username": self.name, "password": self.password, "next": ""})
        if answer.status != 302:
            return False
        home, shown = ("/workitems/", "work items") if self.role in {"crew", "reviewer"} else ("/", "overview")
        page = self.browser.get(f"page: {shown}, first of the day", home)
        for path in dict.fromkeys(_STATIC.findall(page.text)):
            self.browser.get("scripts and styles", path)
        return True

    def sign_out(self) -> None:
        """Leave."""
        self.browser.post("sign-out", "/logout/", {})
        self.browser.cookies.clear()

    def act(self) -> None:
        """One thing that this role does, by its share."""
        acts = ACTS[self.role]
        self.chance.choices(list(acts), list(acts.values()))[0](self)

    def account(self) -> tuple[str, str]:
        """An account, the much-watched ones more often."""
        if not self.accounts:
            rows = self.browser.api("API: summary of all accounts", "/api/summary").json()
            self.accounts = [(row["platform"], quote(row["handle"], safe="")) for row in rows]
        shares = [1 / rank for rank in range(1, len(self.accounts) + 1)]
        return self.chance.choices(self.accounts, shares)[0]


def overview(person: Person) -> None:
    """The dashboard, and what its script asks for and tells."""
    days = person.chance.choice(("", "?days=7", "?days=90", "?days=365"))
    person.browser.get("page: overview", f"/{days}")
    person.browser.get("part: trend", f"/trend/{days}")
    told = urlencode({"route": "snapshots:overview", "painted_ms": "300"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    person.browser.send("beacon", "POST", "/performance/beacon/", told, **headers)


def grid(person: Person) -> None:
    """The newest figures, sorted one way or another, and the page after."""
    path = "/api/grid?day=latest"
    if person.chance.random() < 0.4:
        path += f"&sort={person.chance.choice(SORTS)}"
    answer = person.browser.api("API: grid", path)
    following = answer.json().get("next") if answer.status in {200, 304} else None
    if following and person.chance.random() < 0.5:
        person.browser.api("API: grid, next page", f"{path}&{urlencode({'page': 2, 'after': following})}")


def summary(person: Person) -> None:
    """Sums, by one thing or another."""
    group = person.chance.choice(("total", "platform", "organization"))
    person.browser.api("API: summary", f"/api/summary?group={group}")


def history(person: Person) -> None:
    """The year of one account."""
    platform, handle = person.account()
    person.browser.api("API: history", f"/api/history/{platform}/{handle}?days=365")


def account_page(person: Person) -> None:
    """One account's page."""
    platform, handle = person.account()
    person.browser.get("page: account", f"/accounts/{platform}/{handle}/")


def account_list(person: Person) -> None:
    """The list of accounts, filtered or not."""
    search = person.chance.choice(("", f"?search={person.chance.choice(WORDS)}"))
    person.browser.get("page: accounts", f"/accounts/{search}")


def search_accounts(person: Person) -> None:
    """The list beside the dashboard, while somebody types."""
    word = person.chance.choice(WORDS)
    for typed in (word[:2], word):
        person.browser.get("part: search of accounts", f"/sidebar/?search={typed}")


def scraping_page(person: Person) -> None:
    """How gathering is doing."""
    person.browser.get("page: scraping", "/scraping/")
    person.browser.get("part: scraping, live", "/scraping/live/")


def change_account(person: Person) -> None:
    """Correct the team that owns an account."""
    platform, handle = person.account()
    wanted = {"owner_team": person.chance.choice(("Press office", "Community desk", "Field team"))}
    person.browser.send("change an account", "PATCH", f"/api/accounts/{platform}/{handle}", wanted)


def item_list(person: Person) -> None:
    """The items, by state."""
    state = person.chance.choice(("", "?status=submitted", "?status=in_review", "?status=in_progress"))
    person.browser.get("page: work items", f"/workitems/{state}")


def search_items(person: Person) -> None:
    """Items with a word."""
    person.browser.get("page: search of items", f"/workitems/?search={person.chance.choice(ITEM_WORDS)}")


def item_page(person: Person) -> None:
    """One item with its thumbnails and a photo."""
    if item := _an_item(person):
        page = person.browser.get("page: work item", f"/workitems/{item['number']}/")
        for path in list(dict.fromkeys(_PHOTO.findall(page.text)))[:4]:
            person.browser.get("photo", path)


def new_item(person: Person) -> None:
    """Fill in the form, with up to three photos."""
    form = person.browser.get("page: new item", "/workitems/new/")
    key = _KEY.search(form.text)
    files = {f"photo-{number}": _photo(person) for number in range(1, person.chance.randint(1, 3) + 1)}
    words = {"location": person.chance.choice(PLACES), "description": f"{person.chance.choice(ITEM_WORDS)} is worn"}
    fields = words | {"detail": "Renew it.", "key": key[1] if key else secrets.token_hex(8), "preset": ""}
    person.browser.post("send an item with photos", "/workitems/new/", fields, files)


def upload(person: Person) -> None:
    """An item by the API, and a photo in pieces, as the form's script sends it on a thin line."""
    words = {"location": person.chance.choice(PLACES), "description": "Hose chafes", "detail": "Renew the hose."}
    answer = person.browser.send("send an item", "POST", "/api/workitems", words | {"key": secrets.token_hex(8)})
    if answer.status != 201:
        return
    photo = _photo(person)
    promise = {"item": answer.json()["number"], "name": "IMG_0002.jpg", "size": len(photo), "key": secrets.token_hex(8)}
    promise["sha256"] = hashlib.sha256(photo).hexdigest()
    promised = person.browser.send("promise a photo", "POST", "/api/uploads", promise)
    if promised.status != 201:
        return
    path, piece = f"/api/uploads/{promised.json()['id']}", {"Content-Type": "application/offset+octet-stream"}
    for start in range(0, len(photo), PIECE):
        part = photo[start : start + PIECE]
        person.browser.send("piece of a photo", "PATCH", path, part, **piece, **{"Upload-Offset": str(start)})


def review(person: Person) -> None:
    """Open the desk and take one item a step further."""
    person.browser.get("page: review", "/workitems/review/")
    if item := _an_item(person, "?status=in_review" if person.chance.random() < 0.6 else "?status=submitted"):
        steps = {"submitted": ["in_review"], "in_review": ["completed_review", "needs_revision"]}
        wanted = {"status": person.chance.choice(steps[item["status"]]), "version": item["version"]}
        path = f"/api/workitems/{item['number']}/status"
        person.browser.send("decide about an item", "POST", path, wanted | {"reason": "Please show the tag plate."})


def comment(person: Person) -> None:
    """Say something about an item."""
    if item := _an_item(person):
        path = f"/api/workitems/{item['number']}/comments"
        person.browser.send("comment", "POST", path, {"text": "Seen on the morning round."})


def _an_item(person: Person, query: str = "") -> dict[str, Any] | None:
    answer = person.browser.api("API: work items", f"/api/workitems{query}")
    rows: list[dict[str, Any]] = answer.json()["data"] if answer.status in {200, 304} else []
    return person.chance.choice(rows) if rows else None


def _photo(person: Person) -> bytes:
    """A photo that nobody sent before: one of those at hand with a comment of its own, as JPEG has them."""
    said = f"load {next(_numbers)}".encode()
    photo = person.chance.choice(person.photos)
    return photo[:2] + b"\xff\xfe" + (len(said) + 2).to_bytes(2, "big") + said + photo[2:]


READING: dict[Act, int] = {overview: 14, grid: 22, summary: 10, history: 20, account_page: 8, account_list: 6}
READING |= {search_accounts: 10, scraping_page: 3}
ACTS: Mapping[str, Mapping[Act, int]] = {
    "viewer": READING,
    "editor": READING | {change_account: 1, scraping_page: 8},
    "crew": {item_list: 8, item_page: 8, new_item: 5, upload: 3, search_items: 3},
    "reviewer": {item_list: 6, item_page: 10, review: 10, search_items: 6, comment: 3},
}
"""What each role does, and how often beside its other acts."""
