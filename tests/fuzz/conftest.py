"""A process that reads foreign files under watch, and a folder whose name is a participant's."""

import pytest

from tests.fuzz.reading import CANARY, Host


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    reader = Host(tmp_path_factory.mktemp("host"))
    yield reader
    reader.stop()


@pytest.fixture
def folder(tmp_path):
    """A folder named like a participant."""
    made = tmp_path / f"{CANARY}^Mary 1234567"
    made.mkdir()
    return made
