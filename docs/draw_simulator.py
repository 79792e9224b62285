"""Draw the figures of docs/simulator.md and fill in its tables, from the code: `make figures`."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import simulator_real
import simulator_tables as tables
from pages import fill_in
from simulator_tables import MEASURED, REFERENCES, SEED, Beats

from cmae.figures import population as figures
from cmae.simulate import cine, ecg
from cmae.simulate.cohort import ECG_STREAM, MRI_STREAM, stream
from cmae.simulate.disease import LEADING
from cmae.simulate.physiology import draw

PAGE = Path(__file__).with_name("simulator.md")


def main() -> int:
    """Draw and fill in what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=20_000, help="of the population")
    parser.add_argument("--beats", type=int, default=8000, help="rendered and measured")
    parser.add_argument("--cines", type=int, default=60, help="rendered and measured")
    parser.add_argument("--real", type=Path, help="folder of real recordings to compare with")
    parser.add_argument(
        "--run",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "RUN"),
        help="ECG autoencoder that rebuilds the real beats",
    )
    parser.add_argument("--beats-cohort", type=Path, help="cohort that the first of them saw")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to fill in")
    options = parser.parse_args()
    images = options.page.parent / "images"
    people = draw(options.participants, seed=SEED)
    beats = Beats(people.iloc[: options.beats])
    _draw_sheets(people, images)
    _draw_distributions(people, beats.table, images)
    blocks = {
        "population": tables.population(people, beats.table),
        "correlations": tables.correlations(people),
        "diseases": tables.diseases(people),
        "couplings": tables.couplings(beats.table),
        "beats": tables.beats_against_factors(beats.table),
        "cines": tables.cines_against_factors(people.iloc[: options.cines]),
        "ceilings": tables.ceilings_table(options.participants),
    }
    if options.real is not None:
        real = simulator_real.sinus_beats(options.real)
        blocks["real-beats"] = simulator_real.beats_table(real, beats)
        blocks["real-cine"] = simulator_real.cine_table(options.real, people.iloc[: options.cines])
        if options.run:
            runs = {name: Path(folder) for name, folder in options.run}
            blocks["real-reconstruction"] = simulator_real.reconstruction_table(
                real, options.beats_cohort, runs
            )
    fill_in(options.page, blocks)
    return 0


def _heart(row: Any, name: str) -> figures.Heart:  # noqa: ANN401 - a row of a table
    heart = row.to_dict()
    truth = cine.render_truth(heart, stream(SEED, row.name, MRI_STREAM))
    beat = ecg.render(heart, stream(SEED, row.name, ECG_STREAM))
    volume = (truth.masks == cine.MASK_LABELS["lv_cavity"]).sum(axis=(0, 1))
    return figures.Heart(name, beat, truth.recording, int(volume.argmin()))


def _draw_sheets(people: pd.DataFrame, images: Path) -> None:
    some = [
        _heart(row, f"{'man' if row['sex'] else 'woman'}, {row['age_years']:.0f}, "
                    f"{row['disease'].replace('_', ' ')}")
        for _, row in people.iloc[:12].iterrows()
    ]  # fmt: skip
    figures.hearts_sheet(some, images / "simulator_hearts.png", is_simulated=True)
    figures.beats_sheet(some, images / "simulator_beats.png", is_simulated=True)
    groups = []
    for name in ("healthy", *LEADING):
        group = people[people["disease"] == name]
        if len(group):
            typical = (group["lvef_percent"] - group["lvef_percent"].median()).abs().idxmin()
            groups.append(_heart(people.loc[typical], name.replace("_", " ")))
    figures.groups_sheet(groups, images / "simulator_groups.png", is_simulated=True)


def _draw_distributions(people: pd.DataFrame, beats: pd.DataFrame, images: Path) -> None:
    quantities = {}
    for name, (title, women, men) in REFERENCES.items():
        healthy = tables.healthy(beats if name in MEASURED else people)
        by_sex = [healthy.loc[healthy["sex"] == sex, name].dropna().to_numpy() for sex in (0, 1)]
        quantities[name] = figures.Distribution(title, *by_sex, women, men)
    figures.distributions(quantities, images / "simulator_distributions.svg", is_simulated=True)


if __name__ == "__main__":
    sys.exit(main())
