"""The drawn photographs: small, different, and the same each time."""

import io
from datetime import datetime, timedelta, timezone

from PIL import Image

from workitems.pictures import SIZE, photograph
from workitems.rendering import render


def test_the_same_words_draw_the_same_photograph_and_others_another(tmp_path):
    zone = timezone(timedelta(hours=-5))
    made = photograph("valve 1", tag="DRAFT_0042", taken=datetime(2026, 5, 1, 12, 33, 7, tzinfo=zone))
    assert made == photograph("valve 1", tag="DRAFT_0042", taken=datetime(2026, 5, 1, 12, 33, 7, tzinfo=zone))
    others = {photograph(f"valve {number}", tag="DRAFT_0042") for number in range(6)}
    assert len(others) == 6
    for each in (made, *others):
        assert Image.open(io.BytesIO(each)).size == SIZE
        assert len(each) < 150_000
    (tmp_path / "photo.jpg").write_bytes(made)
    assert render(tmp_path / "photo.jpg").taken == "2026-05-01T12:33:07-05:00"
