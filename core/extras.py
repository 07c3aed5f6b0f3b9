"""Optional packages: whether they are installed, and the command that installs them into this installation."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .errors import Hint, MissingExtra

PACKAGE = "resift"

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "code": ("tree_sitter", "tree_sitter_javascript"),
    "eval": ("ir_measures", "matplotlib"),
    "fastembed": ("fastembed",),
    "ocr": ("rapidocr",),
    "openai": ("openai",),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
    "ray": ("ray", "pyarrow"),
    "torch": ("sentence_transformers",),
    "train": ("torch", "sentence_transformers", "datasets", "accelerate", "onnx", "safetensors"),
}
"""By extra, the modules that it installs and Resift imports."""

_OF_EXTRA = re.compile(r"""^(?P<requirement>[^;]+?)\s*;.*extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")


def has_extra(extra: str) -> bool:
    """Return whether every module of an extra can be found; none is imported."""
    return not _missing(extra)


def require_extra(extra: str, needed_by: str) -> None:
    """Check that an extra is installed, without importing it; `needed_by` names the setting or command that needs it.

    Raises:
        MissingExtra: One of its modules is not installed.
    """
    if missing := _missing(extra):
        verb = "is" if len(missing) == 1 else "are"
        raise MissingExtra(
            f"{needed_by} needs the extra {extra!r}: {', '.join(missing)} {verb} not installed.",
            hint=Hint.INSTALL,
            command=install_line(extra),
        )


def install_line(extra: str) -> str:
    """Return the command that installs an extra into the environment that runs this.

    Resift is installed again from where it came from, with the extra. If that place is not known or not there any more,
    the packages of the extra are installed by name.
    """
    return _shown([*_installer(), *(_target(f"[{extra}]") or _requirements(extra))])


def restore_line() -> str:
    """Return the command that writes the files of the bundled models again."""
    target = _target("") or [PACKAGE]
    if target[0] == "-e":
        return _shown(["git", "-C", target[1], "restore", "models"])
    return _shown([*_installer(), "--force-reinstall", "--no-deps", *target])


def _target(extra: str) -> list[str]:
    """Return the arguments with which pip installs Resift and an extra from where it came from; none if unknown."""
    origin = _origin()
    url = str(origin.get("url", ""))
    if not url:
        return []
    if url.startswith("file:") and not Path(url2pathname(urlsplit(url).path)).exists():
        return []
    if "dir_info" in origin:
        target = [f"{url2pathname(urlsplit(url).path)}{extra}"]
        return ["-e", *target] if origin["dir_info"].get("editable") else target
    if vcs := origin.get("vcs_info"):
        revision = vcs.get("requested_revision") or vcs.get("commit_id", "")
        url = f"{vcs['vcs']}+{url}" + (f"@{revision}" if revision else "")
    return [f"{PACKAGE}{extra} @ {url}"]


def _origin() -> Mapping[str, Any]:
    """Return where pip or uv got Resift from; empty for a package index, or if it is not installed at all."""
    # In a checkout, the metadata of a build may come before those of the installation.
    for found in distributions(name=PACKAGE):
        if written := found.read_text("direct_url.json"):
            return json.loads(written)
    return {}


def _requirements(extra: str) -> list[str]:
    """Return the packages of an extra by name and version; without metadata, its modules."""
    try:
        required = distribution(PACKAGE).requires or []
    except PackageNotFoundError:
        required = []
    found = [each for line in required if (each := _OF_EXTRA.match(line)) and each["extra"] == extra]
    return [each["requirement"] for each in found] or [name.replace("_", "-") for name in EXTRAS[extra]]


def _shown(words: Sequence[str]) -> str:
    """Return a command for the shell of this platform."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _installer() -> list[str]:
    """Return the command that installs into the environment of this process."""
    if (Path(sys.prefix) / "pipx_metadata.json").is_file():
        return ["pipx", "runpip", Path(sys.prefix).name, "install"]
    if find_spec("pip") is None and shutil.which("uv"):  # environments that uv makes have no pip
        return ["uv", "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def _missing(extra: str) -> list[str]:
    return [name for name in EXTRAS[extra] if not _is_installed(name)]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False
