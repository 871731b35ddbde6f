"""Renditions of photos: ours beside the predecessor's way and libvips, in time, memory, bytes and likeness.

Each way runs in a process of its own for each photo, so that its memory is its own; the ways take turns. Likeness is
SSIM (of brightness, in blocks of 8 × 8) to the same photo shrunk by LANCZOS from all its pixels and never compressed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, median
from typing import Any

from PIL import Image, ImageChops, ImageOps

from benchmarks import ground
from benchmarks.ground import Line
from workitems.pictures import photograph

ROUNDS = 7
MODULE = "benchmarks.peers.photo_ways"
WIDTH, BLOCK = 576, 8
TEXTURE, OCTAVES = 6, 7  # standard deviation, of 255, of each scale: what lies about has detail at all of them alike
SMALL, LARGE = (4_000, 3_000), (8_000, 6_000)
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Photo:
    """One kind of photo and the goals it has: how many times faster, what share of memory, and beside whom else."""

    name: str
    kind: str
    size: tuple[int, int]
    faster: float | None = None
    memory: float | None = None
    options: dict[str, Any] | None = None
    peer: str = "pyvips"
    peer_most: float | None = None  # ours may take so many times as long as the peer


PHOTOS = (
    Photo("12 MP JPEG", "JPEG", SMALL, 5.0, 0.30, {"quality": 90}, peer_most=1.0),
    Photo("48 MP JPEG", "JPEG", LARGE, 7.5, 0.11, {"quality": 90}, peer_most=1.0),
    Photo("12 MP progressive JPEG", "JPEG", SMALL, options={"quality": 90, "progressive": True}),
    Photo("12 MP PNG", "PNG", SMALL, 2.4, options={"compress_level": 1}),
    Photo("12 MP WebP", "WEBP", SMALL, 2.2, options={"quality": 85, "method": 0}),
    Photo("12 MP HEIC", "HEIF", SMALL, 2.0, options={"quality": 60}, peer="decode", peer_most=1.15),
)


def measure(rounds: int = ROUNDS) -> list[Line]:
    """A line for each photo, way and measure; ratios are against the predecessor's way."""
    with tempfile.TemporaryDirectory(prefix="tidemark-images-") as folder:
        return [line for photo in PHOTOS for line in _lines(photo, Path(folder) / photo.name, rounds)]


def _lines(photo: Photo, path: Path, rounds: int) -> Iterator[Line]:
    draw(photo).save(path, photo.kind, **(photo.options or {}))
    ways = ["predecessor", "ours", *([photo.peer] if photo.peer != "pyvips" or find_spec("pyvips") else [])]
    seen: dict[str, dict[str, Any]] = {way: ground.run(MODULE, way, path, rounds) for way in ways}
    for way in ways:  # a second turn, so that a busy moment of the machine is nobody's alone
        seen[way]["ms"] += ground.run(MODULE, way, path, rounds)["ms"]
    time = {way: median(found["ms"]) for way, found in seen.items()}
    yield from _compared(photo.name, "ms", time, _at_least(photo.faster))
    if photo.peer_most is not None and photo.peer in time:
        ratio = time["ours"] / time[photo.peer]
        goal = f"≤ {photo.peer_most:g} × {photo.peer}"
        yield Line(photo.name, f"ours beside {photo.peer}", time["ours"], "ms", ratio, goal, ratio <= photo.peer_most)
    memory = {way: found["memory"] / MB for way, found in seen.items()}
    yield from _compared(photo.name, "MB", memory, _at_most(photo.memory))
    made = {way: found for way, found in seen.items() if found["picture"]}
    size = {way: len(found["picture"] + found["thumbnail"]) / 2_000 for way, found in made.items()}
    yield from _compared(photo.name, "kB", size, _at_most(1.02 if photo.memory else None))
    best = _shrunk(path)
    likeness = {way: ssim(best, bytes.fromhex(found["picture"])) for way, found in made.items()}
    yield from _alike(photo.name, likeness, has_goal=photo.memory is not None)


Goal = tuple[str, float | None, bool]


def _at_least(times: float | None) -> Goal:
    return (f"≥ {times:g} × faster", times, True) if times else ("", None, True)


def _at_most(share: float | None) -> Goal:
    return (f"≤ {share:g} ×", share, False) if share else ("", None, False)


def _compared(case: str, unit: str, found: dict[str, float], goal: Goal) -> Iterator[Line]:
    """The predecessor's number, and the others' with their ratio; the goal is ours alone."""
    said, limit, faster = goal
    base = found["predecessor"]
    for way, value in found.items():
        ratio = base / value if faster else value / base
        if way == "predecessor":
            yield Line(case, way, value, unit)
        elif way != "ours" or limit is None:
            yield Line(case, way, value, unit, ratio)
        else:
            yield Line(case, way, value, unit, ratio, said, ratio >= limit if faster else ratio <= limit)


def _alike(case: str, found: dict[str, float], *, has_goal: bool) -> Iterator[Line]:
    base = found["predecessor"]
    for way, value in found.items():
        if way == "ours" and has_goal:
            yield Line(case, way, value, "SSIM", value - base, "≥ its − 0.001", value >= base - 0.001)
        else:
            yield Line(case, way, value, "SSIM", None if way == "predecessor" else value - base)


def draw(photo: Photo) -> Image.Image:
    """A photo of that size with the detail and the grain of a phone's."""
    if photo.kind == "HEIF":
        import pillow_heif  # noqa: PLC0415  # optional

        pillow_heif.register_heif_opener()
    return _scene(photo.size)


@cache
def _scene(size: tuple[int, int]) -> Image.Image:
    parts = [Image.open(io.BytesIO(photograph(f"part {number}"))) for number in range(4)]
    near = Image.new("RGB", (2 * parts[0].width, 2 * parts[0].height))
    for number, part in enumerate(parts):
        near.paste(part, (number % 2 * part.width, number // 2 * part.height))
    scene = near.resize(size, Image.Resampling.BICUBIC)
    for octave in range(OCTAVES):
        noise = Image.effect_noise((size[0] >> octave, size[1] >> octave), TEXTURE)
        detail = noise.resize(size, Image.Resampling.BICUBIC)
        scene = ImageChops.add(scene, Image.merge("RGB", (detail,) * 3), scale=1, offset=-128)
    return scene


def _shrunk(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    return image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)


def ssim(one: Image.Image, other: bytes) -> float:
    """The mean structural similarity of two images of one size, 1 for equal ones. Source: Wang et al. 2004."""
    with Image.open(io.BytesIO(other)) as opened:
        first, second = one.convert("L"), opened.convert("L")
    if first.size != second.size:
        raise RuntimeError(f"{first.size} cannot be compared with {second.size}")
    places = [
        (x, y, x + BLOCK, y + BLOCK)
        for y in range(0, first.height - BLOCK + 1, BLOCK)
        for x in range(0, first.width - BLOCK + 1, BLOCK)
    ]
    return fmean(_similar(first.crop(place).tobytes(), second.crop(place).tobytes()) for place in places)


def _similar(one: bytes, other: bytes) -> float:
    mean, other_mean = fmean(one), fmean(other)
    variance = fmean(a * a for a in one) - mean**2
    other_variance = fmean(b * b for b in other) - other_mean**2
    together = fmean(a * b for a, b in zip(one, other, strict=True)) - mean * other_mean
    light, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * mean * other_mean + light) * (2 * together + contrast)) / (
        (mean**2 + other_mean**2 + light) * (variance + other_variance + contrast)
    )
