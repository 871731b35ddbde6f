"""The decoder: a process apart, started by workitems.images, that turns one photo after the other into renditions.

It is limited in memory and time, writes no file and knows neither Django nor the database. What kills it kills nobody.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
import resource
import struct
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms, ImageFile

from workitems import frames, headers
from workitems.frames import Refused, Rendered
from workitems.headers import NotAPhoto

WIDTH = 576  # 4 inches at 144 dots per inch, as the Word files print it
THUMBNAIL_SIDE = 300
QUALITY, SMALL_QUALITY, THUMBNAIL_QUALITY = 85, 90, 80
SMALL_SIDE = 800  # both sides of the source are shorter: the better quality
DRAFT_SCALE = 2.0  # how much larger than the picture a JPEG is decoded at least; at 1.5, likeness falls by 0.002
REDUCING_GAP = 2.0  # the same for what is shrunk in two steps: first by whole pixels, then by LANCZOS
PLACEHOLDER_SIDE, PLACEHOLDER_QUALITY = 16, 30
MEMORY = 2**30  # bytes of address space
CPU_SECONDS = 10  # for one photo

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → the turn that undoes it."""

SIDEWAYS = frozenset({5, 6, 7, 8})
BROKEN_EXIF = (AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, ArithmeticError, struct.error)
"""What Pillow was seen to raise on broken EXIF: broken notes are no reason to refuse a picture."""


def render(path: Path) -> Rendered:
    """Both renditions of the photo at `path`: upright, sRGB, without any metadata; what its camera wrote beside them.

    Raises NotAPhoto; MemoryError; on a broken file nearly anything.
    """
    image, full = _decoded(path)
    exif = _exif(image)
    turn = exif.get(ExifTags.Base.Orientation)
    width, height = full[::-1] if turn in SIDEWAYS else full
    size = _size(width, height)
    reduced = _reduced(image, size[::-1] if turn in SIDEWAYS else size)
    picture = _bare(_upright(_srgb(_opaque(reduced), image.info.get("icc_profile")), turn))
    return Rendered(
        _jpeg(picture, SMALL_QUALITY if max(full) < SMALL_SIDE else QUALITY),
        _thumbnail(picture),
        *picture.size,
        _placeholder(picture),
        _taken(exif),
        *_position(exif),
    )


# --- Pixels ---------------------------------------------------------------------------------------


def _decoded(path: Path) -> tuple[Image.Image, tuple[int, int]]:
    """The image, its pixels loaded and, for a large JPEG, reduced; and its full size."""
    try:
        return _loaded(path)
    except OSError:  # cut, most likely: photos cut by a bad link are welcome while most of them is there
        return _cut(path.read_bytes())


def _loaded(source: Path | io.BytesIO) -> tuple[Image.Image, tuple[int, int]]:
    known = headers.identify(source)
    if known.format == "HEIF":
        _enable_heif()
    image = Image.open(source, formats=[known.format])
    full = image.size
    if full[0] * full[1] > headers.MAX_PIXELS:  # the header told the truth to one of two readers
        raise headers.too_large(*full)
    if known.format == "JPEG":
        sideways = _exif(image).get(ExifTags.Base.Orientation) in SIDEWAYS
        width, height = _size(*(full[::-1] if sideways else full))
        wanted = (height, width) if sideways else (width, height)
        image.draft(None, (math.ceil(DRAFT_SCALE * wanted[0]), math.ceil(DRAFT_SCALE * wanted[1])))
    image.load()
    return image, full


