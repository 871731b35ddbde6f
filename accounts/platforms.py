"""The platforms Tidemark knows: names, aliases, addresses and how a handle is written. One entry each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Platform:
    """One social platform as the registry knows it."""

    name: str
    label: str
    badge: str
    aliases: tuple[str, ...] = ()


PLATFORMS: dict[str, Platform] = {
    p.name: p
    for p in (
        Platform("x", "X", "X", ("twitter",)),
        Platform("facebook", "Facebook", "FB", ("facebook español", "fb")),
        Platform("instagram", "Instagram", "IG", ("ig",)),
        Platform("linkedin", "LinkedIn", "IN"),
        Platform("youtube", "YouTube", "YT", ("yt",)),
        Platform("truth_social", "Truth Social", "TS", ("truth", "truth social")),
        Platform("tiktok", "TikTok", "TT"),
        Platform("reddit", "Reddit", "RD"),
        Platform("flickr", "Flickr", "FL"),
        Platform("bluesky", "Bluesky", "BS"),
        Platform("mastodon", "Mastodon", "MA"),
        Platform("threads", "Threads", "TH"),
        Platform("github", "GitHub", "GH"),
    )
}
PLATFORM_CHOICES = [(p.name, p.label) for p in PLATFORMS.values()]


def handle_key(platform: str, handle: str) -> str:
    """The form under which a handle is unique on its platform."""
    return handle.casefold()
