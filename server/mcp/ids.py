"""The id of a request in a line that is not, or not yet, read as JSON. Needs the standard library alone."""

import json
import re
from typing import Any

HEAD_CHARACTERS = 65_536  # of a broken line, in which its id is looked for

TAIL_CHARACTERS = 4_096  # some clients write the id last, after the parameters

REPLACED = "\ufffd"

_STRING = r'"(?:[^"\\]|\\.)*+"'

_TOKEN = re.compile(rf'{_STRING}|[{{}}\[\]]|"')

_VALUE = re.compile(rf"\s*:\s*({_STRING}|-?\d+)(?=\s*[,}}])")

_LAST = re.compile(rf'"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*({_STRING}|-?\d+)\s*}}\s*$')


def find_id(head: str, tail: str = "") -> int | str | None:
    """Return the id of a request that is not valid JSON, or None if it cannot be found without a doubt."""
    head, tail = head[:HEAD_CHARACTERS], (tail or head)[-TAIL_CHARACTERS:]
    depth, found = 0, dict[str, str]()
    for token in _TOKEN.finditer(head):
        match token[0]:
            case "{" | "[":
                depth += 1
            case "}" | "]":
                depth -= 1
            case '"':  # a string without an end: what follows may be part of it
                break
            case '"id"' | '"method"' | '"result"' | '"error"' as key if depth == 1 and head[0] == "{":
                if is_value := _VALUE.match(head, token.end()):
                    found.setdefault(key, is_value[1])
                elif _is_key(head, token.end()):
                    found.setdefault(key, "")
            case _:
                pass
    if '"method"' not in found or '"result"' in found or '"error"' in found:  # may be a response to the server
        return None
    last = _LAST.search(tail)
    return _as_id(found.get('"id"') or (last[1] if last else ""))


def _is_key(text: str, end: int) -> bool:
    return text[end:].lstrip()[:1] == ":"


def _as_id(written: str) -> int | str | None:
    try:
        value = json.loads(written)
        return value if is_id(value) and str(value).isprintable() else None
    except ValueError:  # nothing was found, or a number has too many digits
        return None


def is_id(value: Any) -> bool:
    """Return whether a value can be the id of a request, and was not changed in reading."""
    return isinstance(value, str | int) and not isinstance(value, bool) and REPLACED not in str(value)
