"""Extensions that other installed packages provide through Python entry points."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

from .errors import InvalidInput

PluginGroup: TypeAlias = Literal["resift.rerankers", "resift.encoders", "resift.parsers"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """An object that another package provides: its name, the package with its version, and the object itself."""

    name: str
    package: str
    value: Any


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plug-ins of one group by name, and an error message for each that cannot be used."""

    found: dict[str, Plugin]
    problems: tuple[str, ...]


@cache
def load_plugins(group: PluginGroup) -> Plugins:
    """Return the plug-ins of an entry-point group, imported once per process.

    A plug-in that fails to import, or that has the name of an earlier one, is reported in `problems`; the others work.
    """
    found: dict[str, Plugin] = {}
    problems: list[str] = []
    for loaded in _load(group):
        if isinstance(loaded, str):
            problems.append(loaded)
        elif loaded.name in found:
            first = found[loaded.name].package
            problems.append(
                f"{first} and {loaded.package} both provide {loaded.name!r} in {group}; the one from {first} is used. "
                "Uninstall one of the two packages."
            )
        else:
            found[loaded.name] = loaded
    return Plugins(found, tuple(problems))


def plugin_names(group: PluginGroup) -> list[str]:
    """Return the names of an entry-point group, sorted; nothing is imported."""
    return sorted({point.name for point in entry_points(group=group)})


def load_plugin(group: PluginGroup, name: str) -> Plugin:
    """Import one plug-in of an entry-point group.

    Raises:
        InvalidInput: There is no plug-in of that name, or its package cannot be imported.
    """
    points = sorted(entry_points(group=group, name=name), key=_package)
    if not points:
        raise InvalidInput(f"No installed package provides {name!r} in {group}. Install the package that does.")
    package = _package(points[0])
    try:
        return Plugin(name, package, points[0].load())
    except Exception as error:  # importing third-party code can raise anything
        raise InvalidInput(unusable(name, package, f"{type(error).__name__}: {error}")) from error


def _load(group: PluginGroup) -> Iterator[Plugin | str]:
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, _package(point))):
        try:
            yield Plugin(point.name, _package(point), point.load())
        except Exception as error:  # noqa: BLE001  importing third-party code can raise anything
            yield unusable(point.name, _package(point), f"{type(error).__name__}: {error}")


def unusable(name: str, package: str, reason: str) -> str:
    """Return the sentence that reports a plug-in which cannot be used."""
    return f"The plug-in {name!r} of {package} cannot be used: {reason}. Update or uninstall that package."


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"
