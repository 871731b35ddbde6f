"""The reports of the long forms, one Markdown file each under var/chaos/: what was run, where, and what came out."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence

from perf import clock
from tests.services import ROOT

FOLDER = ROOT / "var" / "chaos"


def write(name: str, title: str, rows: Mapping[str, object], wrong: Sequence[str]) -> int:
    """Keep and print what came of `title` as var/chaos/<name>.md; the exit code: 1 where anything was `wrong`."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    verdict = [f"- {one}" for one in wrong] or ["All of it held."]
    lines = [
        f"# {title}",
        "",
        f"`python -m tests.chaos {' '.join(sys.argv[1:])}`, {clock.now():%Y-%m-%d %H:%M} UTC; {machine}.",
        "",
        "| What | Found |",
        "|---|---|",
        *(f"| {what} | {found} |" for what, found in rows.items()),
        "",
        "**This must not be:**" if wrong else "",
        *verdict,
        "",
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.md"
    path.write_text("\n".join(lines))
    print("\n".join(lines) + f"\n({path})", flush=True)
    return 1 if wrong else 0
