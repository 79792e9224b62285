"""Every command of the task pages runs, on sample files, and prints what the page says."""

import atexit
import json
import re
import shlex
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import keras
import numpy as np
import pandas as pd
import pytest

from app.__main__ import _parser
from cmae import cli
from cmae.model.architecture import Architecture, CompactNetwork
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import FORMAT_NUMBER, CineScale, ModelFile, save_model
from cmae.model.supervised import SupervisedFile, SupervisedNetwork, Target, save_supervised
from cmae.readers.cine import read_cine
from tests.model.published_network import Original, write_separate
from tests.readers.ecg_files import LEADS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data_samples"
ECG_NAMES = [*(f"sample-{k}.hea" for k in (1, 2)), "sample-3.csv"]
PAGES = (
    "hospital_ecgs", "dicom_cines", "uk_biobank", "ml4h_tensors", "published_weights",
    "evaluation", "association",
)  # fmt: skip
TINY = {
    "ecg": CompactNetwork(patch=20, filters=(4, 4)),
    "mri": CompactNetwork(patch=12, filters=(4, 4)),
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEVER_FINDS = "a command that no sample was prepared for"

pytestmark = pytest.mark.slow


def steps(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page in order, each with the output that stands below its block."""
    found: list[tuple[str, str]] = []
    for language, text in FENCE.findall(page):
        if language == "text":
            assert found, "an output stands above every command"
            found[-1] = (found[-1][0], text)
        else:
            found += [(line, "") for line in text.splitlines() if line.strip()]
    return found


def make_hospital_ecgs() -> None:
    shutil.copytree(SAMPLES / "ecg", "records")
    rows = [[name, f"person-{k}", 0] for k, name in enumerate(ECG_NAMES)]
    rows += [[path.name, path.stem, 1] for path in Path("records").glob("sample-[4-8].*")]
    pd.DataFrame(rows, columns=["file", "participant", "visit"]).to_csv("ids.csv", index=False)
    signals = pd.read_csv("records/sample-3.csv").iloc[:, 1:]
    signals.set_axis(LEADS, axis=1).to_csv("export.csv", index=False)


def make_dicom_cines() -> None:
    shutil.copytree(SAMPLES / "cine", "examinations")
    Path("masks").mkdir()
    frames = read_cine(SAMPLES / "cine" / "sample-2.nii.gz").frames
    mask = np.zeros(frames.shape[:2], np.uint8)
    mask[30:90, 25:95] = 5
    np.save("masks/sample-2.npy", mask)


def make_uk_biobank() -> None:
    shutil.copytree(SAMPLES / "ukb", "bulk")
    table = Path("bulk/phenotypes.csv").rename("phenotypes.csv")
    eid, other = pd.read_csv(table)["eid"].astype(str)
    ecg, cine = Path(f"bulk/ecg/{eid}_20205_2_0.xml"), Path(f"bulk/cine/{eid}_20208_2_0.zip")
    shutil.copy(ecg, ecg.with_name(f"{eid}_20205_3_0.xml"))
    shutil.copy(ecg, ecg.with_name(f"{other}_20205_2_0.xml"))
    shutil.copy(cine, cine.with_name(f"{eid}_20208_3_0.zip"))
    Path("withdrawn.txt").write_text(f"{other}\n")


def make_ml4h_tensors() -> None:
    Path("tensors").mkdir()
    for number in range(3):
        shutil.copy(SAMPLES / "ml4h" / "9000003.hd5", f"tensors/900000{number}.hd5")


def make_published_weights() -> None:
    write_separate(Path("dropfuse"), Original())
    shutil.copy(SAMPLES / "ecg" / "sample-1.hea", "record.hea")
    shutil.copy(SAMPLES / "ecg" / "sample-1.dat", "sample-1.dat")
    words = ["import", "ecg", "record.hea", "--out", "cohort", "--processes", "0"]
    assert cli.main(words) == 0


def save_run(folder: Path, *modalities: str) -> None:
    """Save a run of a few thousand random weights."""
    keras.utils.set_random_seed(0)
    architecture = Architecture({name: TINY[name] for name in modalities}, latent_dim=8)
    described = ModelFile(FORMAT_NUMBER, architecture, decoded_cine=CineScale(200.0, 50.0))
    folder.mkdir(parents=True)
    save_model(folder, described, CrossModalAutoencoder(architecture))


def make_evaluation() -> None:
    save_run(Path("runs/demo/stages/1-ecg"), "ecg")
    save_run(Path("runs/demo/stages/2-mri"), "mri")
    architecture = Architecture({"ecg": TINY["ecg"]}, latent_dim=8)
    target = Target("lv_mass_g", "continuous", 120.0, 30.0, "g")
    network = SupervisedNetwork(SupervisedFile(FORMAT_NUMBER, architecture, (target,)))
    for name, labels in (("labels-50", 50), ("labels-all", 100)):
        folder = Path("runs/supervised_ecg") / name
        save_supervised(folder, network)
        (folder / "card.json").write_text(json.dumps({"labels": labels}))


def make_association() -> None:
    save_run(Path("runs/mine"), "ecg", "mri")


MAKERS = {
    "hospital_ecgs": make_hospital_ecgs,
    "dicom_cines": make_dicom_cines,
    "uk_biobank": make_uk_biobank,
    "ml4h_tensors": make_ml4h_tensors,
    "published_weights": make_published_weights,
    "evaluation": make_evaluation,
    "association": make_association,
}


@cache
def simulated(*words: str) -> Path:
    """Simulate a cohort once for all pages that ask for the same one."""
    cohort = Path(mkdtemp(prefix="task-pages-")) / "cohort"
    atexit.register(shutil.rmtree, cohort.parent, ignore_errors=True)
    assert cli.main(["simulate", *words, "--out", str(cohort)]) == 0
    return cohort


def run(command: str) -> int:
    """Run a command in this process; files are read in it, too, which a few samples are worth."""
    program, *words = shlex.split(command, comments=True)
    assert program == "cmae", f"{NEVER_FINDS}: {command}"
    if words[:1] == ["import"] and words[1] in {"ecg", "cine", "ml4h", "ukb"}:
        words += ["--processes", "0"]
    if words[:1] == ["simulate"]:
        *asked, out, folder = words[1:]
        assert out == "--out"
        shutil.copytree(simulated(*asked), folder)
        return 0
    return cli.main(words)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_runs_and_prints_what_the_page_says(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("data_samples").symlink_to(SAMPLES)
    MAKERS[name]()
    capsys.readouterr()
    commands = steps((ROOT / "docs" / f"{name}.md").read_text())
    assert len(commands) >= 5
    for command, output in commands:
        code = run(command)
        printed = capsys.readouterr()
        assert code == 0, f"{command}: {printed.err}"
        assert "Traceback" not in printed.err
        lines = [" ".join(line.split()) for line in printed.out.splitlines()]
        for line in output.splitlines():
            assert " ".join(line.split()) in lines, f"{command} prints {printed.out}"


@pytest.mark.parametrize("name", PAGES)
def test_the_explorer_takes_the_words_that_the_page_gives_it(name):
    page = (ROOT / "docs" / f"{name}.md").read_text()
    for words in re.findall(r'make app ARGS="([^"]+)"', page):
        options = _parser().parse_args(shlex.split(words))
        assert options.run == [Path("data_samples/demo_run")]


@pytest.mark.parametrize("name", PAGES)
def test_no_command_of_a_page_stands_outside_what_is_run(name):
    page = (ROOT / "docs" / f"{name}.md").read_text()
    outside = FENCE.sub("", page)
    assert not re.findall(r"^\s*(?:\$ )?(?:cmae|python -m) ", outside, re.MULTILINE)
    assert {language for language, _ in FENCE.findall(page)} <= {"", "text"}
