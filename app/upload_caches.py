"""What an upload is held against: the cohort's latents around it, and probes fitted to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import phenotypes, walk_caches
from app.session import explorer
from cmae.errors import InputError
from cmae.latent.trust import Trust


@dataclass(frozen=True)
class Prediction:
    """A phenotype as a latent tells it.

    Attributes:
        name: Name in the cohort's table.
        value: In the phenotype's unit, or the probability of yes.
        low: Lower end of the 95 % prediction interval, None for a probability.
        high: Its upper end.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def trust(latent: NDArray[np.float32], source: str) -> Trust | None:
    """Say how near a latent lies to the cohort's, or None where there are too few of those.

    Args:
        latent: (latent_dim,).
        source: Which latents it is compared with.
    """
    try:
        return walk_caches.surroundings(source).trust(latent[None])
    except InputError:
        return None


def predictions(latent: NDArray[np.float32], source: str, names: Sequence[str]) -> list[Prediction]:
    """Predict phenotypes from a latent of nobody in the cohort, by probes fitted to all in it.

    Args:
        latent: (latent_dim,).
        source: Which latents the probes are fitted to.
        names: Phenotypes wanted; those that the cohort lacks are left out.
    """
    found = []
    for name, probe in walk_caches.probes(source, tuple(names)).items():
        value = float(probe.predict(latent[None])[0])
        if probe.kind == "ridge":
            low, high = (float(end[0]) for end in probe.interval(latent[None]))
            found.append(Prediction(name, value, low, high))
        else:
            found.append(Prediction(name, value))
    return found


def written(prediction: Prediction) -> tuple[str, str, str]:
    """Write a prediction for people: what, value with unit, interval.

    Args:
        prediction: Of a column of the cohort.
    """
    column = explorer().cohort.columns[prediction.name]
    title = phenotypes.title(prediction.name)
    if prediction.low is None or prediction.high is None:
        words = phenotypes.categories(prediction.name, column) or ("no", "yes")
        return f"{title} ({words[1]})", f"{prediction.value:.0%}", "probability"
    value = phenotypes.written(prediction.name, column, prediction.value)
    low, high = phenotypes.number(prediction.low), phenotypes.number(prediction.high)
    return title, value, f"{low} to {high}"


def trust_sentence(found: Trust) -> tuple[str, bool]:
    """Say in words how near an upload lies to the cohort, and whether it lies outside of it.

    Args:
        found: Of one latent.
    """
    share, times = float(found.share[0]), phenotypes.number(float(found.relative[0]))
    if share == 0:
        return (
            f"Unlike anybody in this cohort: {times} times as far from its nearest neighbours as "
            "is usual, farther than anyone is from theirs. What the model makes of it, and what is "
            "predicted from it, is a guess outside of what it knows.",
            True,
        )
    if share < 0.05:
        return (
            f"At the edge of this cohort: {times} times as far from its nearest neighbours as is "
            f"usual; {share:.1%} of the cohort are as far from theirs.",
            True,
        )
    return (
        f"Among the hearts of this cohort: {times} times the usual distance to its nearest "
        f"neighbours; {share:.0%} of the cohort are as far from theirs.",
        False,
    )
