"""A process that records, forks and ends: started by test_flushing."""

import os
import sys
from time import sleep

import django


def main() -> None:
    """Record visits in the parent before and after two forks, of which one ends and one is cut off."""
    django.setup()
    from perf import recording

    recording.count("visits", by="parent")
    ending = os.fork()
    if ending == 0:
        recording.count("visits", 3, by="child that ends")
        sys.exit()
    flushing = os.fork()
    if flushing == 0:
        recording.count("visits", 4, by="child that flushes")
        sleep(2)
        os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in (ending, flushing)] == [0, 0]
    recording.count("visits", by="parent")


if __name__ == "__main__":
    main()
