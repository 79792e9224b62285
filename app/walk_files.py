"""What a person may keep of a walk: a table, a moving picture, a figure, and the command."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.explorer import Explorer
from app.walk_caches import Decoded
from app.walk_ways import Way
from app.walk_words import step_label
from cmae.latent import media, traversal
from cmae.latent.course import Course
from cmae.latent.traversal import Walk
from cmae.latent.trust import Surroundings
from cmae.measure.ventricle import Ejection

FIGURE_POINTS = 5


def table(here: Explorer, course: Course, measured: Sequence[Ejection]) -> bytes:
    """Write trust, predictions and measurements along a walk as CSV.

    Args:
        here: The explorer.
        course: What is met along the walk.
        measured: Of each decoded cine; may be empty.

    Returns:
        The file's bytes, a comment of one line first.
    """
    rows = course.table()
    if measured:
        rows["decoded_edv_ml"] = [each.edv_ml for each in measured]
        rows["decoded_esv_ml"] = [each.esv_ml for each in measured]
        rows["decoded_ef_percent"] = [each.ef_percent for each in measured]
    head = (
        "# generated, research use only, not for diagnosis"
        f"{' (simulated cohort)' if here.cohort.is_simulated else ''}; "
        f"run {here.latents.run_fingerprint}, cohort {here.cohort.fingerprint}\n"
    )
    text: str = rows.to_csv(index=False, float_format="%.6g")
    return (head + text).encode()


def movie(taken: Walk, shown: Decoded, *, rr_ms: float | None) -> bytes:
    """Write the beating heart along a walk as GIF.

    Args:
        taken: The walk.
        shown: What its points decode to, cines among it.
        rr_ms: Duration of a heartbeat, in ms; None: 1,000 ms.

    Returns:
        The file's bytes.
    """
    assert shown.pixels is not None
    low, high = float(str(shown.facts["low"])), float(str(shown.facts["high"]))
    shades = np.clip((np.arange(256) - low) * (255 / max(high - low, 1e-6)), 0, 255)
    grey = shades.astype(np.uint8)[shown.pixels]
    labels = [step_label(step, taken.direction.step) for step in taken.steps]
    cines = grey.reshape(len(labels), -1, *grey.shape[1:])
    return media.walk_gif(cines, labels, rr_ms=rr_ms or 1000.0)


def figure(
    here: Explorer,
    taken: Walk,
    around: Surroundings,
    cine: NDArray[np.generic] | None,
    *,
    title: str,
) -> bytes:
    """Draw five points of a walk as SVG.

    Args:
        here: The explorer, with the model ready.
        taken: The walk.
        around: Real latents of its kind.
        cine: A recorded cine that gives the decoded ones its scale, or None.
        title: Heading.

    Returns:
        The file's bytes.
    """
    from cmae.figures.walk import draw_walk  # noqa: PLC0415 - Matplotlib takes a second to load

    steps = np.linspace(taken.steps[0], taken.steps[-1], FIGURE_POINTS)
    begin = int(np.abs(taken.steps).argmin())
    few = traversal.walk(
        taken.points[begin] - taken.steps[begin] * taken.direction.size * taken.direction.vector,
        taken.direction,
        steps,
    )
    with here.model.use() as run:
        outputs = traversal.decode_walk(run, few, cine=cine)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.svg"
        draw_walk(
            outputs,
            [step_label(step, taken.direction.step) for step in steps],
            path,
            trust=around.trust(few.points),
            title=f"{title[:60]} (generated, research use only)",
            start=int(np.abs(steps).argmin()),
            is_simulated=here.cohort.is_simulated,
        )
        return path.read_bytes()


def commands(here: Explorer, leads: Way) -> list[str]:
    """Return what draws such walks on the command line.

    Args:
        here: The explorer.
        leads: Where the walk leads.
    """
    kind = leads.direction.kind
    words = ["cmae associate", here.latents.path.name, "--phenotypes"]
    words += ["--cohort", here.cohort.path.name]
    if leads.covariates:
        words += ["--covariates", *leads.covariates]
    words += ["--kind", kind, "--run", here.run_path.name, "--walks 10", "--out associations/"]
    return [f"# draws walks along what the {kind} latents tell most of", " ".join(words)]
