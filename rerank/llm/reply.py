"""Read the order in a model's reply: only what the reply states, nothing guessed from prose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from ...models.endpoint.json_values import json_values, without_thoughts

REASON_WORDS = 15

REASON_CHARACTERS = 200

_LABEL = re.compile(r"\[?([A-Z]\d{0,4})\]?", re.IGNORECASE)

_CHAIN = re.compile(r"\[?[A-Z]\d{0,4}\]?(?:[ \t]*>[ \t]*\[?[A-Z]\d{0,4}\]?)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """An order of n positions. The reply named `named` of them; the others follow in their earlier order."""

    places: tuple[int, ...]
    named: int
    is_repaired: bool
    """Whether the reply named labels twice, left some out, or named unknown ones."""

    @property
    def is_usable(self) -> bool:
        """Return whether the reply named at least half of the positions; fewer are not an order."""
        return self.named > 0 and 2 * self.named >= len(self.places)


def read_order(text: str, labels: Sequence[str]) -> Reading:
    """Return the order of the labels in a reply.

    Reasoning and code fences are dropped. In the rest, the order is what names most labels: a "ranking" in JSON, a line
    like `D3 > D1 > ...`, or, unless one of these names any, another list, which may be of what is irrelevant. A list of
    all labels is an order too. Of equals a "ranking" comes first, then the last.
    """
    words = without_thoughts(text)
    values = [(_is_ranking(value), found) for value in json_values(words) if (found := _labels_in(value))]
    rankings = [repair(found, labels) for is_ranking, found in values if is_ranking]
    lists = [repair(found, labels) for is_ranking, found in values if not is_ranking]
    stated = [*(repair(chain, labels) for chain in _chains(words)), *rankings]
    complete = [each for each in (*lists, *stated) if each.named == len(labels)]
    named = [each for each in stated if each.named]
    return max(reversed(complete or named or lists), key=lambda each: each.named, default=repair([], labels))


def read_reasons(text: str, labels: Sequence[str]) -> dict[int, str]:
    """Return the reasons in a reply by position, each cut to its first words."""
    places = {label: place for place, label in enumerate(labels)}
    reasons: dict[int, str] = {}
    for value in json_values(without_thoughts(text)):
        given = cast("dict[str, Any]", value).get("reasons") if isinstance(value, dict) else None
        for each in cast("list[Any]", given) if isinstance(given, list) else []:
            match each:
                case {"label": str(label), "reason": str(reason)} if _label(label) in places:
                    reasons[places[_label(label)]] = " ".join(reason.split()[:REASON_WORDS])[:REASON_CHARACTERS]
                case _:
                    continue
    return reasons


def repair(named: Sequence[str], labels: Sequence[str]) -> Reading:
    """Return the labels in the order they are first named, without unknown ones; missing ones follow."""
    known = {label: place for place, label in enumerate(labels)}
    first = dict.fromkeys(known[name] for name in named if name in known)
    missing = [place for place in range(len(labels)) if place not in first]
    return Reading((*first, *missing), len(first), is_repaired=len(named) != len(labels) or bool(missing))


def _is_ranking(value: Any) -> bool:
    return isinstance(value, dict) and "ranking" in value


def _labels_in(value: Any) -> list[str] | None:
    """Return the labels in a list, or in the only such list of an object."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        candidates = [entries["ranking"]] if "ranking" in entries else list(entries.values())
        lists = [found for each in candidates if isinstance(each, list) and (found := _labels_in(each))]
        return lists[0] if len(lists) == 1 else None
    if not isinstance(value, list):
        return None
    items = cast("list[Any]", value)
    labels = [_label(item) for item in items if isinstance(item, str)]
    return [label for label in labels if label]


def _label(text: str) -> str:
    found = _LABEL.fullmatch(text.strip())
    return found[1].upper() if found else ""


def _chains(text: str) -> list[list[str]]:
    """Return the labels of each line like `D3 > D1 > ...`."""
    lines = (line.strip().strip("*`_. ") for line in text.splitlines())
    return [[_label(part) for part in line.split(">")] for line in lines if line and _CHAIN.fullmatch(line)]
