"""Find the JSON in a model's reply: reasoning, code fences and prose around it are dropped."""

import json
import re
from typing import Any

MAX_REPLY_CHARACTERS = 100_000  # an order of 20 passages takes 200

MAX_BRACKETS = 500  # opening brackets at which JSON is tried

_CLOSED_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)

_OPEN_THOUGHT = re.compile(r"<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)

_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)


def without_thoughts(reply: str) -> str:
    """Return the text after the last closed reasoning block, up to one that is never closed, without code fences."""
    text = reply[:MAX_REPLY_CHARACTERS]
    closed = [found.end() for found in _CLOSED_THOUGHT.finditer(text)]
    rest = text[closed[-1] :] if closed else text
    opened = _OPEN_THOUGHT.search(rest)
    return _FENCE.sub("", rest[: opened.start()] if opened else rest)


def json_values(text: str) -> list[Any]:
    """Return the outermost JSON objects and lists in a text, in order."""
    return [value for _, value in placed_values(text)]


def placed_values(text: str) -> list[tuple[int, Any]]:
    """Return the outermost JSON objects and lists in a text, in order, each with where it ends."""
    decoder, place = json.JSONDecoder(), 0
    values: list[tuple[int, Any]] = []
    for _ in range(MAX_BRACKETS):
        brackets = [at for at in (text.find("{", place), text.find("[", place)) if at >= 0]
        if not brackets:
            break
        try:
            value, place = decoder.raw_decode(text, min(brackets))
            values.append((place, value))
        except (ValueError, RecursionError):
            place = min(brackets) + 1
    return values
