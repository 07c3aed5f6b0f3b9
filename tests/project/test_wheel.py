"""The wheel holds what is needed, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import resift

pytestmark = pytest.mark.slow

ROOT = Path(resift.__file__).parent
NOT_SOURCES = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    # In a copy: what setuptools leaves in the tree would find its way into the next wheel.
    sources = shutil.copytree(ROOT, tmp_path_factory.mktemp("wheel") / "sources", ignore=NOT_SOURCES)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", str(sources)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = (sources / "dist").glob("resift-*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_models_examples_licences_and_the_typing_mark(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for needed in (
        "py.typed",
        "models/minilm/model.onnx",
        "models/minilm/tokenizer.json",
        "models/minilm/README.md",
        "models/reranker/model.onnx",
        "models/reranker/tokenizer.json",
        "models/reranker/reranker.json",
        "models/reranker/README.md",
        "examples/questions.py",
        "prompts/answer_from_documents.md",
        "server/cli/app.py",
    ):
        assert f"resift/{needed}" in names
    licences = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    assert (
        wheel.getinfo("resift/models/minilm/model.onnx").file_size == (ROOT / "models/minilm/model.onnx").stat().st_size
    )


def test_wheel_holds_every_module_of_the_floors_and_no_tests(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[1] for name in wheel.namelist() if name.startswith("resift/")}
    assert not tops & {"tests", "benchmarks", "docs", "build", "Makefile", "pyproject.toml"}
    for folder in tops:
        for module in (each for each in (ROOT / folder).rglob("*.py") if "bundle" not in each.parts):
            assert f"resift/{module.relative_to(ROOT).as_posix()}" in wheel.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in wheel.namelist()} == {"resift"}


def test_wheel_stays_below_what_a_package_index_takes(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename is not None
    assert Path(wheel.filename).stat().st_size < 100_000_000
