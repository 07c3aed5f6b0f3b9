"""Keep where a server's files lie out of what it tells clients on other machines."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

METADATA = "metadata"  # of documents, whose fields have names and texts of their own


class HiddenPaths:
    """Folders of a server by the name that messages have in place of their path."""

    def __init__(self, names: Mapping[Path, str] | None = None) -> None:
        forms = {
            form: name
            for folder, name in (names or {}).items()
            for path in (str(folder.absolute()), str(folder.resolve()))
            for form in (path, repr(path)[1:-1])
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        # Whole parts of paths only: neither /mnt/data nor /data-sheets is in the folder /data.
        self._pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-]|\.\w)")
        self._names = forms

    def hide(self, text: str) -> str:
        """Return a message with the names of the folders in place of their paths."""
        return self._pattern.sub(lambda found: self._names[found[0]], text) if self._names else text

    def hide_in(self, value: Any, fields: Collection[str]) -> Any:
        """Return JSON with paths hidden in all texts of the named fields, at any depth; metadata stays as it is."""
        return self._walk(value, fields, is_message=False) if self._names else value

    def _walk(self, value: Any, fields: Collection[str], *, is_message: bool) -> Any:
        if isinstance(value, str):
            return self.hide(value) if is_message else value
        if isinstance(value, Mapping):
            entries = cast("Mapping[str, Any]", value).items()
            return {
                name: each if name == METADATA else self._walk(each, fields, is_message=is_message or name in fields)
                for name, each in entries
            }
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            has_texts = bool(items) and isinstance(items[0], str | Mapping | list | tuple)  # a vector has none
            return [self._walk(each, fields, is_message=is_message) for each in items] if has_texts else items
        return value


NOTHING_HIDDEN = HiddenPaths()
