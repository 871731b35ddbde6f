"""What a platform says of an account itself (its own id, name, bio, picture, mark), made fit to be stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

FACTS = ("display_name", "external_id", "bio", "bio_link", "image_url", "verified", "opened_on")
LONGEST = {"display_name": 255, "external_id": 100, "bio_link": 500, "image_url": 1000}  # characters


def storable(facts: Mapping[str, Any], marks: Collection[str]) -> dict[str, Any]:
    """The part of `facts` (values of FACTS) that says something and fits; `marks` are the known kinds of `verified`.

    A name may be cut; an id or a link that does not fit says nothing, nor does a link of another scheme than HTTP.
    """
    said = {name: value for name in FACTS if (value := _fitting(name, facts.get(name)))}
    if said.get("verified") not in marks:
        said.pop("verified", None)
    return said


def _fitting(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = value.replace("\x00", "")
    if name == "display_name":
        return value[: LONGEST[name]]
    if len(value) > LONGEST.get(name, len(value)):
        return None
    is_link = name in {"bio_link", "image_url"}
    return None if is_link and not value.startswith(("https://", "http://")) else value
