"""The renditions: what is made of a photo's pixels, and that nothing else of it comes along."""

import base64
import io
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.TiffImagePlugin import IFDRational

from workitems import rendering
from workitems.headers import NotAPhoto
from workitems.rendering import render

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (255, 255, 255)


def corners(width, height):
    """Red above left, green above right, blue below left, white below right."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    for at, colour in (((0, 0), RED), ((width // 2, 0), GREEN), ((0, height // 2), BLUE)):
        draw.rectangle((*at, at[0] + width // 2 - 1, at[1] + height // 2 - 1), fill=colour)
    return image


@pytest.fixture
def stored(tmp_path):
    """Saves an image and gives its path: stored(image, "PNG", …)."""

    def save(image, kind="JPEG", **options):
        path = tmp_path / "photo"
        image.save(path, kind, **options)
        return path

    return save


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def nearly(seen, wanted, off=12):
    return all(abs(a - b) <= off for a, b in zip(seen, wanted, strict=True))


@pytest.mark.req("B42")
@pytest.mark.parametrize(
    ("source", "shown"), [((1200, 900), (576, 432)), ((400, 3000), (400, 3000)), ((576, 10), (576, 10))]
)
def test_only_what_is_wider_is_made_576_wide(stored, source, shown):
    made = render(stored(corners(*source)))
    assert (made.width, made.height) == opened(made.picture).size == shown


@pytest.mark.req("B42")
@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("size", [(1600, 1200), (300, 200)])
def test_every_orientation_comes_out_upright(stored, turn, size):
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(turn, turn)
    upright = corners(*size)
    lying = upright.transpose(rendering.UPRIGHT[back]) if turn > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    shown = opened(render(stored(lying, exif=exif, quality=95)).picture)
    assert shown.width / shown.height == pytest.approx(size[0] / size[1], rel=0.01)
    seen = [shown.getpixel((shown.width * x // 4, shown.height * y // 4)) for y in (1, 3) for x in (1, 3)]
    assert all(nearly(*pair) for pair in zip(seen, (RED, GREEN, BLUE, WHITE), strict=True)), seen


@pytest.mark.req("B44")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_what_one_could_see_through_is_white(stored, mode):
    image = Image.new("RGBA", (800, 600), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 400, 600))
    source = image.quantize() if mode in ("P", "PA") else image.convert(mode)
    shown = opened(render(stored(source, "PNG")).picture)
    assert shown.mode == "RGB"
    assert nearly(shown.getpixel((100, 200)), (0, 0, 0))
    assert nearly(shown.getpixel((500, 200)), WHITE)


@pytest.mark.req("B44")
def test_what_is_half_transparent_is_half_white(stored):
    shown = opened(render(stored(Image.new("RGBA", (40, 40), (0, 0, 0, 128)), "PNG")).picture)
    assert nearly(shown.getpixel((20, 20)), (127, 127, 127))


@pytest.mark.req("B44")
def test_cmyk_and_grey_become_rgb(stored):
    for image in (corners(900, 700).convert("CMYK"), corners(900, 700).convert("L")):
        shown = opened(render(stored(image)).picture)
        assert shown.mode == "RGB"
        assert nearly(shown.getpixel((500, 400)), WHITE)


def test_sixteen_bits_of_grey_keep_their_brightness(stored):
    shown = opened(render(stored(Image.new("I;16", (50, 50), 32_896), "PNG")).picture)
    assert nearly(shown.getpixel((25, 25)), (128, 128, 128))


def test_another_colour_space_is_converted(stored):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    assert opened(render(stored(corners(80, 80), icc_profile=lab.tobytes())).picture).mode == "RGB"  # for other images
    swapped = swapped_profile()
    shown = opened(render(stored(Image.new("RGB", (80, 80), (230, 20, 20)), icc_profile=swapped)).picture)
    red, green, _ = shown.getpixel((40, 40))
    assert green > 150 > red


def swapped_profile():
    """sRGB whose red and green primaries are exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    return bytes(data)


@pytest.mark.req("B45")
def test_a_rendition_is_a_progressive_jpeg_whatever_came(stored):
    made = render(stored(corners(1000, 800), "PNG"))
    for data in (made.picture, made.thumbnail):
        assert opened(data).format == "JPEG"
        assert opened(data).info["progressive"]


def quality(data):
    """The IJG quality of a JPEG, by the first number of its first table: 16 at quality 50."""
    scale = opened(data).quantization[0][0] * 100 / 16
    return round((200 - scale) / 2)


@pytest.mark.req("B45", "B46", "B49")
@pytest.mark.parametrize(("size", "wanted"), [((799, 799), 90), ((800, 100), 85), ((100, 800), 85)])
def test_small_sources_keep_more_quality(stored, size, wanted):
    made = render(stored(corners(*size)))
    assert quality(made.picture) == pytest.approx(wanted, abs=2)
    assert quality(made.thumbnail) == pytest.approx(80, abs=2)


