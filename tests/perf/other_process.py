"""Another process of the product for tests about sharing: obeys lines on stdin, answers each with one line."""

from __future__ import annotations

import sys

import django

django.setup()

from django.core.cache import cache  # noqa: E402  # Django must be set up first
from django.db import transaction  # noqa: E402  # the same

from perf.cache import Family, cached, forget  # noqa: E402  # the same


def obey(words: list[str]) -> str:
    match words:
        case ["read", family, key, value]:
            found = cached(Family(family, 300), key, value.encode)
            return f"{found.state} {found.value.decode()}"
        case ["forget", family]:
            forget(Family(family, 300))
            return "forgotten"
        case ["get", name]:
            return str(cache.get(name))
        case ["open", family]:
            transaction.set_autocommit(True)
            with transaction.atomic():
                forget(Family(family, 300))
                print("open", flush=True)
                sys.stdin.readline()
            return "committed"
    raise ValueError(words)


print("ready", flush=True)
for line in sys.stdin:
    print(obey(line.split()), flush=True)
