"""Photos into renditions, by a warm decoder process that no broken picture survives and that survives none."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer

from workitems import frames
from workitems.frames import Refused, Rendered
from workitems.headers import FORMATS, MAX_PIXELS, Identified, NotAPhoto, identify, reads_heif

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Decoder",
    "DecoderDied",
    "Identified",
    "NotAPhoto",
    "Rendered",
    "identify",
    "reads_heif",
    "render",
]

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "workitems.rendering")
IMAGES_MAX = 200  # photos that one process reads; what a library leaks ends with it
GRACE = 2.0  # seconds that a process without work has to end by itself
PATIENCE = 60.0  # seconds by the clock, on a busy machine; the process has a tenth of CPU time alone
TOO_SLOW = "Reading this picture takes longer than a photo may take. Save it anew, or smaller, and send that."


class DecoderDied(Exception):
    """The decoder ended without an answer: killed, out of memory, or crashed by this photo. Trying again may help."""


class Decoder:
    """One warm process; it starts when it is needed and is replaced after IMAGES_MAX photos or a fault."""

    def __init__(self, *, images: int = IMAGES_MAX, patience: float = PATIENCE, command: tuple[str, ...] = COMMAND):
        self.images, self.patience, self.command = images, patience, command
        self._process: subprocess.Popen[bytes] | None = None
        self._left = 0
        self._lock = Lock()

    def render(self, path: Path) -> Rendered:
        """Both renditions of the photo at `path`. Raises NotAPhoto with a sentence for people; DecoderDied."""
        with self._lock:
            process = self._ready()
            killer = Timer(self.patience, process.kill)
            killer.start()
            try:
                answer = self._ask(process, path)
            finally:
                killer.cancel()
            self._left -= 1
            if not self._left or (isinstance(answer, Refused) and answer.is_last):
                self._end()
        if isinstance(answer, Refused):
            log.info("%s is no photo: %s", path.name, answer.why or answer.fault)
            raise NotAPhoto(answer.fault)
        return answer

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process else None

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        # One arena for all threads: each would take 64 MB of the address space that the process is limited to.
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            self.command,
            cwd=ROOT,
            env=os.environ | {"MALLOC_ARENA_MAX": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; it ends when we close its input, or die
        )
        self._left = self.images
        return self._process

    def _ask(self, process: subprocess.Popen[bytes], path: Path) -> Rendered | Refused:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  # both are PIPE
        try:
            frames.write(process.stdin, os.fsencode(path.absolute()))
            return frames.read_answer(process.stdout)
        except (EOFError, BrokenPipeError, ValueError):  # gone, or what it says makes no sense
            code = self._end()
            if code == -signal.SIGXCPU:
                return Refused(TOO_SLOW)
            raise DecoderDied(f"the decoder ended with {code} at {path.name}") from None
        except BaseException:  # a time limit comes anywhere: its late answer would be taken for the next photo's
            process.kill()
            self._end()
            raise

    def _end(self) -> int:
        """End the process, which has nothing to do any more; its exit code, negative for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            return process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


_decoder = Decoder()


def render(path: Path) -> Rendered:
    """Both renditions of the photo at `path`, by this process's own decoder. Raises NotAPhoto; DecoderDied."""
    return _decoder.render(path)


def _start_anew() -> None:
    """A forked process has a decoder of its own: two that talk through one pipe would get each other's pictures."""
    global _decoder  # noqa: PLW0603  # one per process is the point
    _decoder = Decoder()


os.register_at_fork(after_in_child=_start_anew)
