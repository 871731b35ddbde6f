"""Photographs of a yard that nobody took: drawn for the demo and for made-up data, the same one for the same words."""

from __future__ import annotations

import io
import math
from datetime import datetime
from random import Random

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter, ImageFont

SIZE = (1280, 960)
WALLS = ((198, 203, 196), (176, 190, 200), (206, 196, 178), (168, 176, 170))
PAINTS = ((44, 110, 150), (176, 60, 46), (58, 122, 84), (214, 160, 50), (120, 126, 132))
RUST, DARK, STEEL, PLATE = (134, 74, 40), (40, 44, 48), (188, 192, 196), (238, 226, 180)
QUALITY = 82

Colour = tuple[int, int, int]


def photograph(words: str, *, tag: str = "", taken: datetime | None = None) -> bytes:
    """A JPEG of some 80 kB: pipes, a valve and a gauge, as `words` decide, with `tag` on its plate.

    `taken` (aware) is written down as a camera does. The bytes are the same for the same arguments and Pillow.
    """
    chance = Random(words)  # noqa: S311  # nothing secret
    image = _wall(chance)
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(1, 3)):
        _pipe(draw, chance)
    _rust(image, chance)
    chance.choice((_valve, _gauge, _cabinet))(draw, chance)
    _plate(draw, chance, tag)
    made = io.BytesIO()
    _grained(image, chance).save(made, "JPEG", quality=QUALITY, exif=_notes(taken))
    return made.getvalue()


