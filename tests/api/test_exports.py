"""The public names: all there, none by accident, and none imported before it is used."""

import subprocess
import sys
from importlib import import_module

import pytest

import resift
from resift.core import errors

PUBLIC = set(resift.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(resift, name) is not None


def test_all_names_are_those_of_the_table_and_the_version() -> None:
    table = vars(resift)["_MODULES"]
    assert {"__version__", *(name for names in table.values() for name in names)} == PUBLIC
    for module, names in table.items():
        assert set(names) <= set(dir(import_module(f"resift.{module}")))


def test_every_error_is_public() -> None:
    found = {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.ResiftError)
    }
    assert found <= PUBLIC


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Resfit'"):
        _ = resift.Resfit  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'pydantic', 'mcp', 'onnxruntime', 'qdrant_client', 'qdrant_edge', 'anyio'}"
    code = f"import sys, resift; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
