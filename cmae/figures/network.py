"""The networks as a picture: encoders and decoders as blocks with shapes and parameter counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from cmae.errors import InputError
from cmae.figures.style import BLACK, GRAY, add_heading, figure_file

_FILLS = (
    (("Conv",), "#56b4e9", "convolution"),
    (("Pool", "Stride"), "#e69f00", "pooling"),
    (("UpSampling", "Upsample", "Shuffle"), "#f0e442", "upsampling"),
    (("Dense",), "#009e73", "dense"),
    (("Normalization",), "#cc79a7", "normalization"),
    (("",), "#d1d5db", "sum, other"),
)
"""Beginning or part of a layer's kind to its fill and its name in the key."""

_HIDDEN = (
    "Input",
    "Activation",
    "Concatenate",
    "Dropout",
    "Identity",
    "Flatten",
    "Reshape",
    "Permute",
)
_BLOCK_MM, _GAP_MM, _LATENT_MM, _ROW_MM = 6.4, 1.6, 17.0, 68.0
_TALLEST_MM, _LOWEST_MM = 34.0, 25.0


@dataclass(frozen=True)
class _Layer:
    kind: str
    shape: tuple[int, ...]
    parameters: int
    operations: int

    @property
    def positions(self) -> int:
        """Places along time or space: all axes but the last; 1 for a vector."""
        return int(np.prod(self.shape[:-1])) if len(self.shape) > 1 else 1

    @property
    def fill(self) -> str:
        return next(
            fill
            for kinds, fill, _ in _FILLS
            if any(self.kind.startswith(kind) or (kind and kind in self.kind) for kind in kinds)
        )


def draw(
    description: Mapping[str, Sequence[Mapping[str, object]]],
    path: Path,
    *,
    title: str = "",
) -> None:
    """Draw the parts of a network, data flowing from the left to the right.

    Each modality is a row: its encoder, the shared latent, its decoder. A block is as tall as the
    logarithm of its places in time or space; under it stands the number of its parameters.

    Args:
        description: Part (``ecg_encoder``, ``ecg_decoder``, ``mri_encoder``, ``mri_decoder``) to
            its layers in order; of each layer ``name``, ``kind`` (``Conv1D`` …), ``shape`` (of the
            output, without the batch), ``parameters`` (count) and ``operations`` (multiplications
            with addition, a recording; may be absent).
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.

    Raises:
        InputError: There is nothing to draw, or the suffix is another.
    """
    rows = _rows(description)
    if not rows:
        raise InputError(
            "The description holds no encoder and no decoder: a part's name ends in "
            "'_encoder' or '_decoder'."
        )
    left_mm = max(_width_mm(encoder) for encoder, _ in rows.values())
    right_mm = max(_width_mm(decoder) for _, decoder in rows.values())
    width = max(10 + left_mm + _LATENT_MM + right_mm + 10, 120)
    height = 20 + _ROW_MM * len(rows) + 8
    tallest = max(layer.positions for parts in rows.values() for part in parts for layer in part)
    with figure_file(path, width_mm=width, height_mm=height) as figure:
        add_heading(figure, title, is_simulated=False)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        axes.axis("off")
        latent_x = 10 + left_mm
        for row, (modality, (encoder, decoder)) in enumerate(rows.items()):
            middle = height - 20 - _ROW_MM * (row + 0.5) - 3
            start = latent_x - _width_mm(encoder)
            _draw_part(axes, encoder, (start, middle), tallest)
            _draw_part(axes, decoder, (latent_x + _LATENT_MM, middle), tallest)
            _write_totals(axes, f"{modality} encoder", encoder, (start, middle))
            _write_totals(axes, f"{modality} decoder", decoder, (latent_x + _LATENT_MM, middle))
            _draw_arrows(axes, (latent_x, middle), has=(bool(encoder), bool(decoder)))
        _draw_latent(axes, rows, latent_x, (height - 20 - _ROW_MM * len(rows), height - 20))
        _draw_key(axes, rows, height - 15)
        axes.text(
            5,
            3,
            "Block: kind and channels; above it the places in time or space, below it the "
            "parameters. Activations, "
            "concatenations and reshapes are not drawn.",
            color=GRAY,
            fontsize=7,
        )


def _rows(
    description: Mapping[str, Sequence[Mapping[str, object]]],
) -> dict[str, tuple[list[_Layer], list[_Layer]]]:
    """Title of a modality to the layers of its encoder and its decoder."""
    names = dict.fromkeys(part.rpartition("_")[0] for part in description)
    rows = {}
    for name in names:
        encoder = _layers(description.get(f"{name}_encoder", ()))
        decoder = _layers(description.get(f"{name}_decoder", ()))
        if encoder or decoder:
            rows[name.upper()] = (encoder, decoder)
    return rows


def _layers(part: Sequence[Mapping[str, object]]) -> list[_Layer]:
    layers = []
    for entry in part:
        kind = str(entry["kind"])
        parameters = int(str(entry.get("parameters") or 0))
        if kind.startswith(_HIDDEN) and not parameters:
            continue
        shape = entry["shape"]
        sides = tuple(int(side) for side in shape) if isinstance(shape, Sequence) else ()
        layers.append(_Layer(kind, sides, parameters, int(str(entry.get("operations") or 0))))
    return layers


