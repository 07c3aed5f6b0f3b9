"""Front matter in YAML or TOML: the metadata between two rules at the top of a Markdown file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import islice
from typing import Any, cast

from ...core.values import EMPTY, Metadata

# Text may begin with a rule too. Front matter is short, and its lines look like YAML, or its first one like TOML.
_MAX_LINES = 200

_MAX_CHARS = 50_000

_YAML_LINE = re.compile(r"(?:[\w.-]+[ \t]*:(?:\s|$)|\s|-[ \t]|#|$)")

_TOML_START = re.compile(r"\s*(?:#.*\n\s*)*(?:[\w.\"'-]+[ \t]*=|\[[^\]\n]+\]+[ \t]*(?:\n|#|$))")

_FIELD_NAME = re.compile(r"[\w-]+")

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Front matter: how many lines it has, both rules included, its fields, and what is wrong with it.

    A problem is told of it, as in "is not valid YAML".
    """

    lines: int = 0
    fields: Metadata = field(default_factory=lambda: EMPTY)
    problem: str = ""


def read_front_matter(lines: Sequence[str]) -> FrontMatter:
    """Return the front matter at the top of a document; its `lines` are 0 when there is none.

    Fields are texts, whole numbers, booleans, and lists of these. Dates and decimals stay text, so that version 1.10
    does not become 1.1. Fields without a value and nested fields are left out.
    """
    rule = lines[0].rstrip() if lines else ""
    count = _count_yaml_lines(lines) if rule == "---" else _count_toml_lines(lines) if rule == "+++" else 0
    text = "\n".join(lines[1 : count - 1])
    if not count or len(text) > _MAX_CHARS:
        return FrontMatter()
    return _read_yaml(text, count) if rule == "---" else _read_toml(text, count)


def _read_yaml(text: str, count: int) -> FrontMatter:
    import yaml

    try:
        # BaseLoader makes texts of all scalars and no objects; the types are decided below.
        loaded: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = f" on line {error.problem_mark.line + 2}" if error.problem_mark else ""
        return FrontMatter(count, problem=f"is not valid YAML ({error.problem or 'it has an error'}{line})")
    except (yaml.YAMLError, RecursionError) as error:
        return FrontMatter(count, problem=f"is not valid YAML ({str(error).partition(chr(10))[0]})")
    return FrontMatter(count, _fields(cast("Mapping[Any, Any]", loaded)) if isinstance(loaded, Mapping) else EMPTY)


def _read_toml(text: str, count: int) -> FrontMatter:
    try:
        loaded = tomllib.loads(f"\n{text}", parse_float=str)  # so that lines are counted from the rule
        return FrontMatter(count, _fields({name: _from_toml(value) for name, value in loaded.items()}))
    except (ValueError, RecursionError) as error:
        return FrontMatter(count, problem=f"is not valid TOML ({error})")


def _from_toml(value: Any) -> Any:
    """Return a value with the types that YAML gives: dates are texts, and so is everything in a list."""
    if isinstance(value, list):
        items = (_from_toml(item) for item in cast("list[Any]", value) if not isinstance(item, list | dict))
        return [str(item).lower() if isinstance(item, bool) else str(item) for item in items]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and not _WHOLE_NUMBER.fullmatch(str(value)):
        return str(value)
    return value if isinstance(value, str | int) else None


def _count_yaml_lines(lines: Sequence[str]) -> int:
    for index, line in enumerate(lines[1 : _MAX_LINES + 1], start=1):
        if line.rstrip() in {"---", "..."}:
            return index + 1 if index > 1 else 0
        if not _YAML_LINE.match(line):
            return 0
    return 0


def _count_toml_lines(lines: Sequence[str]) -> int:
    ends = (index for index, line in enumerate(islice(lines, _MAX_LINES + 1)) if index and line.rstrip() == "+++")
    end = next(ends, 0)
    return end + 1 if _TOML_START.match("\n".join(lines[1:end])) else 0


def _fields(loaded: Mapping[Any, Any]) -> Metadata:
    typed = {name: _typed(value) for name, value in loaded.items() if _is_field_name(name)}
    return {name: value for name, value in typed.items() if value not in ("", [], None)}


def _is_field_name(name: Any) -> bool:
    return isinstance(name, str) and _FIELD_NAME.fullmatch(name) is not None


def _typed(value: Any) -> Any:
    """Return a scalar with its type, a list without its empty and nested items, or None for a nested field."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, list):
        return [item for item in cast("list[Any]", value) if isinstance(item, str) and item]
    if not isinstance(value, str):
        return None
    return {"true": True, "false": False}.get(value, int(value) if _WHOLE_NUMBER.fullmatch(value) else value)
