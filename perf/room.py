"""What a disk says when it takes nothing more."""

from __future__ import annotations

import errno

WORDS = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EROFS: "read-only"}


def refusal(error: BaseException | None) -> str:
    """ "full" or "read-only" when `error` says that of the disk; "" for any other."""
    return WORDS.get(error.errno or 0, "") if isinstance(error, OSError) else ""
