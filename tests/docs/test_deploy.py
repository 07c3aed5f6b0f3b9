"""deploy/: images have versions and settings exist. Docker is not available to run the files."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import resift
from resift.settings.load import all_settings
from resift.settings.serving import HttpSettings

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
            assert service["depends_on"].keys() <= services(file).keys()
            assert all(each["condition"] == "service_healthy" for each in service["depends_on"].values())
            assert all("healthcheck" in services(file)[each] for each in service["depends_on"])
            assert any(each.startswith("${DOCUMENTS:?") for each in service["volumes"])


def test_service_of_one_client_listens_nowhere_and_servers_need_a_token_and_stay_on_this_machine() -> None:
    one, cluster = (services(ROOT / "deploy" / name) for name in ("compose.yaml", "compose.cluster.yaml"))
    assert one["resift"].keys().isdisjoint({"ports", "command"})
    servers = [service for name, service in cluster.items() if name.startswith("resift")]
    assert [service["command"] for service in servers] == [["serve", "--http", "--host", "0.0.0.0"]] * 2
    assert all(
        service["environment"]["RESIFT_HTTP__TOKENS"].startswith("${RESIFT_HTTP__TOKENS:?") for service in servers
    )
    port = HttpSettings().port
    assert [service["ports"] for service in servers] == [
        [f"127.0.0.1:{port}:{port}"],
        [f"127.0.0.1:{port + 1}:{port}"],
    ]


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
    stages = re.findall(r"^FROM (python:3\.\d+\.\d+-slim\S*)(?: AS build)?$", text, re.MULTILINE)
    assert len(stages) == 2
    assert stages[0] == stages[1], "what the first installs runs in the second"
    last = text.rpartition("FROM ")[2]
    assert re.findall(r"^COPY .*", last, re.MULTILINE) == ["COPY --from=build /opt/resift /opt/resift"]
    assert set(re.findall(r"RESIFT_\w+(?==)", text)) <= SETTINGS
    assert 'ENTRYPOINT ["resift"]' in text


def test_image_is_built_from_what_is_installed_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.split(".")[1] for name in project["tool"]["setuptools"]["packages"] if "." in name}
    files = {"pyproject.toml", "README.md", "LICENSE", "NOTICE", "py.typed", "__init__.py", "__main__.py"}
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == packages | files
    assert {"**/*.env", "**/.env"} <= set(lines)
