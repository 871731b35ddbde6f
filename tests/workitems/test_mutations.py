"""2,000 broken photos through header and decoder: each is rendered or refused with a sentence, and kills nothing.

`make fuzz-uploads` sends 100,000 through the endpoint. MUTATIONS=100000 reads as many here.
"""

import io
import os
from collections import Counter

import pytest
from PIL import Image

from tests.workitems.mutations import mutated, sources
from workitems.images import Decoder, NotAPhoto, identify

COUNT = int(os.environ.get("MUTATIONS", "2000"))


@pytest.fixture(scope="module")
def decoder():
    made = Decoder(images=10**9)
    yield made
    made.close()


@pytest.mark.timeout(COUNT)
def test_no_broken_photo_kills_the_decoder_or_gets_past_it(decoder, tmp_path):
    path, pids, said = tmp_path / "photo", set(), Counter()
    for number in range(COUNT):
        path.write_bytes(mutated(number))
        fault = said_of(lambda: identify(path)) or said_of(lambda: check(decoder.render(path)))
        said[fault] += 1
        pids.add(decoder.pid)
    assert pids - {None} <= {decoder.pid}, "the decoder died, or ran out of memory"
    assert COUNT * 0.1 < said.pop("") < COUNT * 0.9
    assert all(20 < len(fault) <= 200 for fault in said)


def said_of(act):
    """Why `act` refused; empty where it did not. Anything but a refusal fails the test."""
    try:
        act()
    except NotAPhoto as refused:
        return str(refused)
    return ""


def check(made):
    with Image.open(io.BytesIO(made.picture), formats=["JPEG"]) as picture:
        assert picture.size == (made.width, made.height)
        assert not picture.info.keys() & {"exif", "icc_profile", "comment", "xmp", "photoshop", "mp"}


def test_every_source_is_a_photo(decoder, tmp_path):
    for data in sources():
        (tmp_path / "photo").write_bytes(data)
        assert decoder.render(tmp_path / "photo").width in (120, 160)
