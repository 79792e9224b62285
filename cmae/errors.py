"""What can go wrong, as one tree: a message is one sentence that a person can act on.

CmaeError
├── InputError            something that came from outside cannot be used
│   ├── ReadError         a recording in a foreign file cannot be read
│   ├── CohortError       a cohort folder is missing, damaged, or lacks what is asked for
│   ├── RunError          a run folder is missing, damaged, or of another format
│   ├── LatentsError      a latents file is missing, damaged, or of another format
│   └── SettingsError     a setting is unknown, of the wrong type, or out of range
└── Interrupted           the work was stopped on request and can be resumed
"""

import signal


class CmaeError(Exception):
    """Base of all errors raised on purpose; the command line prints it as one line, exit code 2."""


class InputError(CmaeError):
    """Something that came from outside cannot be used."""


class ReadError(InputError):
    """A recording in a foreign file cannot be read."""


class CohortError(InputError):
    """A cohort folder is missing, damaged, or lacks what is asked for."""


class RunError(InputError):
    """A run folder is missing, damaged, or of another format."""


class LatentsError(InputError):
    """A latents file is missing, damaged, or of another format."""


class SettingsError(InputError):
    """A setting is unknown, of the wrong type, or out of range."""


class Interrupted(CmaeError):
    """The work was stopped on request and can be resumed.

    Args:
        message: What was kept and how to go on.
        signal_number: The signal that asked for it.
    """

    def __init__(self, message: str, signal_number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signal_number = int(signal_number)
