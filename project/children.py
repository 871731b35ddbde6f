"""Child processes that never outlive this one: started in a group of their own, stopped by their ids."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _dying_with(parent: int, sig: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes its program: ask the kernel for `sig` when `parent` dies."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, sig)
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

    return ask


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    output: int | IO[bytes] | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command`; standard output and error both go to `output` (None: ours).

    The child leads a process group, so a Ctrl-C in our terminal reaches only us and we choose the order of stopping.
    Call it from the main thread: Linux counts the death of the thread that started a child as its parent's death.
    With `user` (a uid; needs root) the child runs as that user and group without further groups.
    It inherits our open descriptors `fds` and no others.
    """
    return subprocess.Popen(  # noqa: S603  # our own commands, no shell
        [str(part) for part in command],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        pass_fds=fds,
        preexec_fn=_dying_with(os.getpid(), on_parent_death),  # noqa: PLW1509  # we start children before any thread
    )


def stop(process: subprocess.Popen[bytes], *, sig: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> None:
    """Ask `process` to end with `sig`; kill what is left of its group when it has, or after `grace` seconds."""
    if process.poll() is None:
        process.send_signal(sig)
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End at once what lives of `process` and its group."""
    with suppress(ProcessLookupError, PermissionError):  # the group is gone; macOS says the latter for one of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
