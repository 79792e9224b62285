"""Everything that a run's networks are built from: frozen settings, data and nothing else."""

from dataclasses import dataclass, field
from typing import Literal

from cmae.data.modality import MODALITIES, Modality
from cmae.errors import SettingsError
from cmae.model.networks import PAPER_NETWORKS, Network
from cmae.settings import STRICT

Merge = Literal["participant", "coordinate", "mean"]


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
            is always the mean of the latents that exist.
        contrast: How the two latents of a participant are tied; unused with one modality.
        translation_weight: Factor of an additional loss on ECG→MRI and MRI→ECG; 0 in the paper.
    """

    __pydantic_config__ = STRICT

    networks: dict[Literal["ecg", "mri"], Network] = field(
        default_factory=lambda: dict(PAPER_NETWORKS)  # type: ignore[arg-type]
    )
    latent_dim: int = 256
    merge: Merge = "participant"
    contrast: Contrast = field(default_factory=Contrast)
    translation_weight: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an autoencoder without a modality or a latent.

        Raises:
            SettingsError: No network is given, or the latent has no number.
        """
        if not self.networks:
            raise SettingsError("The model has no network: give one for ecg, mri, or both.")
        if self.latent_dim < 1:
            raise SettingsError(f"latent_dim is {self.latent_dim}: give a positive number.")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities of this autoencoder, ECG first."""
        return tuple(MODALITIES[name] for name in MODALITIES if name in self.networks)
