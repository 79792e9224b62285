"""Keep what TensorFlow says about itself while it is imported off the screen."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back standard error, and show it only if the import fails.

    TensorFlow's first lines come from compiled code, before any of its settings for logging count.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A last batch of another size is compiled anew, which TensorFlow warns of at length.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with tempfile.TemporaryFile() as said:
        screen = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(screen, said.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
