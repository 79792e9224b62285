"""Encoders and decoders: the paper's, and a compact one that trains on two CPU cores.

Both take recordings in model units, channels last, over one axis (ECG: time) or two (MRI: rows
and columns, with the frames as channels). The paper's networks follow Radhakrishnan et al.,
Nature Communications 14, 2436 (2023).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import keras

from cmae.data.modality import Modality
from cmae.errors import SettingsError
from cmae.settings import STRICT

LATENT_NORM_EPSILON = 1e-3

Tensor = Any
Activation = Literal["mish", "gelu"]
ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "mish": keras.activations.mish,
    "gelu": partial(keras.activations.gelu, approximate=True),
}
"""Activations by name; ``gelu`` is the tanh form."""

CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}
POOLINGS = {
    ("max", 1): keras.layers.MaxPooling1D,
    ("max", 2): keras.layers.MaxPooling2D,
    ("average", 1): keras.layers.AveragePooling1D,
    ("average", 2): keras.layers.AveragePooling2D,
}
UPSAMPLINGS = {1: keras.layers.UpSampling1D, 2: keras.layers.UpSampling2D}


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

    def encoder(self, modality: Modality, latent_dim: int) -> keras.Model:
        """Build the encoder: (n, *modality.shape) in model units -> (n, latent_dim)."""
        axes = len(modality.shape) - 1
        inputs = keras.Input(modality.shape, name="recording")
        x = self._residual_stage(inputs, axes)
        for k, filters in enumerate(self.block_filters, start=1):
            x = POOLINGS[self.pooling, axes](2, name=f"pool_{k}")(x)
            x = self._dense_block(x, axes, filters, name=f"block_{k}")
        latent = _latent(x, latent_dim, self.activation)
        return keras.Model(inputs, latent, name=f"{modality.name}_encoder")

    def decoder(self, modality: Modality, latent_dim: int) -> keras.Model:
        """Build the decoder: (n, latent_dim) -> (n, *modality.shape) in model units."""
        *size, channels = modality.shape
        axes = len(size)
        start = _start(size, 2 ** len(self.block_filters), self.block_filters[-1], modality)
        inputs = keras.Input((latent_dim,), name="latent")
        x = _unfold(inputs, start, self.activation)
        for k, filters in enumerate(reversed(self.block_filters), start=1):
            x = UPSAMPLINGS[axes](2, name=f"upsample_{k}")(x)
            x = self._dense_block(x, axes, filters, name=f"block_{k}")
        outputs = CONVOLUTIONS[axes](channels, 1, dtype="float32", name="output")(x)
        return keras.Model(inputs, outputs, name=f"{modality.name}_decoder")

    def _convolution(self, axes: int, filters: int, name: str) -> keras.layers.Layer:
        return CONVOLUTIONS[axes](
            filters,
            self.kernel,
            padding="same",
            activation=ACTIVATIONS[self.activation],
            name=name,
        )

    def _residual_stage(self, x: Tensor, axes: int) -> Tensor:
        """y1 = act(conv_a(x)); y2 = act(conv_b(y1)); conv1×1(y2) + y1: x itself is not added."""
        first_filters, second_filters = self.residual_filters
        first = self._convolution(axes, first_filters, "residual_a")(x)
        second = self._convolution(axes, second_filters, "residual_b")(first)
        projected = CONVOLUTIONS[axes](first_filters, 1, name="residual_project")(second)
        return keras.layers.Add(name="residual_add")([projected, first])

    def _dense_block(self, x: Tensor, axes: int, filters: int, name: str) -> Tensor:
        """Convolution i sees the block's input and all outputs before it; the last one leaves."""
        seen = [x]
        for k in range(1, self.block_convolutions + 1):
            inputs = (
                seen[0]
                if len(seen) == 1
                else keras.layers.Concatenate(name=f"{name}_concatenate_{k}")(seen)
            )
            seen.append(self._convolution(axes, filters, f"{name}_convolution_{k}")(inputs))
        return seen[-1]


