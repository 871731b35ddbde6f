"""What a peer took, measured from inside like ours."""

from __future__ import annotations

import json
import resource
from time import perf_counter


class Usage:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self.started, self.used = perf_counter(), self._cpu()

    def tell(self, accounts: int) -> None:
        """Print the line that the benchmark reads."""
        seconds = perf_counter() - self.started
        print(json.dumps({"accounts": accounts, "seconds": seconds, "cpu": self._cpu() - self.used}))

    @staticmethod
    def _cpu() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)
