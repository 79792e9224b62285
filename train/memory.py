"""What the C library does with the memory of big batches; imports nothing, to be asked early."""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8
"""Options of glibc's mallopt(3)."""

KEPT_BYTES = 2**31 - 1


def keep_memory() -> None:
    """Let the process keep the memory that it frees, where its C library is glibc.

    By default a batch of cines goes back to the system after each use and comes again page by
    page, which made a step a sixth slower. Threads get arenas of their own, whose heaps end at
    64 MB: what is larger, such as a batch that is read ahead, would go back all the same. So there
    is one arena, provided that this is called before the first thread asks for memory.
    """
    with contextlib.suppress(OSError, AttributeError):
        set_option = ctypes.CDLL("libc.so.6").mallopt
        set_option(M_ARENA_MAX, 1)
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            set_option(option, KEPT_BYTES)
        set_option(M_TOP_PAD, 2**28)
