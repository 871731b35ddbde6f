"""Each test begins with nothing known of any query."""

from __future__ import annotations

import pytest

from perf.findings import indexes
from perf.findings.catalogue import CATALOGUE


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    CATALOGUE.forget()
    indexes._rows.cache_clear()
