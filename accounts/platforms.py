"""The platforms Tidemark knows: names, aliases, addresses and how a handle is written. One entry each.

A handle names one profile of its platform. Where a platform has two kinds of profile that may share a name, the rarer
kind carries a prefix: LinkedIn people are `in:name` (pages are plain), Reddit people `u:name` (communities are plain).
Where it has several addresses for one profile (YouTube's /@, /user/, /c/ and bare names, LinkedIn's /company/,
/showcase/ and /school/) the handle is the plain name and the stored address keeps the kind: see `profile_kind`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from urllib.parse import parse_qs, quote, unquote, urlsplit

from accounts.entries import Form, Platform, Rounding

__all__ = [
    "KEY_MAX",
    "PLATFORMS",
    "PLATFORM_CHOICES",
    "QUOTED_MAX",
    "Form",
    "NotAProfile",
    "Platform",
    "Profile",
    "Rounding",
    "find_platform",
    "handle_key",
    "normalise_handle",
    "parse_profile_url",
    "profile_kind",
    "profile_url",
]

_SUBDOMAIN = re.compile(r"(?:www|web|m|mobile|touch|old|new|np|[a-z]{2}(?:-[a-z]{2})?)\.")
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")
KEY_MAX = 255  # characters of a folded handle; some single letters fold to eighteen
QUOTED_MAX = 450  # characters of a handle as addresses write it, up to twelve a letter; the whole address has 500


class NotAProfile(ValueError):
    """An address or handle that names no profile; its text says why, for the person who gave it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an address says: platform name, handle, canonical address, the platform's own id if stated, kind of form."""

    platform: str
    handle: str
    url: str
    external_id: str = ""
    kind: str = ""


_WELL_KNOWN_MASTODON = ("mastodon.", "mstdn.", "mas.to", "fosstodon.org", "hachyderm.io", "infosec.exchange")
_ID_OR_NAME = r"(?:(?P<id>\d+)|(?P<handle>[^/]+))"
_NSID_OR_NAME = r"(?:(?P<id>\d+@N\d{2})|(?P<handle>[^/]+))"

