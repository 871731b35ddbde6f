"""The modules of a page, named in its head: fetched together instead of each after the one that imports it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

IMPORT = re.compile(r"^(?:import|export)\s[^;()]*?\"(\.[^\"]+)\";", re.MULTILINE)
"""An import that a module cannot do without; those of import(…) are fetched when they are needed."""


@register.simple_tag
def preload(*names: str, media: str = "") -> SafeString:
    """Links that fetch the modules `names` and all that they import, each once; on screens of `media` alone.

    They come after style sheets: what they do is not seen before those are there.
    """
    find = imported.__wrapped__ if settings.DEBUG else imported  # a module that is being written changes
    only = format_html(' media="{}"', media) if media else ""
    link = '<link rel="modulepreload" href="{}" fetchpriority="low"{}>'
    return format_html_join("", link, ((static(name), only) for name in find(names)))


@cache
def imported(names: tuple[str, ...]) -> list[str]:
    """The static files `names` and all modules that they import, directly or not. Raises FileNotFoundError."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        file = finders.find(name)
        if file is None:
            raise FileNotFoundError(name)
        waiting += [normpath(join(dirname(name), other)) for other in IMPORT.findall(Path(file).read_text())]
    return list(found)
