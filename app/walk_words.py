"""How a walk is put into words: its steps, its end, and how near real hearts are."""

from cmae.latent.course import Course
from cmae.latent.traversal import Walk

SPARSE_SHARE = 0.05
"""Share of real hearts that are as far from others, below which few are said to be near."""


def step_label(step: float, word: str) -> str:
    """Say how far a point of a walk is from its start.

    Args:
        step: How many steps.
        word: What a step is: ``SD``, ``allele`` or ``way``.

    Returns:
        For example ``"+1.2 SD"``, ``"start"``, ``"35 %"`` of a way.
    """
    if abs(step) < 1e-9:
        return "start"
    if word == "way":
        return f"{100 * step:.0f} %"
    number = f"{step:+,.1f}" if word == "SD" else f"{step:+,.0f}"
    unit = "alleles" if word == "allele" and abs(step) != 1 else word
    return f"{number} {unit}".replace("-", "−")


def ticks(taken: Walk) -> list[tuple[float, str]]:
    """Choose the places of a walk that are labelled under its slider.

    Args:
        taken: The walk.

    Returns:
        At most nine of its steps, each with its label.
    """
    word = taken.direction.step
    if word == "way":
        return [(share, step_label(share, word)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    most = float(taken.steps.max())
    if word == "SD":
        places = [float(place) for place in range(-int(most), int(most) + 1)]
    else:
        places = [float(share * most) for share in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    return [
        (place, "start" if not place else f"{place:+,.0f}".replace("-", "−")) for place in places
    ]


def warning(course: Course) -> str:
    """Say in one sentence where a walk leaves the data.

    Args:
        course: The course.
    """
    word = course.walk.direction.step
    ends = [end for end in course.ends if end is not None]
    if not ends:
        return "All of this walk lies where the cohort's hearts are."
    if any(abs(end) < 1e-9 for end in ends) and not course.is_inside.any():
        return "The start itself is farther from real hearts than anybody in the cohort."
    places = " and ".join("the start" if abs(end) < 1e-9 else step_label(end, word) for end in ends)
    return (
        f"Beyond {places} nobody in the cohort is this far out: what is decoded there is a guess."
    )


def trust_words(relative: float, share: float, *, is_inside: bool = True) -> str:
    """Say how near a point is to real hearts.

    Args:
        relative: Distance to real latents over what is usual among them.
        share: Share of real latents that are as far from theirs.
        is_inside: Whether some real latents lie as far along the walk.
    """
    distance = f"Real hearts lie {relative:.2f} times as far from here as usually from each other"
    if share <= 0:
        return f"{distance}: farther than around anybody in the cohort."
    if not is_inside:
        return f"{distance}, and nobody lies as far along this walk."
    if share < SPARSE_SHARE:
        return f"{distance}: only {100 * share:.1f} % of people are as alone."
    return f"{distance}."