def _width_mm(layers: Sequence[_Layer]) -> float:
    return len(layers) * (_BLOCK_MM + _GAP_MM)


def _draw_part(
    axes: Axes, layers: Sequence[_Layer], start: tuple[float, float], tallest: int
) -> None:
    x, middle = start
    for layer in layers:
        share = np.log1p(layer.positions) / np.log1p(tallest) if tallest > 1 else 1.0
        tall = _LOWEST_MM + (_TALLEST_MM - _LOWEST_MM) * float(share)
        axes.add_patch(
            FancyBboxPatch(
                (x, middle - tall / 2),
                _BLOCK_MM,
                tall,
                boxstyle="round,pad=0,rounding_size=0.8",
                facecolor=layer.fill,
                edgecolor="#374151",
                linewidth=0.5,
            )
        )
        center = x + _BLOCK_MM / 2
        places = " × ".join(str(side) for side in layer.shape[:-1]) or "1"
        label = f"{_short(layer.kind)}  {layer.shape[-1] if layer.shape else ''}"
        _write_upright(axes, label, (center, middle), size=7.5, color=BLACK)
        _write_upright(axes, places, (center, middle + tall / 2 + 0.8), va="bottom")
        if layer.parameters:
            below = (center, middle - tall / 2 - 0.8)
            _write_upright(axes, f"{layer.parameters:,}", below, va="top")
        x += _BLOCK_MM + _GAP_MM


def _write_upright(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    *,
    va: str = "center",
    size: float = 6.5,
    color: str = GRAY,
) -> None:
    axes.text(*at, text, rotation=90, ha="center", va=va, fontsize=size, color=color)


def _short(kind: str) -> str:
    for long, short in (
        ("LayerNormalization", "LayerNorm"),
        ("Convolution", "Conv"),
        ("AveragePooling", "AvgPool "),
        ("MaxPooling", "MaxPool "),
        ("UpSampling", "Upsample "),
    ):
        kind = kind.replace(long, short)
    return kind


def _write_totals(
    axes: Axes, name: str, layers: Sequence[_Layer], start: tuple[float, float]
) -> None:
    if not layers:
        return
    parameters = sum(layer.parameters for layer in layers)
    operations = sum(layer.operations for layer in layers)
    text = f"{parameters:,} parameters"
    if operations:
        count = f"{operations / 1e9:.2f} G" if operations >= 1e8 else f"{operations / 1e6:.0f} M"
        text += f" · {count} multiply–adds a recording"
    x, y = start[0], start[1] + _ROW_MM / 2 + 1
    axes.text(x, y, name, fontsize=9, fontweight="bold", va="top")
    axes.text(x, y - 4, text, fontsize=7.5, color=GRAY, va="top")


def _draw_arrows(axes: Axes, at: tuple[float, float], *, has: tuple[bool, bool]) -> None:
    x, y = at
    arrow = {"arrowstyle": "-|>", "lw": 0.8, "color": "#374151", "shrinkA": 0, "shrinkB": 0}
    inner = _LATENT_MM / 2 - 3
    if has[0]:
        axes.annotate("", (x + inner, y), (x - _GAP_MM / 2, y), arrowprops=arrow)
    if has[1]:
        axes.annotate("", (x + _LATENT_MM, y), (x + _LATENT_MM - inner, y), arrowprops=arrow)


def _draw_latent(
    axes: Axes,
    rows: Mapping[str, tuple[list[_Layer], list[_Layer]]],
    x: float,
    span: tuple[float, float],
) -> None:
    encoders = [encoder for encoder, _ in rows.values() if encoder]
    dim = encoders[0][-1].shape[-1] if encoders and encoders[0][-1].shape else ""
    bottom, top = span[0] + 10, span[1] - 10
    corner = (x + _LATENT_MM / 2 - 3, bottom)
    axes.add_patch(
        FancyBboxPatch(
            corner,
            6,
            top - bottom,
            boxstyle="round,pad=0,rounding_size=1.5",
            facecolor="#111827",
            edgecolor="none",
        )
    )
    text = f"shared latent  {dim}" if len(rows) > 1 else f"latent  {dim}"
    middle = (bottom + top) / 2
    axes.text(
        x + _LATENT_MM / 2,
        middle,
        text,
        rotation=90,
        ha="center",
        va="center",
        color="white",
        size=9,
    )


def _draw_key(axes: Axes, rows: Mapping[str, tuple[list[_Layer], list[_Layer]]], y: float) -> None:
    drawn = {layer.fill for parts in rows.values() for part in parts for layer in part}
    x = 5.0
    for _, fill, name in _FILLS:
        if fill in drawn:
            box = FancyBboxPatch(
                (x, y), 3, 3, boxstyle="round,pad=0", facecolor=fill, edgecolor="#374151", lw=0.4
            )
            axes.add_patch(box)
            axes.text(x + 4, y + 1.4, name, fontsize=8, va="center")
            x += 9 + 1.6 * len(name)
