"""What the C library does with the memory of big batches; imports nothing, to be asked early."""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Options of glibc's mallopt(3)."""

KEPT_BYTES = 2**31 - 1


def keep_memory() -> None:
    """Let the process keep the memory that it frees, where its C library is glibc.

    By default a batch of cines goes back to the system after each use and comes again page by
    page, which made a step a sixth slower. What a thread of its own asks for in pieces beyond 64 MB
    still comes and goes, batches that are read ahead among it: one arena for all threads would keep
    that too, but small pieces that stay come to lie between the large ones, whose places then fit
    no other: training on batches of 128 grew by half a gigabyte a minute.
    """
    with contextlib.suppress(OSError, AttributeError):
        set_option = ctypes.CDLL("libc.so.6").mallopt
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            set_option(option, KEPT_BYTES)
        set_option(M_TOP_PAD, 2**28)