PLATFORMS: dict[str, Platform] = {
    p.name: p
    for p in (
        Platform(
            "x", "X", "X", "#0f1419", ("x.com", "twitter.com"), "https://x.com/",
            r"[A-Za-z0-9_]{1,15}", "1 to 15 letters, digits or _",
            (Form("handle", r"@?(?P<handle>[^/]+)", "{handle}"),),
            aliases=("twitter", "x twitter", "twitter x"),
            pages={
                "a sharing page": "share intent", "a hashtag": "hashtag", "a search": "search explore",
                "a page of the site": "i home settings login signup messages notifications",
            },
            tabs="with_replies|media|likes|highlights|articles|followers|following",
        ),
        Platform(
            "facebook", "Facebook", "FB", "#0b5fcc", ("facebook.com", "fb.com"), "https://www.facebook.com/",
            r"[\w.\-]{1,100}", "letters, digits, dots or hyphens",
            (
                Form("page", r"(?P<handle>[^/?]+)", "{handle}"),
                Form("id", r"profile\.php\?id=(?P<id>\d+)", "profile.php?id={handle}"),
                Form("id", r"(?:pages|people)/[^/]+/(?P<id>\d+)", "profile.php?id={handle}"),
                Form("id", r"p/(?:[^/]*-)?(?P<id>\d+)", "profile.php?id={handle}"),
            ),
            aliases=("facebook español", "fb"),
            pages={
                "a sharing page": "share sharer sharer.php", "a group": "groups", "an event": "events",
                "a video": "watch reel videos", "a photo": "photo photo.php", "a hashtag": "hashtag",
                "a post": "story.php permalink.php stories", "a page of the site": "login marketplace",
                "an address without the profile's id": "profile.php pages people p",
            },
            tabs="about|posts|photos|videos|reels|events|community|followers|reviews|about_[a-z_]+|photos_[a-z_]+",
        ),
        Platform(
            "instagram", "Instagram", "IG", "#b02a73", ("instagram.com", "instagr.am"), "https://www.instagram.com/",
            r"[A-Za-z0-9_.]{1,30}", "1 to 30 letters, digits, dots or _",
            (Form("handle", r"@?(?P<handle>[^/]+)", "{handle}/"),),
            aliases=("ig", "insta"),
            pages={
                "a post": "p", "a reel": "reel reels", "a video": "tv", "a story": "stories",
                "a sharing page": "share", "a page of the site": "explore accounts",
            },
            tabs="reels|tagged|channel|feed",
        ),
        Platform(
            "linkedin", "LinkedIn", "IN", "#0a66a8", ("linkedin.com",), "https://www.linkedin.com/",
            r"(?:in:)?[\w\-.&'\u2019·]{1,100}", "letters, digits and hyphens, as in the address",
            (
                Form("company", rf"company(?:-beta)?/{_ID_OR_NAME}", "company/{handle}/"),
                Form("showcase", rf"showcase/{_ID_OR_NAME}", "showcase/{handle}/"),
                Form("school", rf"school/{_ID_OR_NAME}", "school/{handle}/"),
                Form("person", r"in/(?P<handle>[^/]+)", "in/{handle}/", prefix="in:"),
            ),
            pages={
                "a post": "feed posts", "an article": "pulse", "a job": "jobs", "a group": "groups",
                "an event": "events", "a sharing page": "sharing sharearticle",
                "an address without a name": "company showcase school in",
            },
            tabs="about|posts|people|jobs|life|insights|videos|events|products|mycompany|admin|[a-z]{2}",
        ),
        Platform(
            "youtube", "YouTube", "YT", "#c4001d", ("youtube.com",), "https://www.youtube.com/",
            r"[\w.\-·]{1,100}", "letters, digits, dots, hyphens or _",
            (
                Form("handle", r"@(?P<handle>[^/]+)", "@{handle}"),
                Form("user", r"user/(?P<handle>[^/]+)", "user/{handle}"),
                Form("custom", r"c/(?P<handle>[^/]+)", "c/{handle}"),
                Form("channel", r"channel/(?P<id>(?-i:UC[A-Za-z0-9_\-]{22}))", "channel/{handle}"),
                Form("bare", r"(?P<handle>[^/@]+)", "{handle}"),
            ),
            aliases=("yt", "you tube"),
            pages={
                "a video": "watch shorts embed live", "a playlist": "playlist", "a search": "results", "a post": "post",
                "a page of the site": "feed", "a hashtag": "hashtag", "an address without a name": "user c",
                "an address without a channel id (UC and 22 characters, upper and lower case matter)": "channel",
            },
            tabs="videos|about|featured|shorts|streams|live|playlists|community|posts|channels|podcasts|releases",
            rounding=Rounding(digits=3, how="down"),
        ),
        Platform(
            "truth_social", "Truth Social", "TS", "#4b3fd0", ("truthsocial.com",), "https://truthsocial.com/",
            r"[A-Za-z0-9_]{1,30}", "1 to 30 letters, digits or _",
            (Form("handle", r"@(?P<handle>[^/]+)", "@{handle}"),),
            aliases=("truth", "truthsocial"),
            tabs="media|with_replies|followers|following",
        ),
        Platform(
            "tiktok", "TikTok", "TT", "#006b75", ("tiktok.com",), "https://www.tiktok.com/",
            r"[A-Za-z0-9_.]{1,24}", "1 to 24 letters, digits, dots or _",
            (Form("handle", r"@(?P<handle>[^/]+)", "@{handle}"),),
            aliases=("tik tok", "tt"),
            pages={"a sharing link": "t share", "a hashtag": "tag", "a page of the site": "discover music"},
        ),
        Platform(
            "reddit", "Reddit", "RD", "#c23a00", ("reddit.com",), "https://www.reddit.com/",
            r"(?:u:[A-Za-z0-9_\-]{3,20}|[A-Za-z0-9_]{2,21})", "2 to 21 letters, digits or _; people as u:name",
            (
                Form("community", r"r/(?P<handle>[^/]+)", "r/{handle}/"),
                Form("person", r"(?:u|user)/(?P<handle>[^/]+)", "user/{handle}/", prefix="u:"),
            ),
            pages={"a sharing link": "s", "a post": "gallery comments", "a search": "search"},
            tabs="new|top|hot|rising|about|wiki|submitted|overview",
        ),
        Platform(
            "flickr", "Flickr", "FL", "#9c1f75", ("flickr.com",), "https://www.flickr.com/",
            r"[A-Za-z0-9_\-.]{1,60}(?:@N\d{2})?", "letters, digits, hyphens or _, or an id such as 12345678@N00",
            (
                Form("photos", rf"photos/{_NSID_OR_NAME}", "photos/{handle}/"),
                Form("people", rf"people/{_NSID_OR_NAME}", "people/{handle}/"),
            ),
            pages={"a group": "groups", "a search": "search", "a page of the site": "explore"},
            tabs=r"albums|sets|galleries|groups|favorites|contacts|about|with|page\d+",
        ),
        Platform(
            "bluesky", "Bluesky", "BS", "#0a5fae", ("bsky.app",), "https://bsky.app/",
            r"did:plc:[a-z2-7]{24}|did:web:[a-z0-9.\-]{4,200}|(?=.{4,253}$)(?:[A-Za-z0-9\-]{1,63}\.)+[A-Za-z]{2,63}",
            "the whole name with its dots, such as nasa.bsky.social",
            (Form("handle", r"profile/(?:(?P<id>did:[^/]+)|@?(?P<handle>[^/]+))", "profile/{handle}"),),
            aliases=("bsky",),
            pages={"a search": "search", "a hashtag": "hashtag", "a sharing page": "intent"},
        ),
        Platform(
            "mastodon", "Mastodon", "MA", "#563acc", (), "",
            r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,98}[A-Za-z0-9_])?@[a-z0-9.\-]{4,150}",
            "user@server, such as Mastodon@mastodon.social",
            (Form("handle", r"(?:web/)?(?:@|users/)(?P<handle>[^/]+)", "https://{host}/@{user}"),),
            pages={"a page of the server": "web explore about", "a hashtag": "tags"},
            tabs="with_replies|media|followers|following|featured",
        ),
        Platform(
            "threads", "Threads", "TH", "#3a3f47", ("threads.com", "threads.net"), "https://www.threads.com/",
            r"[A-Za-z0-9_.]{1,30}", "1 to 30 letters, digits, dots or _",
            (Form("handle", r"@(?P<handle>[^/]+)", "@{handle}"),),
            pages={"a post": "t", "a search": "search", "a sharing page": "intent"},
            tabs="replies|media|reposts",
        ),
        Platform(
            "github", "GitHub", "GH", "#24292f", ("github.com",), "https://github.com/",
            r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", "1 to 39 letters, digits or single hyphens",
            (Form("handle", r"(?:orgs/)?(?P<handle>[^/]+)", "{handle}"),),
            aliases=("gh",),
            pages={"a page of the site": "topics features explore settings search marketplace orgs login"},
            tabs="repositories|people|projects|packages|followers|following|stars",
        ),
    )
}  # fmt: skip  # one entry reads best as a table
PLATFORM_CHOICES = [(p.name, p.label) for p in PLATFORMS.values()]


