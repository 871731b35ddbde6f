"""Which line of the project asked: the first frame that is neither Django's, a package's nor perf's own.

Where a template was being rendered, the line of the template is told too.
"""

from __future__ import annotations

import inspect
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from perf.conf import setting

MOST_FRAMES = 150  # looked at; a deeper call is told as nowhere

# Instead of a path: not of the project; where one middleware calls the next; where a template's node is rendered.
_FOREIGN, _LAYER, _NODE = "", "|", "<"
_LAYERS = str(Path("django", "core", "handlers", "exception.py"))
_NODES = str(Path("django", "template", "base.py"))
_PACKAGES = ("site-packages", "dist-packages")
_OURS = str(Path(__file__).resolve().parent)
_HERE = Path.cwd()  # once: it may be deleted under a running process, as the folder of an old release is
_STANDARD = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})


class Place(NamedTuple):
    """A line of the project: `file` as seen from its folder, all empty where no frame is the project's.

    `template` is "name:line" of the template that this line was rendering.
    """

    file: str
    line: int
    function: str
    template: str = ""

    def __str__(self) -> str:
        """ "file:line", with the template's line where there is one; empty where no line of the project asked."""
        rendering = f", in {self.template}" if self.template else ""
        return f"{self.file}:{self.line}{rendering}" if self.file else ""


NOWHERE = Place("", 0, "")

_files: dict[str, str] = {}  # a file's name as code objects have it → its path in the project, or one of the three


def place_of(frame: FrameType | None) -> Place:
    """The place that `frame` was called from. Beyond the innermost middleware nobody asked for anything."""
    node: FrameType | None = None
    for _ in range(MOST_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        name = code.co_filename
        if (path := _files.get(name)) is None:
            path = _files[name] = _path(name)
        if path is _NODE:
            node = node or (frame if code.co_name == "render_annotated" else None)
        elif path:
            return NOWHERE if path is _LAYER else Place(path, frame.f_lineno, code.co_qualname, _template(node))
        frame = frame.f_back
    return NOWHERE


def _template(frame: FrameType | None) -> str:
    """ "name:line" of the node that `frame` renders; empty where it is not known, as for a template of no name."""
    node = frame.f_locals.get("self") if frame else None
    name, token = getattr(getattr(node, "origin", None), "template_name", None), getattr(node, "token", None)
    return f"{name}:{token.lineno}" if name and token else ""


def raised(error: BaseException) -> Place:
    """The innermost line of the project that `error` came through; NOWHERE where it came through none."""
    found, step = NOWHERE, error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        here = shown(code.co_filename, step.tb_lineno, code.co_qualname)
        found, step = here if here.file else found, step.tb_next
    return found


def defined(function: Any) -> Place:
    """Where `function`, unwrapped, is written; NOWHERE where that is not in the project."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return shown(code.co_filename, code.co_firstlineno, code.co_qualname) if code else NOWHERE


def shown(name: str, line: int, function: str = "") -> Place:
    """A line of the file that code objects call `name`; NOWHERE where that is not the project's."""
    path = _path(name)
    return NOWHERE if path in {_FOREIGN, _LAYER, _NODE} else Place(path, line, function)


def _path(name: str) -> str:
    """The path of a file in the project, or why it is none."""
    if name.endswith(_LAYERS):
        return _LAYER
    if name.endswith(_NODES):
        return _NODE
    absolute = str(_HERE / name)
    foreign = any(part in _PACKAGES for part in Path(absolute).parts) or absolute.startswith((*_STANDARD, _OURS + "/"))
    if name.startswith("<") or foreign:
        return _FOREIGN
    for root in (str(setting("BASE_DIR")), str(_HERE), *sys.path):
        if root and absolute.startswith(root.rstrip("/") + "/"):
            return absolute[len(root.rstrip("/")) + 1 :]
    return absolute
