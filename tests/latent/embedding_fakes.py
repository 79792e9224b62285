"""A run and a cohort of a few numbers, with the interfaces that embedding uses."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd

SHAPES = {"ecg": (6, 2), "mri": (3, 3, 4)}


class FakeRun:
    """Latents are a fixed random projection of the recording; it remembers its batch sizes."""

    def __init__(self, *, latent_dim=8, seed=0, modalities=("ecg", "mri"), seconds_a_batch=0.0):
        self.modalities = modalities
        self.latent_dim = latent_dim
        self.fingerprint = f"run-{seed}-{'-'.join(modalities)}"
        self.seconds_a_batch = seconds_a_batch
        self.batch_sizes = []
        rng = np.random.default_rng(seed)
        self.weights = {
            name: rng.normal(size=(int(np.prod(SHAPES[name])), latent_dim)) for name in SHAPES
        }

    def encode(self, modality, recordings, *, batch_size=64):
        self.batch_sizes.append(len(recordings))
        time.sleep(self.seconds_a_batch)
        flat = np.asarray(recordings, np.float64).reshape(len(recordings), -1)
        return (flat @ self.weights[modality]).astype(np.float32)

    def joint(self, latents, present):
        weights = {name: present[name][:, None].astype(np.float32) for name in latents}
        total = sum(weights.values())
        return sum(latents[name] * weights[name] for name in latents) / np.maximum(total, 1)


class FakeCohort:
    """Rows of which some lack a recording; recordings are made from their row number."""

    def __init__(self, count=23, *, seed=0, is_simulated=True):
        rng = np.random.default_rng(seed)
        self.table = pd.DataFrame(
            {
                "participant_id": [f"P-{seed}-{row:04d}" for row in range(count)],
                "visit": np.arange(count) % 2,
            }
        )
        self._has = {"ecg": rng.random(count) < 0.8, "mri": rng.random(count) < 0.7}
        self.fingerprint = hashlib.sha256(f"{count} {seed}".encode()).hexdigest()
        self.is_simulated = is_simulated
        self.num_read = 0

    def __len__(self):
        return len(self.table)

    def has(self, modality):
        return self._has[modality].copy()

    def read_many(self, modality, rows):
        assert self._has[modality][list(rows)].all()
        self.num_read += len(rows)
        return np.stack([recording(modality, row) for row in rows])


def recording(modality, row):
    """Make the recording of a row, in physical units."""
    rng = np.random.default_rng([row, len(modality), ord(modality[0])])
    return rng.normal(size=SHAPES[modality]).astype(np.float32)


def embed_slowly(path, count, seconds_a_batch):
    """Embed a cohort, one recording a batch (run in a process that a test kills)."""
    from cmae.latent.embedding import embed

    embed(FakeRun(seconds_a_batch=seconds_a_batch), FakeCohort(count), Path(path), batch_size=1)
