"""`python -m tests.scraping.truth --bodies 10000`: read that many bodies per connector and count what came of them."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from typing import Any

from tests.scraping.truth.apis import APIS
from tests.scraping.truth.labels import Body, Maker, damaged
from tests.scraping.truth.pages import PAGES
from tests.scraping.truth.profiles import PROFILES

MAKERS: dict[str, Maker] = APIS | PROFILES | PAGES
WRONG = ("missed", "wrong value", "false zero")
KINDS = ("right", "rightly none", *WRONG)


def judged(connector: Any, body: Body) -> Counter[str]:
    """What the connector made of one body, per account: right, rightly none, missed, wrong value or false zero."""
    from scraping.connectors.base import CallFailed, Reading, Response, Target

    targets = [Target(n, one.handle, one.external_id, one.url) for n, one in enumerate(body.asked)]
    (batch,) = connector.batches(targets)
    try:
        answers = connector.parse(batch, Response(body.status, body.headers, body.content))
    except CallFailed:
        answers = {}
    seen: Counter[str] = Counter()
    for handle, truth in body.truth.items():
        answer = answers.get(handle)
        said = answer.followers if isinstance(answer, Reading) else None
        if said is None:
            seen["missed" if truth is not None and body.clean else "rightly none"] += 1
        elif said == truth:
            seen["right"] += 1
        else:
            seen["false zero" if said == 0 else "wrong value"] += 1
    return seen


def bodies(name: str, count: int, seed: int = 0) -> Any:
    """`count` bodies for one connector, a quarter of them damaged; the same for the same seed."""
    rng = random.Random(f"{name} {seed}")
    for _ in range(count):
        body = MAKERS[name](rng)
        yield damaged(rng, body) if rng.random() < 0.25 else body


def run(name: str, connector: Any, count: int, seed: int = 0, show: int = 0) -> Counter[str]:
    """All verdicts on `count` bodies; the first `show` mistakes are printed."""
    total: Counter[str] = Counter()
    for body in bodies(name, count, seed):
        seen = judged(connector, body)
        total += seen
        if show and any(seen[kind] for kind in WRONG):
            show -= 1
            print(dict(seen), body.truth, body.status, body.content[:2_000].decode(errors="replace"))
    return total


def main() -> int:
    """Run the command; 1 when any figure was wrong or a clean body was not read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=10_000, help="per connector (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=3, help="how many mistakes to print per connector")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    from scraping.connectors import EVERY

    total: Counter[str] = Counter()
    print(f"| connector | {' | '.join(KINDS)} |\n|{'---|' * (len(KINDS) + 1)}")
    for connector in EVERY:
        name = type(connector).__name__
        if name in MAKERS:
            seen = run(name, connector, chosen.bodies, chosen.seed, chosen.show)
            total += seen
            print(f"| {name} | {' | '.join(str(seen[kind]) for kind in KINDS)} |")
    return 1 if any(total[kind] for kind in WRONG) else 0


if __name__ == "__main__":
    sys.exit(main())
