"""The table of operations in docs/api.md, made from the OpenAPI document: `python -m tests.project.api_page`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "api.md"
TABLE = re.compile(r"(<!-- operations: .*? -->\n).*?(<!-- end of operations -->)", re.DOTALL)


def with_operations(page: str, document: dict[str, Any]) -> str:
    """`page` with one line for each operation of `document`, by subject."""
    lines = "\n".join(["| Operation | What it is for |", "|---|---|", *_lines(document)])
    return TABLE.sub(lambda found: f"{found[1]}{lines}\n{found[2]}", page)


def examples(page: str, language: str) -> list[str]:
    """The blocks of code of one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def _lines(document: dict[str, Any]) -> Iterator[str]:
    rows = [
        (operation["tags"][0], f"| `{method.upper()} {path}` | {operation['summary']} |")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    subjects = dict.fromkeys(subject for subject, _ in rows)
    for subject in subjects:
        yield f"| **{subject}** | |"
        yield from (line for of, line in rows if of == subject)


def main() -> None:
    """Write the page anew."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from project.urls import api

    PAGE.write_text(with_operations(PAGE.read_text(), api.get_openapi_schema()))


if __name__ == "__main__":
    main()
