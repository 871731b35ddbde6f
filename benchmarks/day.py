"""A realistic day in minutes, against the product as `up` starts it: morning, a night with a scrape in it, morning.

People of four roles sign in over real HTTP, read, search, send photos and decide about items, with pauses; most of them
leave for the night and sign in again. In the night an editor asks for a scrape of everything.
"""

from __future__ import annotations

import io
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from time import perf_counter, sleep

from PIL import Image

from benchmarks import product
from benchmarks.browsing import Browser, Seen
from benchmarks.ground import Line
from benchmarks.product import Product
from benchmarks.walks import Person
from perf.benchmark import percentile
from workitems.pictures import photograph

SECONDS, USERS = 120.0, 40
SHARES = {"viewer": 0.5, "editor": 0.1, "crew": 0.25, "reviewer": 0.15}
PAUSE = float(os.environ.get("PAUSE", "1.0"))  # mean seconds between two acts of one person
ARRIVING, EVENING, MORNING = 0.08, 0.45, 0.60  # of the day: when all are there, when most leave and come again
OVERTIME = 1.5  # of the day, after which the scrape is waited for no longer
AWAKE = 0.2  # of the people stay through the night
SCRAPE_AT = 0.48
SLICES = 6  # parts of the day that the report shows one by one
PATIENCE = 60.0  # seconds for the first scrape of a demo
EVERY = 2.0  # seconds between two looks at memory
CAMERA = (4032, 3024)  # pixels of a photo
CACHED_MS, COMPUTED_MS, PAGE_MS, HIT_RATE = 200.0, 1_000.0, 2_000.0, 0.80
SEED = 11


@dataclass(slots=True)
class Day:
    """What happened: every answer, the memory over time (perf_counter, MB by kind), and the scrape."""

    started: float
    seconds: float
    seen: list[Seen] = field(default_factory=list)
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    scrape: dict[str, float] = field(default_factory=dict)

    def part(self) -> float:
        """How much of the day is over, from 0 to 1."""
        return (perf_counter() - self.started) / self.seconds


def measure(
    seconds: float = SECONDS, users: int = USERS, database: str = "sqlite", accounts: int = 0, items: int = 0
) -> list[Line]:
    """Live the day and tell of it. `accounts` and `items` are made up beside the demo's own before it begins."""
    with product.running(database) as running:
        if accounts or items:
            running.manage("seed", "--accounts", str(accounts), "--days", "90", "--items", str(items), "--yes")
        people = list(_people(running, users))
        _settle(running.port, next(person for person in people if person.role == "editor"))
        day = Day(perf_counter(), seconds)
        _live(running, people, day)
    for person in people:
        day.seen += person.browser.seen
    return list(_lines(day))


def _people(running: Product, users: int) -> Iterator[Person]:
    """At least one of each role."""
    photos = tuple(_camera(number) for number in range(3))
    wanted = {role: max(1, round(users * share)) for role, share in SHARES.items()}
    for role, known in running.people(wanted).items():
        for number, (name, password) in enumerate(known):
            chance = Random(f"{SEED} {role} {number}")  # noqa: S311  # nothing secret
            yield Person(role, name, password, Browser(running.port), chance, photos)


def _camera(number: int) -> bytes:
    """A JPEG of as many pixels as a phone's."""
    made = io.BytesIO()
    Image.open(io.BytesIO(photograph(f"load {number}"))).resize(CAMERA).save(made, "JPEG", quality=85)
    return made.getvalue()


def _settle(port: int, editor: Person) -> None:
    """Wait for the demo's first scrape to end, PATIENCE seconds at most, so that the night's is one of its own."""
    desk, deadline = _desk(editor, port), perf_counter() + PATIENCE
    while perf_counter() < deadline:
        runs = desk.browser.api("before the day", "/api/scrapes").json()["data"]
        if runs and all(run["finished_at"] for run in runs):
            break
        sleep(1)
    desk.sign_out()
    desk.browser.close()


def _desk(person: Person, port: int) -> Person:
    """The same person, signed in at another desk."""
    desk = Person(person.role, person.name, person.password, Browser(port), Random(SEED), ())  # noqa: S311  # no secret
    desk.sign_in()
    return desk


