"""Lines of the log without what would open a door: whoever reads them follows no invitation, sets nobody's password."""

from __future__ import annotations

import logging
import re

CODES = re.compile(r"(/(?:invitation|password/reset)/)[^\s\"'?]+")
"""Addresses that are a secret from here on. deploy/nginx.conf leaves the same out of its own log."""


class MaskingFormatter(logging.Formatter):
    """Formats a record, its traceback too, without the codes of invitations and of links for a new password."""

    def format(self, record: logging.LogRecord) -> str:
        return CODES.sub(r"\1…", super().format(record))
