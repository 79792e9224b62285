"""Walks in latent space: what a direction does to ECG and heart, in one picture."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmae.data.files import replacing
from cmae.data.modality import MODALITIES
from cmae.errors import InputError
from cmae.figures.recordings import draw_beats, paper_size_mm
from cmae.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    ORANGE,
    SKY,
    add_heading,
    figure_file,
    legend_columns,
)
from cmae.latent.decoding import Decoder
from cmae.latent.traversal import Direction, decode_walk, even_steps, walk
from cmae.latent.trust import Surroundings, Trust

Floats = NDArray[np.floating]

FOLDER, TABLE = "walks", "walks.tsv"

LIGHT_ORANGE = "#e69f00"
_COLORS = (BLUE, SKY, BLACK, LIGHT_ORANGE, ORANGE)
_SPAN_SD = 2.0
_FRAME_MM, _LABEL_MM = 28.0, 10.0


def draw_walks(
    run: Decoder,
    latents: Floats,
    directions: Sequence[Direction],
    folder: Path,
    *,
    is_simulated: bool = False,
) -> list[dict[str, object]]:
    """Decode a walk of five points through the mean latent along each direction, and draw it.

    Phenotypes and components are walked from −2 to +2 SD. Single alleles move the latent too little
    to be seen, so variants are walked as many alleles as span 2 SD of the latents each way.

    Args:
        run: The run that made the latents.
        latents: (rows, latent_dim) of the kind that the directions are of.
        directions: Where to.
        folder: Folder of the results; pictures go to ``walks/``, SVG and PNG, with ``walks.tsv``.
        is_simulated: Whether to mark the pictures as made from simulated recordings.

    Returns:
        A row a walk: ``name``, ``step``, ``most_steps``, ``relative_distance`` (how far the
        farthest point lies from the nearest real latents, over what is usual), ``file``.

    Raises:
        InputError: There are too few latents, or a file cannot be written.
    """
    if not directions:
        return []
    start = latents.mean(axis=0, dtype=np.float64)
    around = Surroundings(latents)
    rows, points = [], []
    for rank, direction in enumerate(directions, start=1):
        taken = walk(
            start, direction, even_steps(direction, latents, reach=_SPAN_SD, count=len(_COLORS))
        )
        trust = around.trust(taken.points)
        decoded = decode_walk(run, taken)
        named = re.sub(r"[^A-Za-z0-9]+", "_", direction.name).strip("_")[:40]
        stem = f"{rank:02d}_{named}"
        labels = [_label(count, direction.step) for count in taken.steps]
        title = f"Along {direction.name[:60]} ({direction.kind} latents; generated, not recorded)"
        for suffix in (".svg", ".png"):
            draw_walk(
                decoded,
                labels,
                folder / FOLDER / f"{stem}{suffix}",
                trust=trust,
                title=title,
                is_simulated=is_simulated,
            )
        row = {"name": direction.name, "step": direction.step, "most_steps": taken.steps[-1]}
        rows.append(
            {**row, "relative_distance": float(trust.relative.max()), "file": f"{stem}.svg"}
        )
        points += [
            (direction.name, direction.step, count, near, share)
            for count, near, share in zip(taken.steps, trust.relative, trust.share, strict=True)
        ]
    columns = ["name", "step", "steps", "relative_distance", "share_of_real_as_far"]
    with replacing(folder / FOLDER / TABLE) as temporary:
        pd.DataFrame(points, columns=columns).to_csv(
            temporary, sep="\t", index=False, float_format="%.6g"
        )
    return rows


def draw_walk(
    decoded: Mapping[str, Floats],
    labels: Sequence[str],
    path: Path,
    *,
    trust: Trust | None = None,
    title: str = "",
    start: int = 2,
    is_simulated: bool = False,
) -> None:
    """Draw a walk of five points: ECGs over each other, and the heart at rest and contracted.

    Args:
        decoded: ``ecg`` (5, 600, 12) in mV and ``mri`` (5, 96, 96, 50), or one of them.
        labels: What each point is, such as ``+2 SD``.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        trust: How near the points are to real latents.
        title: Heading.
        start: Which of the points is the start, that changes are from.
        is_simulated: Whether to mark the picture as made from simulated recordings.

    Raises:
        InputError: A shape differs, or the suffix is another.
    """
    for name, recordings in decoded.items():
        wanted = (len(_COLORS), *MODALITIES[name].shape)
        if np.shape(recordings) != wanted or len(labels) != len(_COLORS):
            raise InputError(
                f"A walk of shape {np.shape(recordings)} with {len(labels)} labels cannot be "
                f"drawn: give {wanted} and {len(_COLORS)} labels."
            )
    beats = [np.asarray(beat, np.float64) for beat in decoded.get("ecg", ())]
    wide, paper = paper_size_mm(beats) if beats else (_LABEL_MM + 5 * _FRAME_MM, 0.0)
    width = max(wide, _LABEL_MM + 5 * _FRAME_MM) + 10
    columns = legend_columns(labels, width)
    head = 12 + 3.5 * -(-len(labels) // columns)
    heart = 3 * _FRAME_MM + 8 if "mri" in decoded else 0.0
    height = head + paper + heart + 10
    with figure_file(path, width_mm=width, height_mm=height, dpi=160) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        if beats:
            bottom = height - head - paper
            box = (5 / width, bottom / height, wide / width, paper / height)
            axes = figure.add_axes(box, xlim=(0, wide), ylim=(0, paper))
            order = [start, *(place for place in range(len(_COLORS)) if place != start)]
            colors = [_COLORS[place] for place in order]
            draw_beats(axes, [beats[place] for place in order], colors=colors)
            handles = axes.lines[-len(beats) :]
            figure.legend(
                [handles[order.index(place)] for place in range(len(beats))],
                labels,
                loc="upper left",
                bbox_to_anchor=(3 / width, 1 - 9.5 / height),
                ncols=columns,
                handlelength=1.4,
                columnspacing=1.5,
                borderpad=0,
            )
        if "mri" in decoded:
            _draw_hearts(figure, decoded["mri"], labels, start, top=height - head - paper)
        figure.text(5 / width, 3 / height, _caption(trust), color=GRAY, fontsize=6)


def _draw_hearts(
    figure: Figure, cines: Floats, labels: Sequence[str], start: int, *, top: float
) -> None:
    """Draw end diastole, the most contracted frame, and its change from the start."""
    width, height = (float(side) * 25.4 for side in figure.get_size_inches())
    begins = np.asarray(cines[start], np.float32)
    # The first frame is end diastole; the one that differs most from it is near end systole.
    contracted = int(np.abs(begins - begins[..., :1]).mean(axis=(0, 1)).argmax())
    low, high = np.percentile(begins, (1, 99))
    change = np.asarray(cines[..., contracted], np.float32) - begins[..., contracted]
    most = max(float(np.percentile(np.abs(change), 99.5)), 1e-6)
    bottom = top - 8
    for row, name in enumerate(("end diastole", f"frame {contracted + 1}", "its change")):
        bottom -= _FRAME_MM
        for column, label in enumerate(labels):
            left = 5 + _LABEL_MM + column * _FRAME_MM
            size = ((_FRAME_MM - 1) / width, (_FRAME_MM - 1) / height)
            axes = figure.add_axes((left / width, bottom / height, *size))
            axes.axis("off")
            if row == 2:
                axes.imshow(change[column], cmap="RdBu_r", vmin=-most, vmax=most)
            else:
                frame = cines[column, :, :, 0 if row == 0 else contracted]
                axes.imshow(frame, cmap="gray", vmin=low, vmax=high)
            if row == 0:
                x = (left + (_FRAME_MM - 1) / 2) / width
                y = (top - 5.5) / height
                figure.text(x, y, label, ha="center", fontsize=6.5, color=_COLORS[column])
        y = (bottom + _FRAME_MM / 2) / height
        figure.text((3 + _LABEL_MM) / width, y, name, rotation=90, ha="right", va="center",
                    fontsize=6)  # fmt: skip


def _caption(trust: Trust | None) -> str:
    if trust is None:
        return "Blue in the change: darker than at the start; red: brighter."
    near = ", ".join(f"{value:.2f}" for value in trust.relative)
    return (
        "Change: blue darker, red brighter than at the start. Distance to real latents over the "
        f"usual one, point by point: {near}."
    )


def _label(count: float, step: str) -> str:
    if not count:
        return "the mean"
    unit = "alleles" if step == "allele" and abs(count) != 1 else step
    return f"{count:+g} {unit}".replace("-", "−")