def _live(running: Product, people: Sequence[Person], day: Day) -> None:
    """Start everybody, watch the memory meanwhile, and wait until all are gone."""
    awake = max(1, round(len(people) * AWAKE))
    sleepers = {id(person) for person in people[awake:]}
    threads = [threading.Thread(target=_lived, args=(one, day, id(one) in sleepers), daemon=True) for one in people]
    editor = next(person for person in people if person.role == "editor")
    threads.append(threading.Thread(target=_scrape, args=(editor, running.port, day), daemon=True))
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        day.memory.append((perf_counter(), running.memory()))
        sleep(EVERY)


def _lived(person: Person, day: Day, sleeps: bool) -> None:
    """One person's day."""
    sleep(person.chance.random() * ARRIVING * day.seconds)
    is_in = person.sign_in()
    while (part := day.part()) < 1:
        at_night = sleeps and EVENING <= part < MORNING
        if at_night and is_in:
            person.sign_out()
            is_in = False
        elif not at_night and not is_in:
            sleep(person.chance.random() * ARRIVING * day.seconds)
            is_in = person.sign_in()
        elif is_in:
            person.act()
        sleep(person.chance.expovariate(1 / PAUSE))
    if is_in:
        person.sign_out()
    person.browser.close()


def _scrape(editor: Person, port: int, day: Day) -> None:
    """The night's scrape, by an editor at another desk who stays until it is done, a while after the day if need be."""
    sleep(SCRAPE_AT * day.seconds)
    desk = _desk(editor, port)
    started = perf_counter()
    answer = desk.browser.send("start a scrape", "POST", "/api/scrapes", {"scope": "all"})
    if answer.status == 202:
        path, run = f"/api/scrapes/{answer.json()['id']}", answer.json()
        while day.part() < OVERTIME and run["done"] < run["total"]:
            sleep(1)
            run = desk.browser.api("API: how far a scrape is", path).json()
        told = {"accounts": run["total"], "done": run["done"], "seconds": perf_counter() - started}
        day.scrape.update(told)
    day.seen += desk.browser.seen
    desk.browser.close()


# --- What is told ----------------------------------------------------------------------------------


def _lines(day: Day) -> Iterator[Line]:
    """The table of kinds and that of time are printed; every number of them is in the lines too."""
    kinds: dict[str, list[Seen]] = defaultdict(list)
    for seen in day.seen:
        kinds[seen.kind].append(seen)
    print("\n".join([*_kinds(kinds, day.seconds), "", *_hours(day), "", *_failures(day)]))
    for kind, found in sorted(kinds.items()):
        yield from _numbers(kind, found, day.seconds)
    yield from _verdicts(day)


def _kinds(kinds: dict[str, list[Seen]], seconds: float) -> Iterator[str]:
    yield "| Asked for | Requests | per s | p50 ms | p95 | p99 | Most | From the cache | Refused | Failed |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for kind, found in [*sorted(kinds.items()), ("**all**", [seen for each in kinds.values() for seen in each])]:
        times = [seen.seconds * 1000 for seen in found]
        marks = [f"{percentile(times, part):,.0f}" for part in (0.5, 0.95, 0.99, 1)]
        failed = sum(seen.failed for seen in found)
        refused = sum(seen.status >= 400 and not seen.failed for seen in found)
        cells = [kind, f"{len(found):,}", f"{len(found) / seconds:.2f}", *marks, _percent(_hit_rate(found))]
        yield f"| {' | '.join([*cells, str(refused), str(failed)])} |"


def _failures(day: Day) -> Iterator[str]:
    """Each answer that failed: when, and how."""
    for seen in day.seen:
        if seen.failed:
            after = seen.at - day.started
            yield f"Failed after {after:.1f} s of {day.seconds:.0f}: {seen.kind}, {seen.status or 'no answer'}"


