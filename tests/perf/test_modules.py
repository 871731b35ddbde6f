"""A page's head names every module that the page will need, so that none is found only through another."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template

from perf.templatetags.modules import imported


@pytest.fixture(autouse=True)
def modules(settings: Any, tmp_path: Any) -> Any:
    """Five modules: a imports b and, in a folder, c; these import each other, and one when it is needed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "a.js").write_text(
        'import "./b.js";\nimport {\n  c,\n  d,\n} from "./in/c.js";\nconst e = () => c(d);\n'
    )
    (tmp_path / "b.js").write_text('export { c } from "./in/c.js";\nimport thing from "elsewhere";\n')
    (tmp_path / "in" / "c.js").write_text('import { b } from "../b.js";\nexport const c = () => import("./late.js");\n')
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    finders.get_finder.cache_clear()
    imported.cache_clear()
    yield
    finders.get_finder.cache_clear()
    imported.cache_clear()


def test_modules_are_named_with_all_that_they_import_once() -> None:
    assert imported(("a.js", "b.js")) == ["a.js", "b.js", "in/c.js"]


def test_preload_is_for_the_screens_that_it_is_asked_for() -> None:
    found = Template("{% load modules %}{% preload 'b.js' media='(min-width: 1px)' %}").render(Context())
    wide = 'fetchpriority="low" media="(min-width: 1px)">'
    assert found == "".join(f'<link rel="modulepreload" href="/static/{name}" {wide}' for name in ("b.js", "in/c.js"))


def test_unknown_module_is_said() -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.js"):
        imported(("none.js",))
