"""Memory that a thread frees is used again, not fetched from the system page by page."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import sys
import threading

import numpy as np

if sys.argv[1] == "kept":
    from train.memory import keep_memory
    keep_memory()

def use():
    np.ones(100 * 2**18, np.float32)  # 100 MB, a batch that is read ahead

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=lambda: [use() for _ in range(times)])
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults(1)
print(first, faults(5))
"""


def _faults(how: str) -> tuple[int, int]:
    made = [sys.executable, "-c", PROGRAM, how]
    first, others = subprocess.run(
        made, check=True, timeout=120, capture_output=True, text=True
    ).stdout.split()
    return int(first), int(others)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc keeps memory as told, others do not")
def test_memory_that_a_thread_frees_is_used_again():
    first, others = _faults("kept")
    assert others < first
    first, others = _faults("as it comes")
    assert others > 3 * first
