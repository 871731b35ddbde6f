"""The Word file of an item, in the layout that the yard's templates expect: fonts, order and words are contractual."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import docx
from django.utils import timezone
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.image.exceptions import InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError
from docx.oxml.ns import qn
from docx.shared import Emu, Inches, Pt, RGBColor

from perf import clock
from workitems.models import Photo

if TYPE_CHECKING:
    from workitems.models import WorkItem

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FONT, SIZE = "Calibri", Pt(11)
TITLE, TITLE_SIZE = "WORK ITEM DRAFT TEMPLATE", Pt(14)
FOOTER_SIZE, GREY = Pt(9), RGBColor(0x80, 0x80, 0x80)
PHOTO_WIDTH = Inches(4)
TALLEST = Inches(8)  # a picture taller than a page would be cut off in print
NAMED_AFTER = 30  # characters of the description in the file's name

HEADING = "Heading 2"
THEMED = ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme")
_ILLEGAL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNSAFE = re.compile(r'[\\/:*?"<>|%]')
_NO_PICTURE = (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that is not in the file: which of the item's, and why, as a sentence."""

    number: int
    why: str


def file_name(item: WorkItem) -> str:
    """What the item's file is called: its number and the first 30 characters of its description, safe everywhere."""
    words = unicodedata.normalize("NFC", item.description[:NAMED_AFTER])
    shown = "".join(" " if char.isspace() else char for char in words)
    shown = "".join(char for char in shown if not unicodedata.category(char).startswith("C"))
    safe = " ".join(_UNSAFE.sub("-", shown).split()).rstrip(". ")
    return f"{item.number}_{safe}.docx"


def write(item: WorkItem, photos: Iterable[Photo], into: IO[bytes]) -> list[LeftOut]:
    """Write the file of `item` with `photos`, in their order, to `into`; the photos that could not be put in it.

    Such a photo keeps its number, its caption and a sentence in its place. An OSError of the storage other than a
    missing file rises: what cannot be read now may be readable later.
    """
    document = _Writer(item)
    left_out = document.fill(photos)
    document.save(into)
    return left_out


class _Writer:
    """One file on its way."""

    def __init__(self, item: WorkItem) -> None:
        self.item, self.document = item, docx.Document()
        _set_font(self.document.styles["Normal"], SIZE)
        _set_font(self.document.styles[HEADING], SIZE)
        self.document.styles[HEADING].font.color.rgb = RGBColor(0, 0, 0)
        known = self.document.core_properties
        known.author, known.title, known.comments = legal(item.submitter_name), legal(item.number), ""
        known.last_modified_by, known.created, known.modified = "", item.submitted_at, clock.now()

    def fill(self, photos: Iterable[Photo]) -> list[LeftOut]:
        """Everything, from the title to the footer."""
        item = self.item
        self._title()
        self._labelled("Item NO.:", item.number)
        self._labelled("Location:", item.location)
        self._section("Description:", item.description)
        self._section("Detail:", item.detail)
        if item.ofm.strip():
            self._section("Operator Furnished Material (OFM):", item.ofm)
        self._heading("PHOTOS")
        left_out = [LeftOut(n, why) for n, photo in enumerate(photos, 1) if (why := self._photo(n, photo))]
        self._footer()
        return left_out

    def save(self, into: IO[bytes]) -> None:
        """Write it out."""
        self.document.save(into)

    def _title(self) -> None:
        title = self.document.add_paragraph()
        title.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = title.add_run(TITLE)
        run.bold, run.font.size = True, TITLE_SIZE

    def _labelled(self, label: str, text: str) -> None:
        line = self.document.add_paragraph()
        line.add_run(label).bold = True
        line.add_run(f" {legal(text)}")

    def _section(self, heading: str, text: str) -> None:
        self._heading(heading)
        self.document.add_paragraph(legal(text))

    def _heading(self, words: str) -> None:
        self.document.add_paragraph(style=HEADING).add_run(words).bold = True

    def _photo(self, number: int, photo: Photo) -> str:
        """The picture, or a sentence in its place, and the caption; the sentence, empty where the picture is in."""
        place = self.document.add_paragraph()
        place.paragraph_format.keep_with_next = True
        if why := _put(place.add_run(), photo):
            place.add_run(f"Photo {number} is not in this file: {why}.").italic = True
        caption = self.document.add_paragraph()
        caption.add_run(f"Photo {number} Caption: ").italic = True
        caption.add_run(legal(photo.caption)).italic = True
        return why

    def _footer(self) -> None:
        day = timezone.localtime(self.item.submitted_at).date()
        line = self.document.sections[0].footer.paragraphs[0]
        run = line.add_run(f"Submitted by: {legal(self.item.submitter_name)} | Date: {day.isoformat()}")
        run.font.size, run.font.color.rgb = FOOTER_SIZE, GREY


def legal(text: str) -> str:
    """`text` as XML can hold it: every kind of line end as a line break, other control characters as U+FFFD."""
    return _ILLEGAL.sub("\ufffd", _BREAKS.sub("\n", text))


def _put(run: Any, photo: Photo) -> str:
    """Put the picture of `photo` into `run`; why that is not possible, empty where it is."""
    if photo.state == Photo.State.REFUSED:
        return f"it was refused ({legal(photo.fault.rstrip('.')) or 'no reason is recorded'})"
    if not photo.rendition:
        return "it is still being processed"
    try:
        with photo.rendition.open("rb") as file:
            picture = run.add_picture(file, width=PHOTO_WIDTH)
    except FileNotFoundError:
        return "its picture is missing from the storage"
    except _NO_PICTURE:
        return "its picture cannot be read"
    if picture.height > TALLEST:
        picture.width, picture.height = Emu(int(picture.width * TALLEST / picture.height)), TALLEST
    return ""


def _set_font(style: Any, size: Pt) -> None:
    """Make `style` Calibri for every script; a theme's font would win over it."""
    style.font.name, style.font.size = FONT, size
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in THEMED:
        fonts.attrib.pop(qn(f"w:{name}"), None)
    for script in ("eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONT)
