"""Interactive plotly figures from arrays: small charts, and the map where WebGL is missing."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.components.latent_map import Categories, MapPoints, Numbers


def latent_map_plotly(points: MapPoints, color: Categories | Numbers) -> go.Figure:
    """Return the latent map as a plotly scatter, for up to about 20,000 points.

    ``customdata`` of each marker is its point index, so that
    ``st.plotly_chart(figure, on_select="rerun")`` gives the same indices as ``latent_map``.

    Args:
        points: The geometry.
        color: The column of colour.
    """
    raise NotImplementedError


def histogram(
    values: NDArray[np.floating],
    *,
    title: str,
    unit: str = "",
    selected: NDArray[np.integer] | None = None,
    marker: float | None = None,
) -> go.Figure:
    """Return a histogram of a phenotype, the selected rows over all, with one value marked.

    Args:
        values: ``(rows,)``; NaN is left out.
        title: What is counted.
        unit: Unit of ``values``.
        selected: Indices of rows shown in colour over the rest; None: none.
        marker: Value of the current participant; None: none.
    """
    raise NotImplementedError


def learning_curves(
    epochs: NDArray[np.integer], curves: Sequence[tuple[str, NDArray[np.floating]]]
) -> go.Figure:
    """Return loss against epoch, one line a curve.

    Args:
        epochs: ``(epochs,)``.
        curves: Name and ``(epochs,)`` values of each curve.
    """
    raise NotImplementedError