def _folded(text: str) -> str:
    """`text` so that its case and compatibility variants are equal; folding it again changes nothing."""
    before, after = "", unicodedata.normalize("NFKC", text)
    while before != after:
        before, after = after, unicodedata.normalize("NFKC", after.casefold())
    return after


_BY_NAME = {
    _folded(re.sub(r"[\s_\-/]+", " ", name)): p for p in PLATFORMS.values() for name in (p.name, p.label, *p.aliases)
}


def find_platform(name: str) -> Platform | None:
    """The platform of that name, label or alias, whatever its case, or None."""
    return _BY_NAME.get(_folded(re.sub(r"[\s_\-/]+", " ", name.strip())))


def handle_key(platform: str, handle: str) -> str:
    """The form under which a handle is unique on its platform: case and compatibility variants are one."""
    return _folded(handle)


def normalise_handle(platform: str, raw: str) -> str:
    """`raw` as the registry stores it, its case kept: without blanks around it, a leading @ or a path prefix.

    Raises NotAProfile when the platform can have no such handle. Nothing is stripped silently from within.
    """
    known = PLATFORMS[platform]
    handle = raw.strip().removeprefix("@")
    if "/" in handle:  # the tail of an address, such as r/askscience or in/some-one
        handle = next((found[0] for form in known.forms if (found := form.match(handle.strip("/")))), handle)
    if platform == "mastodon":
        user, _, host = handle.partition("@")
        handle = f"{user}@{_ascii_host(host)}"
    if not re.fullmatch(known.handle, handle) or not handle.strip("._-"):
        raise NotAProfile(f"“{_shown(raw)}” cannot be a handle on {known.label}: write {known.rule}.")
    if len(handle_key(platform, handle)) > KEY_MAX or len(quote(handle)) > QUOTED_MAX:
        raise NotAProfile(f"“{_shown(raw)}” is too long a handle to be kept.")
    return handle


def profile_url(platform: str, handle: str, kind: str = "") -> str:
    """The canonical address of `handle`; `kind` picks among a platform's forms (see `profile_kind`)."""
    known = PLATFORMS[platform]
    form = next((f for f in known.forms if f.kind == (kind or _kind_by_handle(known, handle))), known.forms[0])
    user, _, host = handle.partition("@")
    bare = quote(handle.removeprefix(form.prefix), safe="@:~'!$&()*+,;=")
    return known.site + form.url.format(handle=bare, user=quote(user), host=host)


