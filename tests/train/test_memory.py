"""Memory that is freed is used again, not fetched page by page; and it does not grow."""

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

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.ones(100 * 2**18, np.float32)  # 100 MB, a batch
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults(1)
others = faults(5)
small, held = [], []

def read_ahead(size):
    held.append(np.ones(size * 2**18, np.float32))
    small.extend(bytes(5000) for _ in range(50))

for step in range(40):
    thread = threading.Thread(target=read_ahead, args=(100 + step,))
    thread.start()
    small.extend(bytes(5000) for _ in range(50))
    thread.join()
    if len(held) > 2:
        held.pop(0)
# Not ru_maxrss, which starts at that of the process that started this one.
lines = open("/proc/self/status").read().splitlines()
peak_kb = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
print(first, others, int(peak_kb) // 1000)
"""


def _measured(how: str) -> list[int]:
    made = [sys.executable, "-c", PROGRAM, how]
    shown = subprocess.run(made, check=True, timeout=120, capture_output=True, text=True).stdout
    return [int(word) for word in shown.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc keeps memory as told, others do not")
def test_memory_that_is_freed_is_used_again_and_does_not_grow():
    first, others, peak_mb = _measured("kept")
    assert others < first
    assert peak_mb < 800  # three batches of at most 140 MB, one that is freed, and NumPy
    first, others, _ = _measured("as it comes")
    assert others > 3 * first
