"""Fixtures for the explorer: a small cohort behind a run that answers at once, and its pages."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import demo
from app.catalog import Catalog, Pair
from app.explorer import Explorer, show
from app.lazy_run import LazyRun
from cmae import settings
from cmae.data.modality import MODALITIES
from cmae.latent.embedding import embed
from cmae.model.architecture import Architecture, CompactNetwork
from cmae.model.run_files import ModelFile, run_fingerprint

SCRIPT = Path(__file__).parents[2] / "app" / "main.py"


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Streamlit's runner leaves its script as the main module, which spawned processes run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


class QuickRun:
    """A run of no weights: a latent is the start of a recording, and decodes to a ramp of it."""

    modalities = ("ecg", "mri")
    latent_dim = 8
    fingerprint = "beef" * 16

    def encode(self, modality, recordings, *, batch_size=32):
        flat = np.asarray(recordings, np.float32).reshape(len(recordings), -1)
        return flat[:, :: flat.shape[1] // 8][:, :8] + 0.01

    def decode(self, modality, latents, *, mean=None, std=None):
        shape = MODALITIES[modality].shape
        ramp = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        values = ramp * latents[:, :1, None, None][: len(latents)].reshape(-1, *[1] * len(shape))
        if std is not None:
            tail = [1] * len(shape)
            values = values * std.reshape(-1, *tail) + mean.reshape(-1, *tail)
        return values.astype(np.float32)

    def joint(self, latents, present):
        masks = {name: present[name][:, None] for name in latents}
        total = sum(np.where(masks[name], latents[name], 0) for name in latents)
        return (total / np.maximum(sum(masks.values()), 1)).astype(np.float32)


@pytest.fixture
def quick_run():
    """The class of a run that answers at once."""
    return QuickRun


@pytest.fixture
def make_explorer(tmp_path):
    """Make an explorer of a cohort: QuickRun's latents, maps at seeded random positions."""

    def make(cohort, *, load_run=QuickRun):
        latents = embed(QuickRun(), cohort, tmp_path / "latents.h5")
        rng = np.random.default_rng(0)
        maps = {
            name: {
                kind: np.where(present[:, None], rng.normal(size=(len(cohort), 2)), np.nan).astype(
                    np.float32
                )
                for kind, present in latents.present.items()
            }
            for name in ("umap", "pca")
        }
        settings = {"umap": {"neighbors": 15, "seed": 0}, "pca": {}}
        arrays = {name: {} for name in maps}
        latents = dataclasses.replace(latents, maps=maps, map_settings=settings, map_arrays=arrays)
        return Explorer(
            cohort=cohort,
            latents=latents,
            run_path=tmp_path / "quick_run",
            model=LazyRun(load_run),
        )

    return make


@pytest.fixture
def explorer(make_explorer, small_cohort):
    """The small cohort, shown by this process's server, with the model ready."""
    shown = make_explorer(small_cohort)
    show(shown)
    with shown.model.use():
        pass
    return shown


def _script(view):
    """Run one view as main.py does: the script of AppTest."""
    import importlib

    from app import frame, link, session

    frame.style()
    link.open_link()
    problem = session.link_problem()
    if problem is not None:
        import streamlit as st

        st.warning(problem)
    importlib.import_module(f"app.views.{view}").show()
    link.write_link()


@pytest.fixture
def page(explorer):
    """Open a page: ``page("map", row="3")``."""

    def run(view, **query):
        at = AppTest.from_function(_script, args=(view,), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = value
        return at.run()

    return run


@pytest.fixture
def whole_app(explorer):
    """Open the application at its first page."""
    return AppTest.from_file(str(SCRIPT), default_timeout=30)


def _texts(at):
    htmls = [element.proto.body for element in at.get("html")]
    kinds = (at.markdown, at.caption, at.error, at.warning)
    return "\n".join(htmls + [element.value for kind in kinds for element in kind])


@pytest.fixture
def texts():
    """All words on a page: ``texts(at)``."""
    return _texts


NETWORKS = {"ecg": CompactNetwork(10, (8, 8)), "mri": CompactNetwork(4, (8, 8))}


@pytest.fixture
def make_run(tmp_path):
    """Make the files of a run whose networks are never built."""

    def make(name, *, modalities=("ecg", "mri"), weights=b"weights"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        networks = {each: NETWORKS[each] for each in modalities}
        description = ModelFile(1, Architecture(networks=networks, latent_dim=8))
        (folder / "model.toml").write_text(settings.dumps(description))
        (folder / "weights.safetensors").write_bytes(weights)
        return folder

    return make


@pytest.fixture
def quick(quick_run, monkeypatch):
    """Open a run folder as a quick run with the folder's fingerprint; maps are PCA alone."""
    monkeypatch.setattr("cmae.latent.map.FEWEST_FOR_UMAP", 10**9)

    def opener(path):
        run = quick_run()
        run.fingerprint = run_fingerprint(path)
        return run

    return opener


@pytest.fixture
def prepared(make_run, small_cohort, quick, tmp_path):
    """A catalog of one run and one cohort, with the run's latents of it."""
    catalog = Catalog((make_run("run"),), (small_cohort.path,), folder=tmp_path / "made")
    pair = Pair(catalog.runs[0], catalog.cohorts[0])
    demo.prepare_latents(catalog.sources(pair), opener=quick)
    show(catalog=catalog)
    return catalog, pair
