"""The loader of templates: Markdown with front matter, checked before anything is served."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InvalidInput

PLACEHOLDERS = ("query",)
REQUIRED = ("name", "version", "description")
_FRONT_MATTER = re.compile(r"---\n(?P<entries>.*?)\n---\n(?P<text>.*)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders such as `{query}`."""

    name: str
    version: str
    description: str
    text: str

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with each placeholder replaced, once: a value that holds braces is left as it is."""
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)


def load_templates(folder: Path = Path(__file__).parent) -> dict[str, Template]:
    """Return the templates of a folder by name.

    Raises:
        InvalidInput: When one has no front matter, lacks an entry, or holds an unknown placeholder.
    """
    templates = [read_template(path) for path in sorted(folder.glob("*.md"))]
    return {template.name: template for template in templates}


def read_template(path: Path) -> Template:
    """Return the template in a file.

    Raises:
        InvalidInput: As for `load_templates`.
    """
    found = _FRONT_MATTER.fullmatch(path.read_text(encoding="utf-8"))
    if found is None:
        raise InvalidInput(f"Template {path} has no front matter. Begin it with ---, {', '.join(REQUIRED)}, and ---.")
    lines = (line.partition(":") for line in found["entries"].splitlines())
    entries = {key.strip(): value.strip() for key, _, value in lines}
    if missing := [key for key in REQUIRED if not entries.get(key)]:
        raise InvalidInput(f"Template {path} lacks {', '.join(missing)} in its front matter. Add it.")
    if unknown := sorted(set(_PLACEHOLDER.findall(found["text"])) - set(PLACEHOLDERS)):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise InvalidInput(f"Template {path} holds unknown placeholders: {', '.join(unknown)}. Known: {known}.")
    return Template(entries["name"], entries["version"], entries["description"], found["text"].strip())
