"""Whole files whose headers say what cannot be, or name participants where nobody expects it."""

import importlib.util
import shutil

import pytest

from tests.fuzz import absurd
from tests.fuzz.damage import faults, write

pytestmark = pytest.mark.slow

HAS_PHENOTYPES = importlib.util.find_spec("cmae.readers.foreign_table") is not None


@pytest.mark.parametrize("name", absurd.FORMATS)
def test_absurd_headers_are_refused_or_do_no_harm(host, folder, name):
    outcomes = []
    for number, (what, sample) in enumerate(absurd.cases(name)):
        if sample.reading == "phenotypes" and not HAS_PHENOTYPES:
            continue
        path = write(sample, folder / f"{number}")
        outcomes.append((what, host.read(sample.reading, path)))
        shutil.rmtree(folder / f"{number}")

    assert any(outcome.kind == "refused" for _, outcome in outcomes)
    assert faults(outcomes) == []
