"""The equations that bind the six limb leads: Einthoven's triangle and Goldberger's leads.

Einthoven: I + III = II. Goldberger: aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import LEADS

Leads = dict[str, NDArray[np.float64]]
"""Voltages ``(samples,)`` by the lead's clinical name."""


def complete_limb_leads(found: Leads) -> Leads:
    """Add the limb leads that two of I, II and III give.

    Args:
        found: The leads that were recorded.

    Returns:
        Those leads, and the limb leads derived where at least two of I, II and III were recorded.
    """
    leads = dict(found)
    if len({"I", "II", "III"} & set(found)) < 2:
        return leads
    if "I" not in leads:
        leads["I"] = leads["II"] - leads["III"]
    if "II" not in leads:
        leads["II"] = leads["I"] + leads["III"]
    return {**_limb_leads(leads["I"], leads["II"]), **leads}


def einthoven_uv(found: Mapping[str, NDArray[np.float64]]) -> float | None:
    """Return how far recorded limb leads depart from the equations.

    At each sample the largest departure counts; of those, the 95th percentile is taken: QRS and T
    fill more than a twentieth of any rhythm, so leads that are mixed up show, and a short artifact
    does not. Electrodes swapped on the body obey the equations: only leads that are mixed up,
    reversed or scaled one by one in the file break them.

    Args:
        found: The recorded leads in mV.

    Returns:
        The departure in µV, None where no equation has all its leads recorded.
    """
    two_of_three = [lead for lead in ("I", "II", "III") if lead in found]
    if len(two_of_three) < 2:
        return None
    expected = complete_limb_leads({lead: found[lead] for lead in two_of_three[:2]})
    checked = [lead for lead in LEADS[:6] if lead in found and lead not in two_of_three[:2]]
    if not checked:
        return None
    departures = np.abs(np.stack([found[lead] - expected[lead] for lead in checked]))
    departures = departures[:, np.isfinite(departures).all(axis=0)].max(axis=0)
    return 1000.0 * float(np.percentile(departures, 95)) if len(departures) else None


def twelve_leads(independent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all twelve leads ``(samples, 12)`` of I, II, V1–V6 ``(samples, 8)``."""
    limbs = _limb_leads(independent[:, 0], independent[:, 1])
    return np.concatenate([np.stack(list(limbs.values()), axis=1), independent[:, 2:]], axis=1)


def limb_departure_mv(signals: NDArray[np.float64]) -> float:
    """Return by how much the limb leads of ``(samples, 12)`` depart at most from the equations.

    Constant offsets of a lead do not count: electrodes and amplifiers add them.
    """
    expected = _limb_leads(signals[:, 0], signals[:, 1])
    return max(
        float(np.ptp(signals[:, column] - expected[LEADS[column]])) / 2 for column in range(2, 6)
    )


def _limb_leads(one: NDArray[np.float64], two: NDArray[np.float64]) -> Leads:
    """Return all six limb leads from I and II."""
    return {
        "I": one,
        "II": two,
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": one - two / 2,
        "aVF": two - one / 2,
    }