def profile_kind(platform: str, handle: str, url: str = "") -> str:
    """Which of the platform's forms an account has, e.g. youtube: handle, user, custom, channel or bare.

    The stored address decides; where it says nothing about this handle, the handle does.
    """
    if url:
        try:
            stated = parse_profile_url(url, platform)
        except NotAProfile:
            pass
        else:
            if handle_key(platform, stated.handle) == handle_key(platform, handle):
                return stated.kind
    return _kind_by_handle(PLATFORMS[platform], handle)


def parse_profile_url(url: str, platform: str | None = None) -> Profile:
    """What profile the address `url` names. `platform` (a name or alias) must agree with it where given.

    Raises NotAProfile, its text the reason: an unknown site, a post or another page, an illegal handle.
    """
    expected = _expected(platform)
    host, path, query = _split(url)
    known = _platform_at(host, expected)
    if expected and known is not expected:
        raise NotAProfile(f"This is an address of {known.label}, but the row says {expected.label}.")
    if known.name == "facebook" and path.lower() == "profile.php":
        path = f"profile.php?id={parse_qs(query).get('id', [''])[0]}"
    return _match(known, host, path)


def _match(known: Platform, host: str, path: str) -> Profile:
    """The profile at `path` of one platform; raises NotAProfile with what the page is instead."""
    page = known.page_at(path)
    without_tab = re.sub(rf"/(?:{known.tabs})(?:/.*)?$", "", path, flags=re.IGNORECASE) if known.tabs else path
    for form, written in product(known.forms, (path, without_tab)):
        found = form.match(written)
        if not found or (page and not re.search(r"[/?]", written)):
            continue
        handle, external_id = found
        if known.name == "mastodon" and "@" not in handle:
            handle = f"{handle}@{host}"
        handle = normalise_handle(known.name, handle)
        return Profile(known.name, handle, profile_url(known.name, handle, form.kind), external_id, form.kind)
    what = page or ("a post or another page" if path else "the site's front page")
    raise NotAProfile(
        f"“{_shown('/' + path)}” on {known.label} is {what}, not a profile. Give the profile's own address."
    )


def _kind_by_handle(known: Platform, handle: str) -> str:
    """The form that a handle's own shape calls for; the platform's usual form otherwise."""
    if known.name == "youtube" and re.fullmatch(r"UC[A-Za-z0-9_\-]{22}", handle):
        return "channel"
    if known.name == "facebook" and handle.isdecimal():
        return "id"
    return next((f.kind for f in known.forms if f.prefix and handle.startswith(f.prefix)), known.forms[0].kind)


def _expected(platform: str | None) -> Platform | None:
    if not platform:
        return None
    if found := find_platform(platform):
        return found
    raise NotAProfile(f"“{_shown(platform)}” is not a platform Tidemark knows: {', '.join(PLATFORMS)}.")


def _split(url: str) -> tuple[str, str, str]:
    """Host, path without slashes around it, and query of an address that may lack its scheme."""
    text = url.strip()
    if not text:
        raise NotAProfile("There is no address.")
    if any(ord(c) < 0x21 or c in '<>"\\' for c in text):
        raise NotAProfile(f"“{_shown(text)}” holds characters that no address can have.")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text.removeprefix('//')}")
        port = parts.port
    except ValueError as error:
        raise NotAProfile(f"“{_shown(text)}” is not an address.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or port not in {None, 80, 443}:
        raise NotAProfile(f"“{_shown(text)}” is not the address of a web page.")
    path = parts.path if parts.path.strip("/") or not parts.fragment.startswith("!") else parts.fragment[1:]
    return _ascii_host(parts.hostname), re.sub(r"/{2,}", "/", unquote(path)).strip("/"), parts.query


def _ascii_host(host: str) -> str:
    """A public-looking DNS name in lower case and ASCII."""
    try:
        name = host.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise NotAProfile(f"“{_shown(host)}” is not the name of a server.")
    return name


def _platform_at(host: str, expected: Platform | None) -> Platform:
    """The platform whose site `host` is; any other server may be a Mastodon server when the row says so."""
    for known in PLATFORMS.values():
        for domain in known.domains:
            if host == domain or (host.endswith("." + domain) and _SUBDOMAIN.fullmatch(host.removesuffix(domain))):
                return known
            if host.endswith("." + domain):
                raise NotAProfile(f"{host} is a part of {known.label} that holds no profiles.")
    mastodon = PLATFORMS["mastodon"]
    if expected is mastodon or host.removeprefix("www.").startswith(_WELL_KNOWN_MASTODON):
        return mastodon
    raise NotAProfile(f"No platform Tidemark knows lives at {host}. (For a Mastodon server, name the platform too.)")


def _shown(text: str, length: int = 80) -> str:
    """`text` short and printable, for a message."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= length else text[: length - 1] + "…"