def _hours(day: Day) -> Iterator[str]:
    """The day in SLICES parts: how much was asked, how long it took, what failed, what each kind of process held."""
    names = sorted({name for _, held in day.memory for name in held})
    columns = ["Part of the day", "Requests per s", "p50 ms", "p95 ms", "Failed", *(f"{name}, MB" for name in names)]
    yield f"| {' | '.join(columns)} |"
    yield f"|---|---:|---:|---:|---:|{'---:|' * len(names)}"
    length = day.seconds / SLICES
    for number in range(SLICES):
        start = day.started + number * length
        found = [seen for seen in day.seen if start <= seen.at < start + length]
        times = [seen.seconds * 1000 for seen in found] or [0.0]
        held = [megabytes for at, megabytes in day.memory if start <= at < start + length]
        most = [f"{max((one.get(name, 0) for one in held), default=0):,.0f}" for name in names]
        marks = [f"{len(found) / length:.1f}", f"{percentile(times, 0.5):,.0f}", f"{percentile(times, 0.95):,.0f}"]
        cells = [f"{number + 1} of {SLICES}", *marks, str(sum(seen.failed for seen in found)), *most]
        yield f"| {' | '.join(cells)} |"


def _numbers(kind: str, found: Sequence[Seen], seconds: float) -> Iterator[Line]:
    times = [seen.seconds * 1000 for seen in found]
    yield Line(kind, "requests", len(found) / seconds, "requests/s", told=False)
    for part in (50, 95, 99):
        yield Line(kind, f"p{part}", percentile(times, part / 100), "ms", told=False)
    if (rate := _hit_rate(found)) is not None:
        yield Line(kind, "from the cache", rate, "of answers", told=False)


def _verdicts(day: Day) -> Iterator[Line]:
    """The promises of the product, on this day and machine."""
    api = [seen for seen in day.seen if seen.kind.startswith("API: ") and seen.cache]
    cached = [seen.seconds * 1000 for seen in api if seen.cache != "MISS"] or [0.0]
    computed = [seen.seconds * 1000 for seen in api if seen.cache == "MISS"] or [0.0]
    pages = [seen.seconds * 1000 for seen in day.seen if seen.kind.startswith("page: ")] or [0.0]
    for title, times, most in (
        ("API from the cache", cached, CACHED_MS),
        ("API computed", computed, COMPUTED_MS),
        ("pages", pages, PAGE_MS),
    ):
        p95 = percentile(times, 0.95)
        yield Line(f"the day: {title}", "p95", p95, "ms", None, f"≤ {most:,.0f}", p95 <= most)
    figures = _hit_rate([seen for seen in day.seen if not _is_of_items(seen)]) or 0.0
    goal = f"≥ {HIT_RATE:g}"
    yield Line("the day: kept answers, figures", "from the cache", figures, "of them", None, goal, figures >= HIT_RATE)
    # Without a goal: in a day of minutes what is written, and so forgotten, comes hundreds of times as often.
    items = _hit_rate([seen for seen in day.seen if _is_of_items(seen)])
    if items is not None:
        yield Line("the day: kept answers, work items", "from the cache", items, "of them")
    failed = sum(seen.failed for seen in day.seen)
    yield Line("the day: answers", "failed", failed, f"of {len(day.seen):,}", None, "0", failed == 0)
    yield Line("the night's scrape", "accounts", day.scrape.get("done", 0), f"of {day.scrape.get('accounts', 0):.0f}")
    yield Line("the night's scrape", "took", day.scrape.get("seconds", 0), "s")
    for name in sorted({name for _, held in day.memory for name in held}):
        megabytes = [held[name] for _, held in day.memory if name in held]
        yield Line(f"memory: {name}", "most", max(megabytes), "MB")
        yield Line(f"memory: {name}", "in the morning", megabytes[0], "MB", told=False)
        yield Line(f"memory: {name}", "at the end", megabytes[-1], "MB", told=False)


def _is_of_items(seen: Seen) -> bool:
    """Whether it is a list of work items."""
    return "items" in seen.kind


def _hit_rate(found: Sequence[Seen]) -> float | None:
    """The share of answers from the cache among those that can be; None where none can."""
    kept = [seen.cache for seen in found if seen.cache]
    return sum(state != "MISS" for state in kept) / len(kept) if kept else None


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.0%}"
