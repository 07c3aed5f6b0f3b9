"""Read the order in a model's reply: only what the reply states, nothing guessed from prose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ...models.endpoint.json_values import json_values, placed_values, without_thoughts

REASON_WORDS = 15

REASON_CHARACTERS = 200

_LABEL = re.compile(r"\[?([A-Z]\d{0,4})\]?", re.IGNORECASE)

_CHAIN = re.compile(r"\[?[A-Z]\d{0,4}\]?(?:[ \t]*>[ \t]*\[?[A-Z]\d{0,4}\]?)+", re.IGNORECASE)


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


@dataclass(frozen=True, slots=True)
class _Found:
    """Labels that stand together in a reply."""

    kind: Literal["ranking", "chain", "list", "line"]
    end: int
    reading: Reading

    @property
    def labels(self) -> frozenset[int]:
        return frozenset(self.reading.places[: self.reading.named])

    @property
    def is_new(self) -> bool:
        """Return whether it names all labels, and not in the order in which they were given."""
        places = self.reading.places
        return self.reading.named == len(places) and list(places) != sorted(places)


def read_order(text: str, labels: Sequence[str]) -> Reading:
    """Return the order of the labels in a reply.

    Reasoning and code fences are dropped. In the rest, the order is a "ranking" in JSON that names at least half of the
    labels, else what names most of them: a line like `D3 > D1 > ...` or another list in JSON. Of equals the last
    counts. A ranking with some of the labels is the form of the reply if a new order of all of them follows it. A line
    with one label counts if there is nothing else.
    """
    found = [each for each in _found(without_thoughts(text), labels) if each.reading.named]
    orders = [each for each in found if each.kind != "line" and not _is_rest(each, found)] or found
    if not orders:
        return repair([], labels)
    best = max(orders, key=_worth)
    if best.reading.named < len(labels):
        best = max((each for each in orders if each.is_new and each.end > best.end), key=_worth, default=best)
    return best.reading


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


def _found(text: str, labels: Sequence[str]) -> list[_Found]:
    """Return what is found in JSON, and the lines like `D3 > D1 > ...` and with one label."""
    found = [
        _Found("ranking" if _is_ranking(value) else "list", end, repair(named, labels))
        for end, value in placed_values(text)
        if (named := _labels_in(value))
    ]
    end = 0
    for whole in text.splitlines(keepends=True):
        end += len(whole)
        line = whole.strip().strip("*`_. ")
        if _CHAIN.fullmatch(line):
            found.append(_Found("chain", end, repair([_label(part) for part in line.split(">")], labels)))
        elif label := _label(line):
            found.append(_Found("line", end, repair([label], labels)))
    return found


def _is_rest(one: _Found, found: Sequence[_Found]) -> bool:
    """Return whether it is a list without any label of a ranking, or of a chain before it: those that were left out."""
    return one.kind == "list" and any(
        one.labels.isdisjoint(each.labels)
        for each in found
        if each.kind == "ranking" or (each.kind == "chain" and each.end < one.end)
    )


def _worth(one: _Found) -> tuple[bool, bool, int, bool, int]:
    """Return what is compared to choose the order of a reply."""
    reading = one.reading
    return (reading.is_usable, one.kind == "ranking", reading.named, one.is_new, one.end)