@pytest.mark.req("B49")
@pytest.mark.parametrize(
    ("source", "shown"), [((1200, 900), (300, 225)), ((200, 100), (200, 100)), ((600, 6000), (30, 300))]
)
def test_a_thumbnail_fits_its_box(stored, source, shown):
    assert opened(render(stored(corners(*source))).thumbnail).size == shown


def grainy(width, height):
    return Image.blend(corners(width, height), Image.effect_noise((width, height), 60).convert("RGB"), 0.2)


@pytest.mark.req("B5")
def test_what_is_shown_of_a_photo_weighs_a_fraction_of_it(stored):
    path = stored(grainy(1600, 1200), quality=92)
    made = render(path)
    assert len(made.thumbnail) * 2 < len(made.picture)
    assert len(made.picture) * 8 < path.stat().st_size


@pytest.mark.req("B5")
@pytest.mark.timed
def test_a_photo_of_twelve_megapixels_is_ready_within_two_seconds(stored):
    path = stored(grainy(4000, 3000), quality=92)
    started = perf_counter()
    render(path)
    assert perf_counter() - started < 2


@pytest.mark.req("B50")
def test_a_failing_thumbnail_costs_the_thumbnail_alone(stored, monkeypatch):
    monkeypatch.setattr(rendering, "THUMBNAIL_SIDE", -1)
    made = render(stored(corners(900, 700)))
    assert made.thumbnail == b""
    assert opened(made.picture).size == (576, 448)


def markers(data):
    """The numbers of a JPEG's segments up to its pixels."""
    at = 2
    while data[at + 1] != 0xDA:
        yield data[at + 1]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


@pytest.mark.parametrize("colours", [{}, {"icc_profile": SRGB}])
def test_nothing_but_pixels_comes_along(stored, colours):
    exif = Image.Exif()
    exif[0x010E] = "SECRET note"
    exif.get_ifd(0x8825)[1] = "N"
    path = stored(corners(900, 700), exif=exif, comment=b"SECRET word", xmp=b"SECRET x", **colours)
    assert path.read_bytes().count(b"SECRET") == 3
    made = render(path)
    for data in (made.picture, made.thumbnail):
        assert set(markers(data)) <= {0xE0, 0xDB, 0xC2, 0xC4}  # JFIF, tables, the frame
        assert b"SECRET" not in data


def test_what_the_camera_noted_is_told(stored):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2026:05:01 12:33:07", 0x9011: "+02:00"})
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)})
    made = render(stored(corners(900, 700), exif=exif))
    assert made.taken == "2026-05-01T12:33:07+02:00"
    assert (made.latitude, made.longitude) == (-33.86, 151.21)


@pytest.mark.parametrize(
    "notes", [{2: (133.0, 51.0, 36.0)}, {1: "Q"}, {2: (1.0, 2.0)}, {4: (0.0, IFDRational(1, 0), 0.0)}, {3: 7}]
)
def test_impossible_notes_are_no_place_and_no_refusal(stored, notes):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "yesterday"
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)} | notes)
    made = render(stored(corners(60, 40), exif=exif))
    assert (made.taken, made.latitude, made.longitude) == ("", None, None)


def test_a_placeholder_is_a_few_bytes_of_the_same_colours(stored):
    made = render(stored(Image.new("RGB", (900, 700), RED)))
    kind, _, data = made.placeholder.partition(",")
    assert kind == "data:image/webp;base64"
    assert len(made.placeholder) < 500
    assert nearly(opened(base64.b64decode(data)).convert("RGB").getpixel((5, 5)), RED, 30)


# --- Cut and broken -------------------------------------------------------------------------------


@pytest.mark.req("B47")
@pytest.mark.parametrize("progressive", [False, True])
def test_a_slightly_cut_jpeg_is_shown(stored, progressive):
    path = stored(Image.effect_noise((1200, 900), 90), quality=85, progressive=progressive)
    path.write_bytes(path.read_bytes()[:-200])
    made = render(path)
    assert (made.width, made.height) == (576, 432)
    assert opened(made.picture).crop((0, 0, 576, 400)).convert("L").getextrema() != (128, 128)


@pytest.mark.req("B47")
def test_a_jpeg_of_which_little_arrived_is_refused(stored):
    path = stored(Image.effect_noise((1200, 900), 90), quality=85)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(NotAPhoto, match="Too little of this picture arrived"):
        render(path)


@pytest.mark.req("B43")
def test_heic_is_read_and_becomes_jpeg(stored):
    pillow_heif.register_heif_opener()
    made = render(stored(corners(1200, 800), "HEIF"))
    shown = opened(made.picture)
    assert (shown.format, shown.size) == ("JPEG", (576, 384))
    assert nearly(shown.getpixel((100, 100)), RED, 25)


@pytest.mark.req("B43")
def test_without_the_plugin_heic_is_refused_with_what_to_do(stored, monkeypatch):
    pillow_heif.register_heif_opener()
    path = stored(corners(200, 100), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(NotAPhoto, match="Send a JPEG"):
        render(path)


def test_the_decoder_knows_no_django():
    code = "import workitems.rendering, sys; sys.exit('django' in sys.modules)"
    root = Path(rendering.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
