"""Work of seconds that is done once for all who ask, while the one who does it sees progress."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Once(Generic[Result]):
    """A place for one result; a bounded cache holds a place for each key.

    A cached function of Streamlit may not draw, so a bar of progress cannot be shown from within
    one: the cache gives the empty place, and whoever comes first fills it.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._lock = threading.Lock()
        self._found: list[Result] = []

    @property
    def is_ready(self) -> bool:
        """Whether the result is there."""
        return bool(self._found)

    def get(self, make: Callable[[], Result]) -> Result:
        """Return the result, made now unless that was done; others wait meanwhile.

        Args:
            make: Makes it; where it fails or is stopped, the next who asks tries again.
        """
        if not self._found:
            with self._lock:
                if not self._found:
                    self._found.append(make())
        return self._found[0]
