import dataclasses
import shutil

import numpy as np
import pytest

from app import explorer
from app.__main__ import choose
from app.catalog import Catalog, Pair, cohorts_in, labels, open_explorer, runs_in
from app.demo import Sources
from app.explorer import MAX_OPEN, Explorer, show
from app.lazy_run import MAX_LOADED, LazyRun
from cmae.data.cohort import Cohort
from cmae.errors import CohortError, LatentsError, RunError
from cmae.latent.embedding import embed
from cmae.model.run_files import run_fingerprint


def test_a_folder_of_runs_or_cohorts_counts_as_all_of_them(make_run, make_cohort, tmp_path):
    runs = [make_run("runs/a"), make_run("runs/b")]
    cohorts = [make_cohort(tmp_path / "cohorts" / name, 3).path for name in ("c", "d")]
    assert runs_in([tmp_path / "runs"]) == tuple(runs)
    assert runs_in([runs[1], tmp_path / "runs"]) == (runs[1], runs[0])
    assert cohorts_in([tmp_path / "cohorts"]) == tuple(cohorts)
    with pytest.raises(RunError, match="is not a run"):
        runs_in([tmp_path / "cohorts"])
    with pytest.raises(CohortError, match="There is no folder"):
        cohorts_in([tmp_path / "nowhere"])


def test_two_folders_of_one_name_are_told_apart(tmp_path):
    first, second, third = tmp_path / "a" / "run", tmp_path / "b" / "run", tmp_path / "other"
    assert list(labels([first, second, third]).values()) == ["a/run", "b/run", "other"]


def test_a_pair_without_latents_is_offered_with_what_there_is_to_embed(
    make_run, small_cohort, tmp_path
):
    catalog = Catalog((make_run("run"),), (small_cohort.path,), folder=tmp_path)
    condition = catalog.condition(Pair(catalog.runs[0], catalog.cohorts[0]))
    assert (condition.problem, condition.latents, condition.recordings) == (None, None, 20)
    with pytest.raises(LatentsError, match="embed it first"):
        catalog.open(Pair(catalog.runs[0], catalog.cohorts[0]))


def test_a_run_without_a_recording_to_encode_does_not_fit(make_run, tmp_path):
    cohort = Cohort.create(tmp_path / "ecgs")
    with cohort.writer() as writer:
        writer.add("P0", ecg=np.zeros((600, 12)))
    catalog = Catalog((make_run("run", modalities=("mri",)),), (cohort.path,), folder=tmp_path)
    problem = catalog.condition(Pair(catalog.runs[0], catalog.cohorts[0])).problem
    assert "has no recording" in problem


def test_a_run_that_vanished_is_one_sentence(make_run, small_cohort, tmp_path):
    catalog = Catalog((make_run("run"),), (small_cohort.path,), folder=tmp_path)
    shutil.rmtree(catalog.runs[0])
    problem = catalog.condition(Pair(catalog.runs[0], catalog.cohorts[0])).problem
    assert "no finished run" in problem


def test_an_embedded_pair_opens_once(prepared):
    catalog, pair = prepared
    opened = catalog.open(pair)
    assert catalog.open(pair) is opened
    assert explorer.find(opened.key) is opened
    assert catalog.condition(pair).latents == opened.latents.path


def test_other_weights_need_their_own_latents(prepared):
    catalog, pair = prepared
    before = catalog.sources(pair).latents
    (pair.run / "weights.safetensors").write_bytes(b"other weights")
    assert catalog.sources(pair).latents != before
    assert catalog.condition(pair).latents is None


def test_latents_of_another_run_are_refused(prepared, make_run):
    catalog, pair = prepared
    other = make_run("other", weights=b"other weights")
    sources = catalog.sources(pair)
    with pytest.raises(RunError, match="another run"):
        open_explorer(Sources(other, sources.cohort, sources.latents))
    with pytest.raises(RunError, match="another run"):
        choose([other], [pair.cohort], [sources.latents])


def test_given_latents_find_their_run_and_cohort(prepared, make_run, make_cohort, tmp_path):
    catalog, pair = prepared
    other_run = make_run("other", weights=b"other weights")
    other_cohort = make_cohort(tmp_path / "other_cohort", 5, seed=1).path
    latents = catalog.sources(pair).latents
    sources, offered = choose([other_run, pair.run], [other_cohort, pair.cohort], [latents])
    assert sources == Sources(pair.run, pair.cohort, latents)
    assert offered.runs == (other_run, pair.run)


@pytest.mark.parametrize("what", ["cohort", "latents", "run"])
def test_what_vanishes_is_said_in_one_sentence(prepared, what):
    catalog, pair = prepared
    opened = catalog.open(pair)
    assert opened.change() is None
    gone = {"cohort": pair.cohort, "latents": opened.latents.path, "run": pair.run}[what]
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    assert f"The {what} {gone.name} is no longer" in opened.change()


def test_a_cohort_that_grows_is_said_and_reopened_with_its_old_latents(prepared):
    catalog, pair = prepared
    opened = catalog.open(pair)
    with Cohort.open(pair.cohort).writer() as writer:
        writer.add("P100", ecg=np.ones((600, 12)))
    assert "changed on the disk" in opened.change()
    again = catalog.reopen(opened)
    assert catalog.reopen(opened) is again
    assert again.change() is None
    assert len(again.cohort) == len(opened.cohort) + 1
    assert again.latent_rows[-1] == -1
    assert again.latent_rows[:-1].tolist() == opened.latent_rows.tolist()
    assert list(explorer.shown()) == [again]


def test_latents_that_are_written_again_are_said(prepared, quick):
    catalog, pair = prepared
    opened = catalog.open(pair)
    path = opened.latents.path
    shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)
    assert "The latents" in opened.change()
    assert catalog.reopen(opened).change() is None


def test_few_explorers_stay_open_and_the_first_always_does(make_explorer, small_cohort, tmp_path):
    def of_run(number):
        latents = dataclasses.replace(first.latents, run_fingerprint=f"{number:016x}")
        return Explorer(cohort=first.cohort, latents=latents, run_path=tmp_path, model=first.model)

    first = make_explorer(small_cohort)
    show(first)
    others = [of_run(number) for number in range(MAX_OPEN + 1)]
    for other in others:
        explorer.add(other)
        explorer.find(others[0].key)
    assert len(explorer.shown()) == MAX_OPEN
    assert explorer.shown()[0] is first
    assert explorer.find(others[0].key) is others[0]
    assert explorer.find(others[1].key) is None


def test_few_runs_stay_in_memory_and_a_released_one_is_loaded_again(quick_run):
    calls = []

    def loader(number):
        def load():
            calls.append(number)
            return quick_run()

        return load

    runs = [LazyRun(loader(number)) for number in range(MAX_LOADED + 1)]
    for run in runs:
        with run.use():
            pass
    assert [run.is_ready for run in runs] == [False] + [True] * MAX_LOADED
    with runs[0].use() as opened:
        assert opened.latent_dim == 8
    assert calls == [*range(MAX_LOADED + 1), 0]
    assert [run.is_ready for run in runs] == [True, False] + [True] * (MAX_LOADED - 1)


def test_embeddings_are_shared_by_explorers_of_one_run(prepared):
    catalog, pair = prepared
    first = catalog.model_of(pair.run, run_fingerprint(pair.run))
    assert catalog.open(pair).model is first


def test_embed_is_not_done_by_opening(prepared, quick):
    catalog, pair = prepared
    latents = catalog.open(pair).latents
    assert embed(quick(pair.run), Cohort.open(pair.cohort), latents.path).maps
