"""Tiny networks: a few hundred weights a layer, built in a moment."""

import numpy as np
import pytest

from cmae.data.modality import MODALITIES
from cmae.model.architecture import Architecture, CompactNetwork, Contrast

TINY = {
    "ecg": CompactNetwork(patch=60, filters=(4,)),
    "mri": CompactNetwork(patch=24, filters=(4,)),
}


@pytest.fixture
def tiny_architecture():
    """Both modalities, a latent of 6 numbers, dropped by participant."""
    return Architecture(networks=dict(TINY), latent_dim=6, contrast=Contrast(), merge="participant")


@pytest.fixture
def batch():
    """Five participants: the third has no MRI, the fourth no ECG."""
    draws = np.random.default_rng(3)
    present = {
        "ecg": np.array([1, 1, 1, 0, 1], np.float32),
        "mri": np.array([1, 1, 0, 1, 1], np.float32),
    }
    recordings = {
        name: draws.normal(size=(5, *modality.shape)).astype(np.float32)
        for name, modality in MODALITIES.items()
    }
    return {**recordings, "present": present}
