"""From a model's words to an order: what it surely said, and nothing read into prose."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

MOST_CHARACTERS = 100_000  # of a reply that are read; an order of 20 takes 200

MOST_BRACKETS = 500  # of a reply at which JSON is looked for

REASON_WORDS = 15

REASON_CHARACTERS = 200

_CLOSED_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)

_OPEN_THOUGHT = re.compile(r"<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)

_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)

_LABEL = re.compile(r"\[?([A-Z]\d{0,4})\]?", re.IGNORECASE)

_CHAIN = re.compile(r"\[?[A-Z]\d{0,4}\]?(?:[ \t]*>[ \t]*\[?[A-Z]\d{0,4}\]?)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """An order of n places. `named` of them the reply named; the others follow in their earlier order."""

    places: tuple[int, ...]
    named: int
    is_repaired: bool
    """Whether the reply named some twice, or not at all, or others."""

    @property
    def is_usable(self) -> bool:
        """Return whether at least half of the places were named: less is no order."""
        return self.named > 0 and 2 * self.named >= len(self.places)


def read_order(text: str, labels: Sequence[str]) -> Reading:
    """Return the order that a reply gives to labels.

    Thinking and fences are dropped. What is left is read as JSON, else by the last line that is wholly `D3 > D1 > ...`.
    """
    words = _FENCE.sub("", _without_thoughts(text[:MOST_CHARACTERS]))
    lists = [found for value in _json_values(words) if (found := _labels_in(value))]
    return repair(lists[-1] if lists else _from_lines(words) or [], labels)


def read_reasons(text: str, labels: Sequence[str]) -> dict[int, str]:
    """Return the reasons that a reply gives, by place, cut to their first words; none where it gives none."""
    places = {label: place for place, label in enumerate(labels)}
    reasons: dict[int, str] = {}
    for value in _json_values(_without_thoughts(text[:MOST_CHARACTERS])):
        given = cast("dict[str, Any]", value).get("reasons") if isinstance(value, dict) else None
        for each in cast("list[Any]", given) if isinstance(given, list) else []:
            match each:
                case {"label": str(label), "reason": str(reason)} if _label(label) in places:
                    reasons[places[_label(label)]] = " ".join(reason.split()[:REASON_WORDS])[:REASON_CHARACTERS]
                case _:
                    continue
    return reasons


def repair(named: Sequence[str], labels: Sequence[str]) -> Reading:
    """Return the order in which labels are first named; unknown ones are dropped, missing ones appended."""
    known = {label: place for place, label in enumerate(labels)}
    first = dict.fromkeys(known[name] for name in named if name in known)
    missing = [place for place in range(len(labels)) if place not in first]
    return Reading((*first, *missing), len(first), is_repaired=len(named) != len(labels) or bool(missing))


def _without_thoughts(text: str) -> str:
    """Return what follows the last thought; without what follows one that does not end."""
    closed = [found.end() for found in _CLOSED_THOUGHT.finditer(text)]
    rest = text[closed[-1] :] if closed else text
    opened = _OPEN_THOUGHT.search(rest)
    return rest[: opened.start()] if opened else rest


def _json_values(text: str) -> list[Any]:
    """Return the JSON objects and lists in a text, one after the other; none inside another."""
    decoder, place = json.JSONDecoder(), 0
    values: list[Any] = []
    for _ in range(MOST_BRACKETS):
        brackets = [at for at in (text.find("{", place), text.find("[", place)) if at >= 0]
        if not brackets:
            break
        try:
            value, place = decoder.raw_decode(text, min(brackets))
            values.append(value)
        except (ValueError, RecursionError):
            place = min(brackets) + 1
    return values


def _labels_in(value: Any) -> list[str] | None:
    """Return the labels of a list of them, or of the only such list in an object."""
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


def _from_lines(text: str) -> list[str] | None:
    lines = (line.strip().strip("*`_. ") for line in reversed(text.splitlines()))
    chain = next((line for line in lines if line and _CHAIN.fullmatch(line)), None)
    return [_label(part) for part in chain.split(">")] if chain else None
