"""Everything that a run's networks are built from: frozen settings, data and nothing else."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MODALITIES, Modality
from cmae.errors import SettingsError
from cmae.settings import STRICT

Activation = Literal["mish", "gelu"]
Merge = Literal["participant", "coordinate", "frozen", "mean"]

ASSIGNED = {"e": "ecg", "m": "mri"}
"""The letters of ``Architecture.assignment``."""


@dataclass(frozen=True)
class PaperNetwork:
    """The paper's densely connected encoder and decoder for one modality.

    Attributes:
        kind: Names this family in a settings file.
        kernel: Side of every convolution but the 1 × 1 ones, in samples or pixels.
        activation: Follows every convolution but the 1 × 1 ones.
        residual_filters: Filters of the two convolutions of the encoder's first stage.
        block_filters: Filters of each dense block; each block halves the size.
        block_convolutions: Convolutions a dense block.
        pooling: How the encoder halves the size.
    """

    __pydantic_config__ = STRICT

    kernel: int
    activation: Activation
    residual_filters: tuple[int, int]
    block_filters: tuple[int, ...]
    block_convolutions: int
    pooling: Literal["max", "average"]
    kind: Literal["paper"] = "paper"


@dataclass(frozen=True)
class CompactNetwork:
    """A small residual network: patches in, pixel shuffle out, for training without a GPU.

    Attributes:
        patch: Samples or pixels a side that the first convolution folds into one position.
        filters: Filters of each level; each level after the first halves the size.
        level_units: Residual units a level.
        kernel: Side of the convolutions inside a level, in positions.
        activation: Follows the first convolution of a unit and each change of level.
        motion_filters: Width of a second path through the encoder of a cine, 0 for none: it follows
            so many pictures of the whole section from frame to frame, which convolutions that
            take the frames as channels see of single patches alone.
        kind: Names this family in a settings file.
    """

    __pydantic_config__ = STRICT

    patch: int
    filters: tuple[int, ...]
    level_units: int = 1
    kernel: int = 3
    activation: Activation = "gelu"
    motion_filters: int = 0
    kind: Literal["compact"] = "compact"


Network = PaperNetwork | CompactNetwork

PAPER_NETWORKS: dict[str, Network] = {
    "ecg": PaperNetwork(
        kernel=71,
        activation="mish",
        residual_filters=(23, 23),
        block_filters=(46,),
        block_convolutions=5,
        pooling="max",
    ),
    "mri": PaperNetwork(
        kernel=3,
        activation="gelu",
        residual_filters=(24, 24),
        block_filters=(40, 40, 40),
        block_convolutions=3,
        pooling="average",
    ),
}
"""The paper's networks, by modality."""


@dataclass(frozen=True)
class Contrast:
    """How the two latents of a participant are tied.

    Attributes:
        loss: ``info_nce`` (the paper's), ``sigmoid`` (SigLIP), ``published`` (what the published
            code trains), or ``none``.
        weight: Factor of the contrastive loss in the sum.
        log_scale: Where τ starts; s = exp(τ) multiplies the cosines. The paper starts at 0.
        offset: Where b of ``sigmoid`` starts.
    """

    __pydantic_config__ = STRICT

    loss: Literal["info_nce", "sigmoid", "published", "none"] = "info_nce"
    weight: float = 0.1
    log_scale: float = 0.0
    offset: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """The settings of one cross-modal (or unimodal) autoencoder.

    Attributes:
        networks: The network of each modality, by its name.
        latent_dim: Numbers a latent.
        merge: How one latent is made of two in training: a modality is drawn for each
            ``participant`` or for each ``coordinate``, or the ``mean`` is taken. At inference it
            is always the mean of the latents that exist. ``frozen``, as in published weights:
            where both latents exist, each coordinate comes from the modality that ``assignment``
            names, in training and at inference.
        contrast: How the two latents of a participant are tied; unused with one modality.
        translation_weight: Factor of an additional loss on ECG→MRI and MRI→ECG; 0 in the paper.
        assignment: With the merge ``frozen``, a letter a coordinate: ``e`` from the ECG, ``m``
            from the MRI.
        hidden_share: Largest share of a recording's patches that its encoder does not see in
            training, drawn for each participant; 0 in the paper.
    """

    __pydantic_config__ = STRICT

    networks: dict[str, Network] = field(default_factory=lambda: dict(PAPER_NETWORKS))
    latent_dim: int = 256
    merge: Merge = "participant"
    contrast: Contrast = field(default_factory=Contrast)
    translation_weight: float = 0.0
    assignment: str | None = None
    hidden_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an autoencoder without a modality or a latent.

        Raises:
            SettingsError: No network or an unknown one is given, the latent has no number, or
                the assignment does not fit.
        """
        if not self.networks:
            raise SettingsError("The model has no network: give one for ecg, mri, or both.")
        unknown = set(self.networks) - set(MODALITIES)
        if unknown:
            raise SettingsError(
                f"There is no modality {sorted(unknown)[0]}: give networks for ecg, mri, or both."
            )
        if self.latent_dim < 1:
            raise SettingsError(f"latent_dim is {self.latent_dim}: give a positive number.")
        if not 0 <= self.hidden_share < 1:
            raise SettingsError(
                f"hidden_share is {self.hidden_share:g}: give a share from 0 to below 1."
            )
        if (self.merge == "frozen") != (self.assignment is not None):
            raise SettingsError(
                "merge and assignment do not fit: the merge frozen needs an assignment, and the "
                "others take none."
            )
        letters = self.assignment
        if letters is not None and (
            len(letters) != self.latent_dim
            or set(letters) - set(ASSIGNED)
            or len(self.networks) != len(ASSIGNED)
        ):
            raise SettingsError(
                f"assignment has {len(letters)} letters: give {self.latent_dim}, each e (ECG) or "
                "m (MRI), in a model of both modalities."
            )

    @property
    def frozen_shares(self) -> dict[str, NDArray[np.float32]] | None:
        """By modality (latent_dim,), 1 where a coordinate is its own; None unless frozen."""
        if self.assignment is None:
            return None
        letters = np.array(list(self.assignment))
        return {name: (letters == letter).astype(np.float32) for letter, name in ASSIGNED.items()}

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities of this autoencoder, ECG first."""
        return tuple(MODALITIES[name] for name in MODALITIES if name in self.networks)
