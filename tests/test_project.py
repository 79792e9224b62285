"""Claims about the project itself: what its files say, import and declare."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("cmae", "train", "app")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
DISTRIBUTIONS = {
    "PIL": "pillow", "skimage": "scikit-image", "sklearn": "scikit-learn", "umap": "umap-learn"
}  # fmt: skip
"""Import names that are not the names of what is installed."""


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("this is no git checkout: there is no list of the project's files")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def third_party(paths: list[Path]) -> set[str]:
    names = set().union(*(imported_names(path) for path in paths))
    own = {*PACKAGES, "tests", "benchmarks"}
    top = {name for name in names if name not in sys.stdlib_module_names and name not in own}
    return {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in top}


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a folder of somebody's machine", r"(?<![\w.])/(?:work|farm|root|home/\w+|Users/\w+)/"),
        ("the address of a package registry", r"(?:pypi|pythonhosted|anaconda|npmjs)\.(?:org|com)"),
        ("an index option of pip", r"--(?:extra-)?index-url|--find-links|--trusted-host"),
    ],
)
def test_no_file_names(what, pattern):
    own = Path(__file__)
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path != own and re.search(pattern, text_of(path))
    ]
    assert not found, f"{what} stands in {found}"


def test_only_tests_look_outside_the_project():
    outside = "../" + "shared"
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if "tests" not in path.relative_to(ROOT).parts and outside in text_of(path)
    ]
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_in_one_sentence_what_it_is(path):
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":")), docstring


def test_requirements_name_a_range_each():
    for name in ("requirements.txt", "requirements-dev.txt"):
        listed = requirements(name)
        assert listed
        for requirement in listed:
            assert requirement.specifier, f"{requirement.name} in {name} has no version"
            assert requirement.url is None


def test_installed_versions_satisfy_the_requirements():
    for requirement in requirements("requirements.txt"):
        installed = metadata.version(requirement.name)
        assert requirement.specifier.contains(installed, prereleases=True), requirement.name


def test_every_import_is_a_declared_requirement():
    declared = {canonicalize_name(item.name) for item in requirements("requirements.txt")}
    assert third_party(MODULES) <= declared


def test_every_import_of_the_tests_is_a_declared_requirement():
    files = ("requirements.txt", "requirements-dev.txt")
    declared = {canonicalize_name(item.name) for name in files for item in requirements(name)}
    paths = [path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    own = {path.stem for path in paths} | {path.parent.name for path in paths}
    assert third_party(paths) - {canonicalize_name(name) for name in own} <= declared


def test_every_requirement_is_used_or_explained():
    """A dependency that no module imports is a plug-in or a screen of another, and listed here."""
    plugins = {
        "tensorflow": "the backend of Keras",
        "pylibjpeg": "pydicom decodes compressed pixels with it",
        "tensorboard": "people look at training with it",
        "pyarrow": "pandas reads and writes Parquet with it",
    }
    declared = {canonicalize_name(item.name) for item in requirements("requirements.txt")}
    assert declared - third_party(MODULES) <= set(plugins)


def test_library_never_imports_one_backend():
    backends = {"tensorflow", "jax", "torch"}
    found = {p.name: imported_names(p) & backends for p in (ROOT / "cmae").rglob("*.py")}
    assert not {name: backend for name, backend in found.items() if backend}


def test_importing_cmae_loads_nothing_heavy():
    heavy = ("keras", "tensorflow", "pandas", "matplotlib", "streamlit", "umap", "h5py")
    code = f"import cmae, sys; print([name for name in {heavy!r} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_python_versions_are_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "Makefile").read_text()


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f'__version__ = "{project["version"]}"' in (ROOT / "cmae/__init__.py").read_text()
    assert re.search(
        rf"^## \[?({re.escape(project['version'])}|Unreleased)",
        (ROOT / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    )


def test_links_between_documents_lead_somewhere():
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    broken = []
    for document in documents:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert not broken
