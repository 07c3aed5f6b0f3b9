"""The packages that the conformance tests need are pinned, and their lock file names no registry."""

import json
import re

from resift.tests.conformance.node import FOLDER


def test_packages_are_pinned_and_locked_without_a_registry() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(lock)["packages"]
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version), name
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(each["integrity"].startswith("sha512-") for path, each in packages.items() if path)
    assert [path for path, each in packages.items() if "resolved" in each] == []