def _cut(data: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The same for a file that ends too early; refused unless something of its lower half is there."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        # Told that this is the end, the JPEG decoder shows what it has, of a progressive file too.
        image, full = _loaded(io.BytesIO(data + b"\xff\xd9" if data.startswith(b"\xff\xd8") else data))
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    extremes: Any = image.crop((0, image.height // 2, image.width, image.height)).getextrema()
    if all(low == high for low, high in ([extremes] if len(image.getbands()) == 1 else extremes)):
        raise NotAPhoto("Too little of this picture arrived. Send it again.")
    return image, full


@lru_cache(1)
def _enable_heif() -> None:
    import pillow_heif  # noqa: PLC0415  # optional, and 10 MB that most photos do not need

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _size(width: int, height: int) -> tuple[int, int]:
    """The picture's size: WIDTH wide if the source is wider, else as it is."""
    return (width, height) if width <= WIDTH else (WIDTH, max(1, round(height * WIDTH / width)))


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.has_transparency_data and image.mode in ("RGB", "L"):  # one colour stands for nothing there
        image = image.convert("RGBA")
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)


def _opaque(image: Image.Image) -> Image.Image:
    """The image on white, where one could see through it."""
    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    white = Image.new("RGB", seen.size, "white")
    white.paste(seen, mask=seen.getchannel("A"))
    return white


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB; one whose profile is broken, or is for another kind of image, counts as sRGB."""
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            return ImageCms.applyTransform(image, _to_srgb(profile, image.mode)) or image
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # the colours are a shade off then, which is better than no photo
    return image.convert("RGB")


@lru_cache(8)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    """The phones of a crew have few profiles, and making a transform takes longer than using it."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _upright(image: Image.Image, turn: Any) -> Image.Image:
    return image.transpose(UPRIGHT[turn]) if turn in UPRIGHT else image


def _bare(image: Image.Image) -> Image.Image:
    """A new image of the same pixels: no comment, profile or other note comes along."""
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare


def _jpeg(image: Image.Image, quality: int) -> bytes:
    made = io.BytesIO()
    image.save(made, "JPEG", quality=quality, optimize=True, progressive=True)
    return made.getvalue()


def _thumbnail(picture: Image.Image) -> bytes:
    """The picture within THUMBNAIL_SIDE; empty if that fails, for the picture itself can stand in."""
    try:
        small = picture.copy()
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        return _jpeg(small, THUMBNAIL_QUALITY)
    except (OSError, ValueError):
        return b""


def _placeholder(picture: Image.Image) -> str:
    tiny = picture.copy()
    tiny.thumbnail((PLACEHOLDER_SIDE, PLACEHOLDER_SIDE))
    made = io.BytesIO()
    tiny.save(made, "WEBP", quality=PLACEHOLDER_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(made.getvalue()).decode()}"


# --- What the camera wrote ------------------------------------------------------------------------


def _exif(image: Image.Image) -> dict[int, Any]:
    """The notes of the image itself, of the camera and of its place by their numbers; empty where they are broken."""
    try:
        exif = image.getexif()
        return {**exif.get_ifd(ExifTags.IFD.Exif), **exif, ExifTags.IFD.GPSInfo: exif.get_ifd(ExifTags.IFD.GPSInfo)}
    except BROKEN_EXIF:
        return {}


def _taken(exif: dict[int, Any]) -> str:
    """When the shutter opened, as ISO 8601; empty where it is not said, or not as EXIF has it."""
    said = f"{exif.get(ExifTags.Base.DateTimeOriginal, '')}"
    offset = f"{exif.get(ExifTags.Base.OffsetTimeOriginal, '')}"
    if not (time := re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)\0*", said)):
        return ""
    zone = re.fullmatch(r"([+-]\d\d:\d\d)\0*", offset)
    return "{}-{}-{}T{}".format(*time.groups()) + (zone[1] if zone else "")


def _position(exif: dict[int, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees; None for both unless both are there and possible."""
    place, tags = exif.get(ExifTags.IFD.GPSInfo) or {}, ExifTags.GPS
    try:
        latitude = _degrees(place[tags.GPSLatitude], place[tags.GPSLatitudeRef], "N", "S")
        longitude = _degrees(place[tags.GPSLongitude], place[tags.GPSLongitudeRef], "E", "W")
    except BROKEN_EXIF:
        return None, None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # NaN is neither
        return None, None
    return round(latitude, 6), round(longitude, 6)


def _degrees(parts: Any, side: str, positive: str, negative: str) -> float:
    degrees, minutes, seconds = map(float, parts)
    sign = {positive: 1, negative: -1}[side.strip("\0 ").upper()]
    return sign * (degrees + minutes / 60 + seconds / 3600)


# --- The process ----------------------------------------------------------------------------------


def answer(path: Path, make: Callable[[Path], Rendered] = render) -> Rendered | Refused:
    """What to say of the photo at `path`: whatever goes wrong with it has a sentence for people."""
    try:
        return make(path)
    except NotAPhoto as refused:
        return Refused(str(refused))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Refused(f"This picture has more than {headers.MAX_PIXELS // 1_000_000} megapixels. Send it smaller.")
    except MemoryError:
        return Refused("Reading this picture takes more memory than a photo may have. Send it smaller.", is_last=True)
    except Exception as broken:  # noqa: BLE001  # 30,000 broken files raised nine classes, struct.error among them
        return Refused(str(headers.damaged()), f"{type(broken).__name__}: {broken}")


def main() -> None:
    """Answer paths with renditions until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _limit()
    while True:
        try:
            path = frames.read(sys.stdin.buffer)
        except EOFError:
            return
        _allow_seconds()
        said = answer(Path(os.fsdecode(path)))
        frames.write(answers, *said.frames())
        if isinstance(said, Refused) and said.is_last:
            return


def _limit() -> None:
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # macOS refuses to limit the address space
        _set(resource.RLIMIT_AS, MEMORY)
    Image.MAX_IMAGE_PIXELS = headers.MAX_PIXELS
    warnings.simplefilter("ignore")  # of broken notes and the like
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _set(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _allow_seconds() -> None:
    """Let the kernel end this process once the next photo has had CPU_SECONDS."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS, hard))


if __name__ == "__main__":
    main()
