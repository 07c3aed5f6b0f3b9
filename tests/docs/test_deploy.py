"""deploy/: images have versions and settings exist. Docker is not available to run the files."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import resift
from resift.settings.load import all_settings

ROOT = Path(resift.__file__).parent
COMPOSES = sorted((ROOT / "deploy").glob("compose*.yaml"))
SETTINGS = {name for name, _, _ in all_settings()}


def services(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("file", COMPOSES, ids=lambda file: file.name)
def test_composes_pin_images_and_name_settings_that_exist(file: Path) -> None:
    for name, service in services(file).items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"]), name
        for variable, value in service["environment"].items():
            assert variable in SETTINGS or variable.startswith("QDRANT__"), variable
            assert isinstance(value, str)
        if name.startswith("resift"):
            assert service["build"]["dockerfile"] == "deploy/Dockerfile"
            assert set(service["depends_on"]) <= services(file).keys()
            assert "ports" not in service  # it listens nowhere


@pytest.mark.parametrize("file", COMPOSES, ids=lambda file: file.name)
def test_each_resift_service_keeps_its_data_folder_in_a_volume_of_its_own(file: Path) -> None:
    composed = yaml.safe_load(file.read_text(encoding="utf-8"))
    kept = [
        volume.removesuffix(":/data")
        for name, service in composed["services"].items()
        if name.startswith("resift")
        for volume in service["volumes"]
        if volume.endswith(":/data")
    ]
    assert len(set(kept)) == len([name for name in composed["services"] if name.startswith("resift")])
    assert set(kept) <= composed["volumes"].keys()


def test_qdrant_is_new_enough_and_of_one_version() -> None:
    images = {
        each["image"] for file in COMPOSES for name, each in services(file).items() if name.startswith("qdrant")
    }  # fmt: skip
    assert len(images) == 1
    major, minor, _ = images.pop().rpartition(":v")[2].split(".")
    assert (int(major), int(minor)) >= (1, 16)


def test_dockerfile_starts_from_a_pinned_python_and_names_settings_that_exist() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim", text, re.MULTILINE)
    assert set(re.findall(r"RESIFT_\w+(?==)", text)) <= SETTINGS
    assert 'ENTRYPOINT ["resift"]' in text
