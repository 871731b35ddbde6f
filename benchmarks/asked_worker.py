"""python -m benchmarks.asked_worker TOKEN: the product's WSGI application, asked in this process as its parent says.

Each line on standard input is a JSON object {"path", "times"}; the answer is a line with the nanoseconds of each
request and the CPU seconds that the whole process took for all of them, its background threads included. The line
"memory" is answered with the process's share of memory in MB, the line "settle" when what was recorded is passed on.
After the line "still" the warm path asks the cache's server each thing once and is given that answer from then on.
"""

from __future__ import annotations

import io
import json
import sys
from functools import cache
from pathlib import Path
from time import perf_counter_ns, process_time, sleep
from typing import Any

from project.wsgi import application


def environ(path: str, token: str) -> dict[str, Any]:
    """A GET as a server hands it over."""
    address, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": address,
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def ask(path: str, token: str) -> tuple[int, str]:
    """Nanoseconds of one request and what X-Cache said. Raises RuntimeError unless it is answered with 200."""
    said: list[Any] = []
    prepared = environ(path, token)
    started = perf_counter_ns()
    answer: Any = application(prepared, lambda status, headers, *_: said.extend((status, dict(headers))))
    b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    elapsed = perf_counter_ns() - started
    if not said[0].startswith("200"):
        raise RuntimeError(f"{path} answers {said[0]}")
    return elapsed, said[1].get("X-Cache", "")


def memory() -> float:
    """MB: the proportional set size on Linux."""
    rollup = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024


def answered(line: str, token: str) -> dict[str, Any]:
    """What one line of the parent's asks for."""
    if line == "memory":
        return {"memory": memory()}
    if line == "settle":
        from perf import flushing  # noqa: PLC0415  # the application has loaded the settings by now

        flushing.flush()
        sleep(0.1)
        return {}
    if line == "still":
        from perf.cache import wire  # noqa: PLC0415  # the same

        wire.pipelined = cache(wire.pipelined)
        return {}
    wanted = json.loads(line)
    before = process_time()
    found = [ask(wanted["path"], token) for _ in range(wanted["times"])]
    times, states = [time for time, _ in found], {state for _, state in found}
    return {"times": times, "cpu": process_time() - before, "cache": sorted(states)}


def main() -> None:
    """Answer line by line until standard input ends."""
    token = sys.argv[1]
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answered(line.strip(), token)), flush=True)


if __name__ == "__main__":
    main()
