"""A cohort of 30 rows, and experiments whose networks have a few hundred weights a layer."""

import pytest
import tomli_w

from cmae.data.cohort import Cohort


@pytest.fixture(scope="session")
def training_cohort(tmp_path_factory, make_cohort) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("training") / "cohort", rows=30)


@pytest.fixture
def settings():
    """All three stages of a tiny network, as TOML would give them.

    Not deterministic: TensorFlow cannot take that back within a process.
    """
    stage = {
        "epochs": 3,
        "steps_per_epoch": 3,
        "validation_steps": 1,
        "batch_size": 2,
        "learning_rate": 0.01,
    }
    return {
        "name": "tiny",
        "evaluated_participants": 4,
        "stages": [
            {"name": "ecg", "modalities": ["ecg"], **stage},
            {"name": "mri", "modalities": ["mri"], **stage},
            {"name": "cross_modal", "modalities": ["ecg", "mri"], **stage},
        ],
        "split": {"fractions": [0.5, 0.3, 0.2]},
        "model": {
            "latent_dim": 6,
            "networks": {
                "ecg": {"kind": "compact", "patch": 60, "filters": [4]},
                "mri": {"kind": "compact", "patch": 24, "filters": [4]},
            },
        },
    }


@pytest.fixture
def write_toml(tmp_path):
    """Write settings to a TOML file and return its path."""

    def write(mapping, name="experiment.toml"):
        path = tmp_path / name
        path.write_text(tomli_w.dumps(mapping))
        return path

    return write
