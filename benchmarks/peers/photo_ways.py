"""Ways to make both renditions of a photo: python -m benchmarks.peers.photo_ways WAY PHOTO ROUNDS.

Prints one line of JSON: milliseconds of each round after a first that warms up, the most memory this process had, in
bytes, and both files in hexadecimal.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

Made = tuple[bytes, bytes]
WIDTH, SIDE = 576, 300


def ours() -> Callable[[Path], Made]:
    """As the decoder does it, within its limits."""
    from workitems import rendering  # noqa: PLC0415  # each way loads its own library alone

    rendering._limit()

    def make(photo: Path) -> Made:
        made = rendering.render(photo)
        return made.picture, made.thumbnail

    return make


def predecessor() -> Callable[[Path], Made]:
    """Open, transpose, convert, LANCZOS; and all of it again for the thumbnail."""
    from PIL import Image, ImageOps  # noqa: PLC0415  # the same

    _enable_heif()

    def one(photo: Path, size: tuple[int, int], quality: int) -> bytes:
        with Image.open(photo) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        share = min(size[0] / image.width, size[1] / image.height)
        image = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)
        made = io.BytesIO()
        image.save(made, "JPEG", quality=quality, optimize=True, progressive=True)
        return made.getvalue()

    return lambda photo: (one(photo, (WIDTH, 10**6), 85), one(photo, (SIDE, SIDE), 80))


def vips() -> Callable[[Path], Made]:
    """libvips, which shrinks while it loads; the thumbnail comes from the picture, as ours does."""
    import pyvips  # noqa: PLC0415  # the same

    def make(photo: Path) -> Made:
        picture = pyvips.Image.thumbnail(str(photo), WIDTH, height=10**6).copy_memory()
        small = picture.thumbnail_image(SIDE, height=SIDE)
        how = {"keep": "none", "optimize_coding": True, "interlace": True}
        return picture.jpegsave_buffer(Q=85, **how), small.jpegsave_buffer(Q=80, **how)

    return make


def decode() -> Callable[[Path], Made]:
    """The pixels at full size and nothing more: what no way with this library can be faster than."""
    from PIL import Image  # noqa: PLC0415  # the same

    _enable_heif()

    def make(photo: Path) -> Made:
        with Image.open(photo) as image:
            image.load()
        return b"", b""

    return make


WAYS = {"ours": ours, "predecessor": predecessor, "pyvips": vips, "decode": decode}


def _enable_heif() -> None:
    import pillow_heif  # noqa: PLC0415  # the same

    pillow_heif.register_heif_opener()


def main(way: str, photo: str, rounds: str) -> None:
    """Measure one way."""
    make, times = WAYS[way](), []
    for _ in range(int(rounds) + 1):
        started = perf_counter()
        picture, thumbnail = make(Path(photo))
        times.append(1_000 * (perf_counter() - started))
    (most,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    files = {"picture": picture.hex(), "thumbnail": thumbnail.hex()}
    print(json.dumps({"ms": times[1:], "memory": int(most) * 1_024} | files))


if __name__ == "__main__":
    main(*sys.argv[1:])