@dataclass(frozen=True)
class CompactNetwork:
    """A small residual network: patches in, pixel shuffle out, for training without a GPU.

    Attributes:
        kind: Names this family in a settings file.
        patch: Samples or pixels a side that the first convolution folds into one position.
        filters: Filters of each level; each level after the first halves the size.
        level_units: Residual units a level.
        kernel: Side of the convolutions inside a level, in positions.
        activation: Follows the first convolution of a unit and each change of level.
    """

    __pydantic_config__ = STRICT

    patch: int
    filters: tuple[int, ...]
    level_units: int = 1
    kernel: int = 3
    activation: Activation = "gelu"
    kind: Literal["compact"] = "compact"

    def encoder(self, modality: Modality, latent_dim: int) -> keras.Model:
        """Build the encoder: (n, *modality.shape) in model units -> (n, latent_dim)."""
        axes = len(modality.shape) - 1
        act = ACTIVATIONS[self.activation]
        inputs = keras.Input(modality.shape, name="recording")
        x = CONVOLUTIONS[axes](
            self.filters[0], self.patch, strides=self.patch, activation=act, name="patches"
        )(inputs)
        x = self._level(x, axes, self.filters[0], name="level_1")
        for k, filters in enumerate(self.filters[1:], start=2):
            x = POOLINGS["average", axes](2, name=f"pool_{k}")(x)
            x = self._convolution(axes, filters, f"widen_{k}")(x)
            x = self._level(x, axes, filters, name=f"level_{k}")
        latent = _latent(x, latent_dim, self.activation)
        return keras.Model(inputs, latent, name=f"{modality.name}_encoder")

    def decoder(self, modality: Modality, latent_dim: int) -> keras.Model:
        """Build the decoder: (n, latent_dim) -> (n, *modality.shape) in model units."""
        *size, channels = modality.shape
        axes = len(size)
        factor = self.patch * 2 ** (len(self.filters) - 1)
        start = _start(size, factor, self.filters[-1], modality)
        inputs = keras.Input((latent_dim,), name="latent")
        x = _unfold(inputs, start, self.activation)
        x = self._level(x, axes, self.filters[-1], name="level_1")
        for k, filters in enumerate(reversed(self.filters[:-1]), start=2):
            x = UPSAMPLINGS[axes](2, name=f"upsample_{k}")(x)
            x = self._convolution(axes, filters, f"narrow_{k}")(x)
            x = self._level(x, axes, filters, name=f"level_{k}")
        x = CONVOLUTIONS[axes](
            self.patch**axes * channels, 1, dtype="float32", name="output"
        )(x)
        outputs = self._shuffle(x, [side // self.patch for side in size], channels)
        return keras.Model(inputs, outputs, name=f"{modality.name}_decoder")

    def _convolution(self, axes: int, filters: int, name: str) -> keras.layers.Layer:
        return CONVOLUTIONS[axes](
            filters,
            self.kernel,
            padding="same",
            activation=ACTIVATIONS[self.activation],
            name=name,
        )

    def _level(self, x: Tensor, axes: int, filters: int, name: str) -> Tensor:
        """Residual units x + conv(act(conv(x))) at one size."""
        for k in range(1, self.level_units + 1):
            y = self._convolution(axes, filters, f"{name}_unit_{k}_a")(x)
            y = CONVOLUTIONS[axes](
                filters, self.kernel, padding="same", name=f"{name}_unit_{k}_b"
            )(y)
            x = keras.layers.Add(name=f"{name}_unit_{k}_add")([x, y])
        return x

    def _shuffle(self, x: Tensor, size: list[int], channels: int) -> Tensor:
        """Pixel shuffle: (n, *size, patch^axes · channels) -> (n, *(size · patch), channels)."""
        axes, patch = len(size), self.patch
        x = keras.layers.Reshape((*size, *([patch] * axes), channels), name="shuffle_split")(x)
        order = [k + 1 + offset for k in range(axes) for offset in (0, axes)]
        x = keras.layers.Permute((*order, 2 * axes + 1), name="shuffle_order")(x)
        full = tuple(side * patch for side in size)
        return keras.layers.Reshape((*full, channels), name="shuffle_join")(x)


Network = PaperNetwork | CompactNetwork

PAPER_NETWORKS: dict[str, PaperNetwork] = {
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


def _latent(x: Tensor, latent_dim: int, activation: Activation) -> Tensor:
    """Flatten, project, activate, and only then normalize: the encoder's last operation."""
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(latent_dim, activation=ACTIVATIONS[activation], name="latent_dense")(x)
    return keras.layers.LayerNormalization(
        epsilon=LATENT_NORM_EPSILON, dtype="float32", name="latent_norm"
    )(x)


def _unfold(latent: Tensor, start: tuple[int, ...], activation: Activation) -> Tensor:
    """Project a latent onto the decoder's first, smallest grid."""
    x = keras.layers.Dense(
        math.prod(start), activation=ACTIVATIONS[activation], name="start_dense"
    )(latent)
    return keras.layers.Reshape(start, name="start_grid")(x)


def _start(size: list[int], factor: int, filters: int, modality: Modality) -> tuple[int, ...]:
    """Shape of the decoder's first grid.

    Raises:
        SettingsError: The size of a recording is no multiple of ``factor``.
    """
    if any(side % factor for side in size):
        raise SettingsError(
            f"The {modality.name} network shrinks by {factor}, which does not divide the size "
            f"{tuple(size)} of a recording: use fewer levels or another patch."
        )
    return (*(side // factor for side in size), filters)
