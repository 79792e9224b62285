"""Measure a run on simulated people and fill in docs/results.md: `make results`."""

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pages import fill_in, table
from results_goals import goals

from cmae.data.cohort import Cohort
from cmae.evaluation.evaluation import Baselines, evaluate
from cmae.evaluation.power import Planted, power
from cmae.evaluation.supervised import open_networks
from cmae.evaluation_commands import is_supervised
from cmae.figures import evaluation as figures
from cmae.figures.evaluation_report import write_report
from cmae.latent.association import AssociationSettings, associate
from cmae.latent.embedding import embed
from cmae.latent.latents import Latents
from cmae.model.run import Run
from cmae.progress import progress_bar, progress_bars
from cmae.readers.genotypes import open_genotypes
from cmae.simulate import cohort as simulation
from cmae.simulate.settings import CohortSettings

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("results.md")
SEED = 2
VARIANTS = 50_000
COVARIATES = ("age_years", "sex", "bsa_m2")
Tables = dict[str, pd.DataFrame]


def main() -> int:
    """Simulate, measure, and fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=ROOT / "data_samples" / "demo_run")
    parser.add_argument("--baseline", type=Path, nargs="*", default=[], help="runs to compare")
    parser.add_argument("--participants", type=int, default=5000, help="simulated, never trained")
    parser.add_argument("--variants", type=int, default=VARIANTS, help="12 planted, the rest null")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "results")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to fill in")
    options = parser.parse_args()
    cohort = _cohort(options.work / f"cohort-{options.participants}-{options.variants}", options)
    run = Run.open(options.run)
    report = options.work / "report"
    baselines = _baselines(options.baseline)
    with progress_bars() as say:
        metrics = evaluate(run, cohort, report, baselines=baselines, on_progress=say)
    write_report(report)
    latents = embed(run, cohort, report / "latents" / f"{run.fingerprint}.h5")
    genetics = _genetics(latents, cohort, options.work / "association")
    images = options.page.parent / "images"
    tables = {path.stem: _read(path) for path in (report / "tables").glob("*.csv")}
    _copy_figures(report / "figures", options.page)
    _draw_power(genetics["power"], images)
    fill_in(options.page, _blocks(metrics, tables, genetics))
    return 0


def _cohort(folder: Path, options: argparse.Namespace) -> Cohort:
    """Open the cohort of an earlier call, or simulate it."""
    if (folder / "table.parquet").is_file():
        return Cohort.open(folder)
    settings = CohortSettings(has_masks=True, has_ceilings=True, variants=options.variants)
    with progress_bar("simulating") as report:
        return simulation.simulate(
            folder,
            participants=options.participants,
            seed=SEED,
            settings=settings,
            on_progress=report,
        )


def _baselines(paths: list[Path]) -> Baselines:
    runs = {path.name.lstrip("0123456789-"): Run.open(path) for path in paths
            if not is_supervised(path)}  # fmt: skip
    networks = {
        f"{path.name} {name}": one
        for path in paths
        if is_supervised(path)
        for name, one in open_networks(path).items()
    }
    return Baselines(runs, networks)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _genetics(latents: Latents, cohort: Cohort, folder: Path) -> dict[str, Any]:
    """Test all variants, and count at how many participants the planted ones are found."""
    genotypes = open_genotypes(cohort.path / "genotypes" / "genotypes.bed")
    truth = pd.read_csv(cohort.path / "genotypes" / "genotypes.tsv", sep="\t")
    settings = AssociationSettings(covariates=COVARIATES)
    with progress_bar("testing variants") as report:
        summary = associate(
            latents, genotypes, folder, cohort=cohort, settings=settings, on_progress=report
        )
    rows = np.flatnonzero(latents.present["joint"])
    planted = np.flatnonzero((truth["kind"] != "no_effect").to_numpy())
    # A simulated set lists its samples in the order of the cohort's rows.
    dosages = np.concatenate(
        [genotypes.read(rows, int(k), int(k) + 1).values for k in planted], axis=1
    )
    genotypes.close()
    table = cohort.table.iloc[rows].reset_index(drop=True)
    phenotypes = [
        name
        for name, column in cohort.columns.items()
        if column.role == "phenotype" and column.kind == "continuous"
    ]
    people = Planted(
        np.asarray(latents.latents["joint"])[rows],
        dosages,
        truth.iloc[planted].reset_index(drop=True),
        table[phenotypes],
        table[list(COVARIATES)],
    )
    counts = sorted({len(rows) // 5, len(rows) // 2, len(rows)})
    return {"summary": summary, "truth": truth, "power": power(people, counts)}


def _copy_figures(folder: Path, page: Path) -> None:
    """Copy the figures that the page shows."""
    text = page.read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.svg")):
        name = f"images/results_{path.name}"
        if name in text:
            shutil.copyfile(path, page.parent / name)


def _draw_power(found: pd.DataFrame, images: Path) -> None:
    tests = [
        name for name in dict.fromkeys(found["test"]) if name.startswith(("joint", "pcs", "best"))
    ]
    mean = found[found["test"].isin(tests)].groupby(["kind", "test", "participants"], sort=False)
    table = mean["found"].mean().reset_index(name="value")
    table = table.rename(columns={"kind": "target", "test": "features", "participants": "labels"})
    table = table.assign(low=table["value"], high=table["value"], measure="power")
    figures.label_curves(
        table,
        images / "results_power.svg",
        title="Planted variants found at p < 5e-8, by number of participants",
        names={},
        is_simulated=True,
    )


def _blocks(metrics: dict[str, Any], tables: Tables, genetics: dict[str, Any]) -> dict[str, str]:
    names = metrics["names"]
    words = {**metrics["measures"], **names}
    return {
        "about": _about(metrics),
        "headlines": "\n".join(f"- {line}" for line in metrics["headlines"]),
        "goals": goals(tables, genetics["summary"]),
        "reach": _reach(tables, names),
        "retrieval": _shown(tables["retrieval"], words, "direction", "gallery", "measure", "k"),
        "paths": _shown(tables["paths"], words, "path", "measure"),
        "function": _function(tables, words),
        "association": _association(genetics, names),
    }


def _about(metrics: dict[str, Any]) -> str:
    return (
        f"Run `{metrics['run']['name']}` ({metrics['run']['fingerprint']}), on "
        f"{metrics['held_out']} (**simulated**, seed {SEED}); baselines: "
        f"{', '.join(metrics['baselines']) or 'none but those that need no training'}."
    )


def _reach(tables: Tables, names: dict[str, str]) -> str:
    """Lay every phenotype beside its ceiling and its baselines."""
    scores, ceilings = tables["probes"], tables["ceilings"]
    rows = []
    for source in ("ecg", "mri"):
        mine = scores[(scores["source"] == source) & scores["measure"].isin(["r2", "auroc"])]
        tops = ceilings[ceilings["source"] == source].set_index("name")["value"]
        for target in dict.fromkeys(mine["target"]):
            some = mine[mine["target"] == target].set_index("features")
            own = some.loc["latent"]
            top = tops.get(target, np.nan)
            others = [
                f"{some.loc[name, 'value']:.2f}" if name in some.index else "–"
                for name in ("unimodal", "pca", "covariates")
            ]
            chance = float(own["chance"])
            share = (own["value"] - chance) / (top - chance) if top > chance else np.nan
            rows.append(
                [
                    source.upper(), names.get(target, target),
                    {"r2": "R²", "auroc": "AUROC"}[own["measure"]], f"{own['n']:,}",
                    f"{own['value']:.2f} ({own['low']:.2f} – {own['high']:.2f})", *others,
                    f"{top:.2f}", f"{100 * share:.0f} %",
                ]
            )  # fmt: skip
    head = ["from", "what", "measure", "N", "cross-modal latent", "unimodal", "PCA",
            "age, sex, size", "ceiling", "share of it"]  # fmt: skip
    return table(head, rows)


def _shown(found: pd.DataFrame, words: Mapping[str, str], *keys: str) -> str:
    """Lay a table out with its intervals, and what each number is compared with."""
    against = [name for name in ("mean_recording", "chance", "ceiling") if name in found]
    rows = [
        [
            *(_word(row[key], words) for key in keys),
            f"{row['n']:,}",
            f"{_number(row['value'])} ({_number(row['low'])} – {_number(row['high'])})",
            *(_number(row[name]) for name in against),
        ]
        for row in found.to_dict("records")
    ]
    head = [name.replace("_", " ") for name in (*keys, "N", "value (95 % interval)", *against)]
    return table(head, rows)


def _word(value: object, words: Mapping[str, str]) -> str:
    """Say a name or a whole number as people do."""
    if isinstance(value, int | float):
        return f"{value:,.0f}" if np.isfinite(value) else "–"
    text = str(value)
    return words.get(text, figures.spoken(text.replace("_to_", " → ")))


def _number(value: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _function(tables: Tables, words: Mapping[str, str]) -> str:
    found = tables["function_agreement"]
    columns = [
        name for name in ("lvedv_ml", "lvef_percent", "lv_mass_g") if name in set(found["against"])
    ]
    mine = found[found["against"].isin(columns) & (found["statistic"] == "r2")]
    mine = mine[mine["of"] != "truth"]
    return _shown(mine, words, "against", "of", "measure")


def _association(genetics: dict[str, Any], names: Mapping[str, str]) -> str:
    summary, found = genetics["summary"], genetics["power"]
    lines = [
        f"Genomic inflation λ over {summary['variants']['tested']:,} variants: "
        + ", ".join(
            f"{name.replace('_', ' ')} {test['lambda']:.3f}"
            for name, test in summary["tests"].items()
            if test["lambda"] is not None
        )
        + ".",
        "",
    ]
    most = found[found["participants"] == found["participants"].max()]
    rows = []
    for variant in dict.fromkeys(most["variant"]):
        mine = most[most["variant"] == variant].set_index("test")["neg_log10_p"]
        single = mine[
            [name for name in mine.index if not name.startswith(("joint", "pcs", "best"))]
        ]
        kind = most.loc[most["variant"] == variant, "kind"].iloc[0]
        tests = [name for name in mine.index if name.startswith(("pcs", "joint"))]
        rows.append(
            [variant, kind, *(f"{mine[name]:.1f}" for name in tests),
             f"{single.max():.1f} ({names.get(single.idxmax(), single.idxmax())})"]
        )  # fmt: skip
    head = ["variant", "planted on", *(name.replace("_", " ") for name in tests), "best phenotype"]
    return "\n".join([*lines, "−log10 p at all participants:", "", table(head, rows)])


if __name__ == "__main__":
    sys.exit(main())
