"""Encoders and decoders: the paper's, and a compact one that trains on two CPU cores.

Both take recordings in model units, channels last, over one axis (ECG: time) or two (MRI: rows
and columns, with the frames as channels). The paper's networks follow Radhakrishnan et al.,
Nature Communications 14, 2436 (2023).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from cmae.data.modality import Modality
from cmae.errors import SettingsError
from cmae.model.architecture import Activation, CompactNetwork, Network, PaperNetwork

LATENT_NORM_EPSILON = 1e-3
MOTION_KERNEL = 5
"""Frames that a convolution along time sees."""

Tensor = Any
ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "mish": keras.activations.mish,
    "gelu": partial(keras.activations.gelu, approximate=True),
}
"""Activations by name; ``gelu`` is the tanh form."""

CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}
TRANSPOSED = {1: keras.layers.Conv1DTranspose, 2: keras.layers.Conv2DTranspose}
POOLINGS = {
    ("max", 1): keras.layers.MaxPooling1D,
    ("max", 2): keras.layers.MaxPooling2D,
    ("average", 1): keras.layers.AveragePooling1D,
    ("average", 2): keras.layers.AveragePooling2D,
}
UPSAMPLINGS = {1: keras.layers.UpSampling1D, 2: keras.layers.UpSampling2D}


def build_encoder(network: Network, modality: Modality, latent_dim: int) -> keras.Model:
    """Build an encoder: (n, *modality.shape) in model units -> (n, latent_dim)."""
    return _builder(network, modality).encoder(latent_dim)


def build_decoder(network: Network, modality: Modality, latent_dim: int) -> keras.Model:
    """Build a decoder: (n, latent_dim) -> (n, *modality.shape) in model units.

    Raises:
        SettingsError: The network shrinks by a factor that does not divide a recording's size.
    """
    return _builder(network, modality).decoder(latent_dim)


class _Builder(ABC):
    """What both families share: a latent at the end of the encoder, a grid to start decoding."""

    def __init__(self, modality: Modality, kernel: int, activation: Activation) -> None:
        self.modality = modality
        *self.size, self.channels = modality.shape
        self.axes = len(self.size)
        self.kernel = kernel
        self.activation = ACTIVATIONS[activation]

    @property
    @abstractmethod
    def start_filters(self) -> int:
        """Channels of the smallest grid."""

    @property
    @abstractmethod
    def factor(self) -> int:
        """How many times smaller than a recording the smallest grid is."""

    @abstractmethod
    def _shrink(self, x: Tensor) -> Tensor:
        """Recording -> smallest grid."""

    @abstractmethod
    def _grow(self, x: Tensor) -> Tensor:
        """Smallest grid -> recording."""

    def encoder(self, latent_dim: int) -> keras.Model:
        """Flatten, project, activate and only then normalize: the encoder's last operation."""
        inputs = keras.Input(self.modality.shape, name="recording")
        x = self._joined(inputs, keras.layers.Flatten(name="flatten")(self._shrink(inputs)))
        x = keras.layers.Dense(latent_dim, activation=self.activation, name="latent_dense")(x)
        latent = keras.layers.LayerNormalization(
            epsilon=LATENT_NORM_EPSILON, dtype="float32", name="latent_norm"
        )(x)
        return keras.Model(inputs, latent, name=f"{self.modality.name}_encoder")

    def _joined(self, recording: Tensor, numbers: Tensor) -> Tensor:
        """The numbers of the smallest grid with what else the encoder tells of the recording."""
        del recording
        return numbers

    def decoder(self, latent_dim: int) -> keras.Model:
        """Project the latent onto the smallest grid and grow it."""
        if any(side % self.factor for side in self.size):
            raise SettingsError(
                f"The {self.modality.name} network shrinks by {self.factor}, which does not divide "
                f"the size {tuple(self.size)} of a recording: use fewer levels or another patch."
            )
        start = (*(side // self.factor for side in self.size), self.start_filters)
        inputs = keras.Input((latent_dim,), name="latent")
        x = keras.layers.Dense(math.prod(start), activation=self.activation, name="start_dense")(
            inputs
        )
        outputs = self._grow(keras.layers.Reshape(start, name="start_grid")(x))
        return keras.Model(inputs, outputs, name=f"{self.modality.name}_decoder")

    def _convolution(self, filters: int, name: str, *, is_linear: bool = False) -> Any:  # noqa: ANN401
        return CONVOLUTIONS[self.axes](
            filters,
            self.kernel,
            padding="same",
            activation=None if is_linear else self.activation,
            name=name,
        )

    def _pointwise(self, filters: int, name: str, dtype: str | None = None) -> Any:  # noqa: ANN401
        return CONVOLUTIONS[self.axes](filters, 1, name=name, dtype=dtype)


class _PaperBuilder(_Builder):
    """The paper's densely connected networks."""

    def __init__(self, network: PaperNetwork, modality: Modality) -> None:
        super().__init__(modality, network.kernel, network.activation)
        self.network = network

    @property
    def start_filters(self) -> int:
        return self.network.block_filters[-1]

    @property
    def factor(self) -> int:
        return int(2 ** len(self.network.block_filters))

    def _shrink(self, x: Tensor) -> Tensor:
        x = self._residual_stage(x)
        for k, filters in enumerate(self.network.block_filters, start=1):
            x = POOLINGS[self.network.pooling, self.axes](2, name=f"pool_{k}")(x)
            x = self._dense_block(x, filters, name=f"block_{k}")
        return x

    def _grow(self, x: Tensor) -> Tensor:
        for k, filters in enumerate(reversed(self.network.block_filters), start=1):
            x = UPSAMPLINGS[self.axes](2, name=f"upsample_{k}")(x)
            x = self._dense_block(x, filters, name=f"block_{k}")
        return self._pointwise(self.channels, "output", dtype="float32")(x)

    def _residual_stage(self, x: Tensor) -> Tensor:
        """y1 = act(conv_a(x)); y2 = act(conv_b(y1)); conv1×1(y2) + y1: x itself is not added."""
        first_filters, second_filters = self.network.residual_filters
        first = self._convolution(first_filters, "residual_a")(x)
        second = self._convolution(second_filters, "residual_b")(first)
        projected = self._pointwise(first_filters, "residual_project")(second)
        return keras.layers.Add(name="residual_add")([projected, first])

    def _dense_block(self, x: Tensor, filters: int, name: str) -> Tensor:
        """Convolution k sees the block's input and all outputs before it; only the last leaves."""
        seen = [x]
        for k in range(1, self.network.block_convolutions + 1):
            inputs = x if k == 1 else keras.layers.Concatenate(name=f"{name}_concatenate_{k}")(seen)
            seen.append(self._convolution(filters, f"{name}_convolution_{k}")(inputs))
        return seen[-1]


class _CompactBuilder(_Builder):
    """Patches in, residual units at ever smaller sizes, pixel shuffle out."""

    def __init__(self, network: CompactNetwork, modality: Modality) -> None:
        super().__init__(modality, network.kernel, network.activation)
        self.network = network
        if network.motion_filters and self.axes != 2:
            raise SettingsError(
                f"motion_filters of the {modality.name} network is {network.motion_filters}, but "
                "only a cine has motion: leave it out."
            )

    @property
    def start_filters(self) -> int:
        return self.network.filters[-1]

    @property
    def factor(self) -> int:
        return self.network.patch * int(2 ** (len(self.network.filters) - 1))

    def _shrink(self, x: Tensor) -> Tensor:
        patch = self.network.patch
        first, *others = self.network.filters
        x = CONVOLUTIONS[self.axes](
            first, patch, strides=patch, activation=self.activation, name="patches"
        )(x)
        x = self._level(x, first, "level_1")
        for k, filters in enumerate(others, start=2):
            x = POOLINGS["average", self.axes](2, name=f"pool_{k}")(x)
            x = self._convolution(filters, f"widen_{k}")(x)
            x = self._level(x, filters, f"level_{k}")
        return x

    def _grow(self, x: Tensor) -> Tensor:
        last, *others = reversed(self.network.filters)
        x = self._level(x, last, "level_1")
        for k, filters in enumerate(others, start=2):
            x = UPSAMPLINGS[self.axes](2, name=f"upsample_{k}")(x)
            x = self._convolution(filters, f"narrow_{k}")(x)
            x = self._level(x, filters, f"level_{k}")
        # Strides as long as the kernel: a pixel shuffle of a 1 × 1 convolution, in one operation.
        return TRANSPOSED[self.axes](
            self.channels,
            self.network.patch,
            strides=self.network.patch,
            dtype="float32",
            name="output",
        )(x)

    def _joined(self, recording: Tensor, numbers: Tensor) -> Tensor:
        width = self.network.motion_filters
        if not width:
            return numbers
        motion = keras.layers.Flatten(name="motion_flatten")(self._motion(recording, width))
        return keras.layers.Concatenate(name="motion_concatenate")([numbers, motion])

    def _motion(self, recording: Tensor, width: int) -> Tensor:
        """Cine -> (n, half the frames, width): what moves, seen whole, along time.

        The mean over time is taken off, and of each frame the sums with learned pictures are kept;
        a picture of the blood of a chamber makes its area curve.
        """
        patch = self.network.patch
        positions = math.prod(side // patch for side in self.size)
        x = recording - keras.ops.mean(recording, axis=-1, keepdims=True)
        x = POOLINGS["average", self.axes](patch, name="motion_patches")(x)
        x = keras.layers.Reshape((positions, self.channels), name="motion_positions")(x)
        x = keras.layers.Permute((2, 1), name="motion_frames")(x)
        x = keras.layers.Dense(width, activation=self.activation, name="motion_pictures")(x)
        along = partial(keras.layers.Conv1D, width, MOTION_KERNEL, padding="same")
        y = along(activation=self.activation, name="motion_unit_a")(x)
        y = along(name="motion_unit_b")(y)
        x = keras.layers.Add(name="motion_unit_add")([x, y])
        return along(strides=2, activation=self.activation, name="motion_halve")(x)

    def _level(self, x: Tensor, filters: int, name: str) -> Tensor:
        """Residual units x + conv(act(conv(x))) at one size."""
        for k in range(1, self.network.level_units + 1):
            y = self._convolution(filters, f"{name}_unit_{k}_a")(x)
            y = self._convolution(filters, f"{name}_unit_{k}_b", is_linear=True)(y)
            x = keras.layers.Add(name=f"{name}_unit_{k}_add")([x, y])
        return x


def _builder(network: Network, modality: Modality) -> _Builder:
    if isinstance(network, PaperNetwork):
        return _PaperBuilder(network, modality)
    return _CompactBuilder(network, modality)
