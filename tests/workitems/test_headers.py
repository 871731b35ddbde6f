"""What a file is, by its header alone."""

import io
import struct

import pillow_heif
import pytest
from PIL import Image

from workitems.headers import Identified, NotAPhoto, identify

pillow_heif.register_heif_opener()


def saved(kind, size=(72, 64), **options):
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind, **options)
    return made


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("HEIF", {}),
    ],
)
def test_format_and_size_come_from_the_header(kind, options):
    assert identify(saved(kind, **options)) == Identified(kind, 72, 64)


def test_an_animated_webp_has_the_size_of_its_canvas():
    more = [Image.new("RGB", (72, 64), colour) for colour in ("red", "blue")]
    assert identify(saved("WEBP", save_all=True, append_images=more)) == Identified("WEBP", 72, 64)


def test_an_open_file_stays_where_it_was_and_a_path_will_do(tmp_path):
    file = saved("PNG")
    file.seek(7)
    identify(file)
    assert file.tell() == 7
    (tmp_path / "lies.pdf").write_bytes(file.getvalue())
    assert identify(tmp_path / "lies.pdf").format == "PNG"


def test_the_size_stands_behind_whatever_notes_a_camera_writes():
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    file = saved("JPEG", exif=exif, icc_profile=b"p" * 300_000, comment=b"c" * 60_000)
    assert identify(file) == Identified("JPEG", 72, 64)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"GIF89a......", "GIF"),
        (b"PK\x03\x04......", "zip or Office"),
        (b"\n <!DOCTYPE html><script>", "a web page"),
        (b"<svg xmlns=", "SVG"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a film"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"MZ\x90\0" * 9, "of an unknown kind"),
    ],
)
def test_other_files_are_named_for_what_they_are(data, said):
    with pytest.raises(NotAPhoto, match=f"not a picture we can read .*{said}.*Send a JPEG"):
        identify(io.BytesIO(data))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda\0\x08",
        b"\xff\xd8\xff\xe0" + b"\0" * 10_000,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT",
        b"RIFF\0\0\0\0WEBPVP8X",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">I4s", 8, b"free") * 9_000,
    ],
)
def test_broken_headers_are_refused(data):
    with pytest.raises(NotAPhoto, match="damaged"):
        identify(io.BytesIO(data))


def png_header(width, height):
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height))


@pytest.mark.req("B47")
def test_a_bomb_is_refused_by_its_header():
    assert identify(png_header(10_000, 5_000)).width == 10_000
    for bomb in ((10_000, 5_001), (65_501, 1), (2**31, 2**31)):
        with pytest.raises(NotAPhoto, match="50 megapixels are the most"):
            identify(png_header(*bomb))
    with pytest.raises(NotAPhoto, match="damaged"):
        identify(png_header(0, 7))
