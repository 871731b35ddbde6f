"""Which platforms a word of a search names."""

from __future__ import annotations

from accounts.platforms import PLATFORMS, find_platform

BEGINNING = 3  # letters from which the beginning of a name is enough: two would make "in" mean every LinkedIn account


def platforms_called(word: str) -> list[str]:
    """The stored names of the platforms that `word` names, by name or alias, or begins a word of the label of."""
    exact = find_platform(word)
    text = word.casefold()
    return [
        platform.name
        for platform in PLATFORMS.values()
        if platform is exact
        or (len(text) >= BEGINNING and any(part.startswith(text) for part in platform.label.casefold().split()))
    ]
