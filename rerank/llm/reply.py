"""Read the order in a model's reply: only what the reply states, nothing guessed from prose."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, cast

from ...models.endpoint.json_values import json_values, placed_values, without_thoughts

REASON_WORDS = 15

REASON_CHARACTERS = 200

_LABEL = re.compile(r"\[?([A-Z]\d{0,4})\]?", re.IGNORECASE)

_CHAIN = re.compile(r"\[?[A-Z]\d{0,4}\]?(?:[ \t]*>[ \t]*\[?[A-Z]\d{0,4}\]?)+", re.IGNORECASE)

_COMMAS = re.compile(r"\[?[A-Z]\d{0,4}\]?(?:[ \t]*,[ \t]*\[?[A-Z]\d{0,4}\]?)+", re.IGNORECASE)

_OPEN_END = re.compile(r"\d\]?[ \t]*>[ \t]*\n")  # of a line like `D3 > D1 >` that goes on in the next

_EMPHASIS = re.compile("[*`_]")

_ITEM = re.compile(r"(?:(?:[-+\u2022]|\d{1,3}[.)])[ \t]+)?(\[?[A-Z]\d{0,4}\]?)", re.IGNORECASE)

_NUMBERED = re.compile(r"(\d{1,3})[.)][ \t]+(\[?[A-Z]\d{0,4}\]?)[ \t]*[:\u2013\u2014-][ \t]", re.IGNORECASE)

_RANKS = frozenset({"rank", "position", "place"})  # keys whose numbers rise from the best on, unlike scores


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


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a reply, and the labels in it if it is made of nothing else."""

    kind: Literal["chain", "commas", "label", "item", "numbered", "prose"]
    end: int
    labels: list[str]
    number: int = 0


def read_order(text: str, labels: Sequence[str]) -> Reading:
    """Return the order of the labels in a reply.

    Reasoning and code fences are dropped. In the rest, the order is a "ranking" in JSON that names at least half of the
    labels, else what names most of them: a line like `D3 > D1 > ...`, another list in JSON, or a line like
    `D3, D1, ...` or lines with one label each that name all. Of equals the last counts. A ranking with some of the
    labels is the form of the reply if a new order of all of them follows it. A line with one label counts if there is
    nothing else.
    """
    rest = without_thoughts(text)
    found = [each for each in [*_in_json(rest, labels), *_in_lines(rest, labels)] if each.reading.named]
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


def _labels_in(value: Any, count: int) -> list[str] | None:
    """Return the labels in a list, or in the only such list of an object; `count` is that of all labels.

    A "ranking" may also hold numbers, objects with a label each, or text like `D3, D1`.
    """
    if isinstance(value, list):
        labels = [_label(item) for item in cast("list[Any]", value) if isinstance(item, str)]
        return [label for label in labels if label]
    if not isinstance(value, dict):
        return None
    entries = cast("dict[str, Any]", value)
    if "ranking" not in entries:
        lists = [found for each in entries.values() if isinstance(each, list) and (found := _labels_in(each, count))]
        return lists[0] if len(lists) == 1 else None
    match entries["ranking"]:
        case str(line) if _CHAIN.fullmatch(line.strip()) or _COMMAS.fullmatch(line.strip()):
            return [_label(part) for part in re.split("[>,]", line)]
        case list():
            given = cast("list[Any]", entries["ranking"])
            return _labels_in(given, count) or _numbered(given, count) or _labels_of_objects(given)
        case _:
            return None


def _numbered(items: Sequence[Any], count: int) -> list[str]:
    """Return the labels that numbers stand for; none if they may be counted from zero, or be scores."""
    numbers = [int(item) if isinstance(item, str) and re.fullmatch(r"[0-9]{1,4}", item) else item for item in items]
    are_places = all(type(each) is int and 1 <= each <= count for each in numbers)
    return [f"D{each}" for each in numbers] if are_places and len(set(numbers)) == len(numbers) else []


def _labels_of_objects(items: Sequence[Any]) -> list[str]:
    """Return the only label of each object; none if one has none or several, or its numbers tell another order."""
    objects = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    named = [[label for text in each.values() if isinstance(text, str) and (label := _label(text))] for each in objects]
    if len(objects) < len(items) or any(len(each) != 1 for each in named) or not _is_best_first(objects):
        return []
    return [label for (label,) in named]


def _is_best_first(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no rank of the objects falls and no other number, such as a score, rises."""
    columns: dict[str, list[Any]] = {
        key: [each.get(key) for each in objects] for key in (objects[0] if objects else ())
    }
    return all(
        values == sorted(values, reverse=key not in _RANKS)
        for key, values in columns.items()
        if all(type(each) in (int, float) for each in values)
    )


def _label(text: str) -> str:
    found = _LABEL.fullmatch(text.strip())
    return found[1].upper() if found else ""


def _in_json(text: str, labels: Sequence[str]) -> list[_Found]:
    return [
        _Found("ranking" if _is_ranking(value) else "list", end, repair(named, labels))
        for end, value in placed_values(text)
        if (named := _labels_in(value, len(labels)))
    ]


def _in_lines(text: str, labels: Sequence[str]) -> list[_Found]:
    """Return the lines like `D3 > D1 > ...` and with one label, and what stands for a list of all labels.

    If several things may be that list, or it lacks a label, it may be one of the passages that do not answer.
    """
    lines = _lines(text)
    found = [_Found("chain", each.end, repair(each.labels, labels)) for each in lines if each.kind == "chain"]
    found += [_Found("line", each.end, repair(each.labels, labels)) for each in lines if each.kind == "label"]
    groups = [(kind, list(group)) for kind, group in groupby(lines, key=lambda each: each.kind)]
    lists = [[each] for kind, group in groups if kind == "commas" for each in group]
    lists += [
        group
        for kind, group in groups
        if len(group) > 1 and (kind in ("label", "item") or _is_numbered_order(kind, group))
    ]
    if len(lists) == 1:
        reading = repair([label for each in lists[0] for label in each.labels], labels)
        found += [_Found("list", lists[0][-1].end, reading)] if reading.named == len(labels) else []
    return found


def _is_numbered_order(kind: str, group: Sequence[_Line]) -> bool:
    """Return whether lines like `1. D3: why` number an order; one of D1, D2, ... may go through what was given."""
    labels = [label for each in group for label in each.labels]
    counts_up = [each.number for each in group] == list(range(1, len(group) + 1))
    return kind == "numbered" and counts_up and labels != sorted(labels, key=lambda each: (len(each), each))


def _lines(text: str) -> list[_Line]:
    """Return the lines that are not blank, without emphasis, each with its labels if it is made of nothing else."""
    lines: list[_Line] = []
    end = 0
    for whole in _OPEN_END.sub(lambda found: found[0].replace("\n", " "), text).splitlines(keepends=True):
        end += len(whole)
        if line := _EMPHASIS.sub("", whole).strip(". \t\r\n"):
            lines.append(_line(line, end))
    return lines


def _line(line: str, end: int) -> _Line:
    if _CHAIN.fullmatch(line):
        return _Line("chain", end, labels=[_label(part) for part in line.split(">")])
    if _COMMAS.fullmatch(line):
        return _Line("commas", end, labels=[_label(part) for part in line.split(",")])
    if alone := _ITEM.fullmatch(line):
        return _Line("label" if _label(line) else "item", end, labels=[_label(alone[1])])
    if numbered := _NUMBERED.match(line):
        return _Line("numbered", end, labels=[_label(numbered[2])], number=int(numbered[1]))
    return _Line("prose", end, labels=[])


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
