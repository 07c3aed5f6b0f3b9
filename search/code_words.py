"""Words inside identifiers, so that a keyword search for "user name" finds getUserName and user_name."""

import re

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")  # HTTP, Server, name, 2


def with_parts(text: str) -> str:
    """Return the text followed by the parts of each camelCase, PascalCase or snake_case identifier in it."""
    found: list[str] = []
    for identifier in _IDENTIFIER.findall(text):
        parts = _PART.findall(identifier)
        if len(parts) > 1:
            found += parts
    return f"{text}\n{' '.join(found)}" if found else text