def _wall(chance: Random) -> Image.Image:
    """A painted wall over a darker floor, lit from one side."""
    wall, horizon = chance.choice(WALLS), chance.randint(640, 820)
    image = Image.new("RGB", SIZE, wall)
    draw = ImageDraw.Draw(image)
    for y in range(chance.randint(60, 160), horizon, chance.randint(150, 240)):
        draw.line((0, y, SIZE[0], y), fill=_shade(wall, 0.9), width=4)
    draw.rectangle((0, horizon, *SIZE), fill=_shade(wall, 0.45))
    light = Image.linear_gradient("L").rotate(chance.choice((90, 180, 270))).resize(SIZE).point(lambda v: 150 + v // 3)
    return ImageChops.multiply(image, Image.merge("RGB", (light,) * 3))


def _pipe(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    """A round pipe across the picture, upright or level, with flanges."""
    paint, radius = chance.choice(PAINTS), chance.randint(26, 70)
    upright = chance.random() < 0.5
    middle = chance.randint(200, (SIZE[0] if upright else 640) - 200)
    length = SIZE[1] if upright else SIZE[0]

    def box(start: float, end: float, low: float, high: float) -> tuple[float, float, float, float]:
        return (low, start, high, end) if upright else (start, low, end, high)

    for off in range(-radius, radius):
        round_light = math.sqrt(1 - (off / radius) ** 2) * (1.15 if off < 0 else 0.95)
        draw.rectangle(box(0, length, middle + off, middle + off + 1), fill=_shade(paint, 0.35 + 0.75 * round_light))
    for at in range(chance.randint(80, 300), length, chance.randint(320, 480)):
        draw.rectangle(box(at, at + 30, middle - radius - 18, middle + radius + 18), fill=_shade(paint, 0.7))
        for side in (-1, 1):
            bolt = middle + side * (radius + 8)
            draw.ellipse(box(at + 8, at + 22, bolt - 7, bolt + 7), fill=DARK)


def _rust(image: Image.Image, chance: Random) -> None:
    """Soft brown patches, running downwards."""
    mask = Image.new("L", SIZE)
    draw = ImageDraw.Draw(mask)
    for _ in range(chance.randint(3, 9)):
        x, y, size = chance.randint(0, SIZE[0]), chance.randint(100, 700), chance.randint(10, 60)
        draw.ellipse((x - size, y - size // 2, x + size, y + size // 2), fill=chance.randint(120, 220))
        draw.rectangle((x - size // 4, y, x + size // 5, y + 3 * size), fill=chance.randint(60, 150))
    image.paste(RUST, mask=mask.filter(ImageFilter.GaussianBlur(9)))


def _valve(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    """A hand wheel with spokes."""
    x, y, radius = chance.randint(420, 860), chance.randint(320, 560), chance.randint(130, 190)
    paint = chance.choice(PAINTS)
    for turn in range(5):
        angle = math.tau * (turn / 5 + chance.random() / 50)
        end = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        draw.line((x, y, *end), fill=_shade(paint, 0.75), width=24)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=_shade(paint, 0.6), width=44)
    draw.ellipse((x - radius + 6, y - radius + 4, x + radius - 6, y + radius - 8), outline=paint, width=26)
    draw.ellipse((x - 40, y - 40, x + 40, y + 40), fill=STEEL, outline=DARK, width=6)


def _gauge(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    """A pressure gauge and what it shows."""
    x, y, radius = chance.randint(420, 860), chance.randint(320, 560), chance.randint(120, 170)
    draw.rectangle((x - 22, y, x + 22, y + radius + 90), fill=_shade(STEEL, 0.7))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill="white", outline=DARK, width=16)
    for mark in range(11):
        angle = math.radians(135 + 27 * mark)
        near, far = (radius * share for share in (0.72, 0.86))
        ends = (x + near * math.cos(angle), y + near * math.sin(angle), x + far * math.cos(angle))
        draw.line((*ends, y + far * math.sin(angle)), fill=RUST if mark > 8 else DARK, width=6)
    angle = math.radians(135 + 270 * chance.random())
    draw.line((x, y, x + 0.7 * radius * math.cos(angle), y + 0.7 * radius * math.sin(angle)), fill=PAINTS[1], width=9)
    draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=DARK)


def _cabinet(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    """A switch cabinet with lamps."""
    x, y, width, height = chance.randint(300, 700), chance.randint(180, 300), 340, 430
    draw.rectangle((x + 14, y + 14, x + width + 14, y + height + 14), fill=DARK)
    draw.rectangle((x, y, x + width, y + height), fill=PAINTS[4], outline=_shade(PAINTS[4], 0.6), width=8)
    for place in range(6):
        left, top = x + 60 + place % 3 * 90, y + 90 + place // 3 * 110
        draw.ellipse((left, top, left + 44, top + 44), fill=chance.choice(PAINTS[:4]), outline=DARK, width=5)
    draw.rectangle((x + width - 40, y + 280, x + width - 22, y + 350), fill=DARK)


def _plate(draw: ImageDraw.ImageDraw, chance: Random, tag: str) -> None:
    """The riveted plate with what it is called."""
    x, y = chance.randint(60, 700), chance.randint(700, 820)
    draw.rectangle((x, y, x + 420, y + 96), fill=PLATE, outline=DARK, width=4)
    for rivet in (x + 14, x + 394):
        draw.ellipse((rivet, y + 42, rivet + 12, y + 54), fill=DARK)
    draw.text((x + 210, y + 48), tag[:16], fill=DARK, font=ImageFont.load_default(44), anchor="mm")


def _grained(image: Image.Image, chance: Random) -> Image.Image:
    """A little out of focus and with the grain of a phone, from the same words the same."""
    grain = Image.frombytes("L", (160, 120), chance.randbytes(160 * 120)).resize(SIZE, Image.Resampling.BICUBIC)
    soft = image.filter(ImageFilter.GaussianBlur(0.8 + chance.random()))
    return Image.blend(soft, Image.merge("RGB", (grain,) * 3), 0.05)


def _notes(taken: datetime | None) -> Image.Exif:
    exif = Image.Exif()
    if taken is not None:
        written = f"{taken:%Y:%m:%d %H:%M:%S}"
        offset = f"{taken:%z}"
        exif.get_ifd(ExifTags.IFD.Exif).update(
            {
                ExifTags.Base.DateTimeOriginal: written,
                ExifTags.Base.OffsetTimeOriginal: f"{offset[:3]}:{offset[3:]}",
            }
        )
    return exif


def _shade(colour: Colour, share: float) -> Colour:
    red, green, blue = (min(255, round(part * share)) for part in colour)
    return red, green, blue
