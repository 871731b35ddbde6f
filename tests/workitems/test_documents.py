"""The Word file of an item: its layout is a contract, and nothing in an item's words breaks it."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Inches, Pt, RGBColor
from PIL import Image

from workitems import documents
from workitems.models import Photo

from .conftest import draft


def jpeg(width: int = 576, height: int = 432) -> bytes:
    into = BytesIO()
    Image.new("RGB", (width, height), "steelblue").save(into, "JPEG")
    return into.getvalue()


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def photo(caption: str = "", content: bytes | None = None, state: str = "ready", **values) -> Photo:
    """A photo that is in no database; its rendition is in the storage unless there is no `content`."""
    made = Photo(caption=caption, state=state, **values)
    if content is not None:
        made.rendition.save("picture.jpg", ContentFile(content), save=False)
    return made


def item(**values):
    """An item that is in no database."""
    given = {
        "number": "DRAFT_0042",
        "location": "Engine room",
        "description": "Sea valve 3 leaks at the flange",
        "detail": "Renew the seal.\nPaint the flange.",
        "submitter_name": "Mark Lee",
        "submitted_at": datetime(2026, 11, 22, 12, tzinfo=UTC),
    }
    return draft(**given | values)


def written(of, *photos: Photo):
    """The file as Word would open it, and the photos that are not in it."""
    into = BytesIO()
    left_out = documents.write(of, photos, into)
    return Document(into), left_out


def lines(document) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def test_layout_is_the_agreed_one(media) -> None:
    made, left_out = written(
        item(ofm="Two gaskets"), photo("Flange before", jpeg()), photo("", jpeg(576, 768)), photo("Tag", jpeg(300, 225))
    )
    assert left_out == []
    assert lines(made) == [
        "WORK ITEM DRAFT TEMPLATE",
        "Item NO.: DRAFT_0042",
        "Location: Engine room",
        "Description:",
        "Sea valve 3 leaks at the flange",
        "Detail:",
        "Renew the seal.\nPaint the flange.",
        "Operator Furnished Material (OFM):",
        "Two gaskets",
        "PHOTOS",
        "",
        "Photo 1 Caption: Flange before",
        "",
        "Photo 2 Caption: ",
        "",
        "Photo 3 Caption: Tag",
    ]
    title, number, location, *_ = made.paragraphs
    normal = made.styles["Normal"].font
    assert (normal.name, normal.size) == ("Calibri", Pt(11))
    assert title.alignment == WD_ALIGN_PARAGRAPH.CENTER
    assert (title.runs[0].bold, title.runs[0].font.size) == (True, Pt(14))
    for line in (number, location):
        assert [bool(run.bold) for run in line.runs] == [True, False]
    headings = [line for line in made.paragraphs if line.style.name.startswith("Heading")]
    assert [line.text for line in headings] == [
        "Description:",
        "Detail:",
        "Operator Furnished Material (OFM):",
        "PHOTOS",
    ]
    assert all(line.style.font.name == "Calibri" and line.runs[0].bold for line in headings)
    assert not any("Theme" in name or "cstheme" in name for name in headings[0].style.element.rPr.rFonts.attrib)
    assert [picture.width for picture in made.inline_shapes] == [Inches(4)] * 3
    assert [picture.height for picture in made.inline_shapes] == [Inches(3), Inches(16 / 3), Inches(3)]
    captions = [line for line in made.paragraphs if line.text.startswith("Photo ")]
    assert all(run.italic for line in captions for run in line.runs)
    (footer,) = made.sections[0].footer.paragraphs
    assert footer.text == "Submitted by: Mark Lee | Date: 2026-11-22"
    assert (footer.runs[0].font.size, footer.runs[0].font.color.rgb) == (Pt(9), RGBColor(0x80, 0x80, 0x80))


def test_ofm_stands_there_only_if_it_is_given() -> None:
    made, _ = written(item(ofm="  \n"))
    assert lines(made)[-3:] == ["Detail:", "Renew the seal.\nPaint the flange.", "PHOTOS"]


@pytest.mark.parametrize("field", ["location", "description", "detail", "ofm", "submitter_name"])
def test_no_control_character_breaks_the_file(field: str, media) -> None:
    every = "".join(map(chr, range(1, 32))) + "\x7f\ud800\udfff\ufffe\uffff & < > \U0001f527"
    made, _ = written(item(**{field: f"a{every}z"}), photo(every, jpeg()))
    text = "\n".join([*lines(made), made.sections[0].footer.paragraphs[0].text])
    assert "a\ufffd" in text
    assert "& < > \U0001f527z" in text


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (lambda: photo("C", state="processing"), "it is still being processed"),
        (lambda: photo("C", state="refused", fault="A PDF."), "it was refused (A PDF)"),
        (lambda: photo("C", b"no picture"), "its picture cannot be read"),
        (lambda: photo("C", rendition="renditions/gone.jpg"), "its picture is missing from the storage"),
    ],
)
def test_photo_without_a_picture_is_named_in_its_place(missing, why: str, media) -> None:
    made, left_out = written(item(), photo("First", jpeg()), missing(), photo("Third", jpeg()))
    assert left_out == [documents.LeftOut(2, why)]
    assert lines(made)[-6:] == [
        "",
        "Photo 1 Caption: First",
        f"Photo 2 is not in this file: {why}.",
        "Photo 2 Caption: C",
        "",
        "Photo 3 Caption: Third",
    ]
    assert len(made.inline_shapes) == 2


def test_picture_taller_than_a_page_is_fitted_to_it(media) -> None:
    made, _ = written(item(), photo("Mast", jpeg(100, 1_000)))
    (picture,) = made.inline_shapes
    assert picture.height == Inches(8)
    assert picture.width == pytest.approx(Inches(0.8), abs=1)


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("Replace the sea valve in the port engine room", "0101_Replace the sea valve in the p.docx"),
        ("A/C \\ unit: *hot*?", "0101_A-C - unit- -hot--.docx"),
        ('..\\..\\"etc"|<x>', "0101_..-..--etc---x-.docx"),
        ("ends with dots...", "0101_ends with dots.docx"),
        ("line\r\nbreak\ttab\x00\u202egnp", "0101_line break tabgnp.docx"),
        ("Küchenlüfter", "0101_Küchenlüfter.docx"),
        ("…", "0101_….docx"),
    ],
)
def test_file_name_is_safe_everywhere(description: str, name: str) -> None:
    assert documents.file_name(item(number="0101", description=description)) == name
