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


class Interrupted(CmaeError):  # noqa: N818 - not a fault: the work stopped on request
    """The work was stopped on request and can be resumed."""
