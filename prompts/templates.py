"""Load prompt templates: Markdown with front matter, checked when they are loaded."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..core.errors import InvalidInput

PLACEHOLDERS = ("query", "instruction", "today", "passages", "collection")
ENTRIES = ("name", "version", "description", "reply")
SHIPPED = Path(__file__).parent

ReplyKind: TypeAlias = Literal["text", "ranking", "ranking with reasons", "queries"]
"""What a model replies: text for a reader, an order of passages, an order with reasons for the first three, or other
phrasings of a query."""

_FRONT_MATTER = re.compile(r"---\n(?P<entries>.*?)\n---\n(?P<text>.*)", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_DOUBLED_BRACES = re.compile(r"\{\{[^{}\n]*\}\}")  # as str.format has them, which would be sent doubled
_LENIENT_PLACEHOLDER = re.compile(r"\{\s*(\w*)\s*\}")  # with spaces, which are an error


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders such as `{query}`."""

    name: str
    version: str
    description: str
    text: str
    reply: ReplyKind = "text"

    @property
    def orders_passages(self) -> bool:
        """Return whether a reranker can use it."""
        return self.reply in ("ranking", "ranking with reasons")

    @property
    def placeholders(self) -> list[str]:
        """Return the names of its placeholders, in the order of `PLACEHOLDERS`."""
        used = set(_PLACEHOLDER.findall(self.text))
        return [name for name in PLACEHOLDERS if name in used]

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with each placeholder replaced, once; braces in a value are left as they are."""
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)


def load_templates(folders: Sequence[Path] = (SHIPPED,)) -> dict[str, Template]:
    """Return the templates of folders by name; a later folder overrides an earlier one.

    Raises:
        InvalidInput: A folder does not exist, or a template has no front matter, lacks an entry, or has an unknown
            entry or placeholder.
    """
    found: dict[str, Template] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InvalidInput(f"There is no folder of templates {folder}. Correct RESIFT_PROMPTS_DIR or remove it.")
        paths = {path: read_template(path) for path in sorted(folder.glob("*.md"))}
        names = [template.name for template in paths.values()]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidInput(f"Several templates in {folder} are named {', '.join(duplicates)}. Rename all but one.")
        found |= {template.name: template for template in paths.values()}
    return found


def read_template(path: Path) -> Template:
    """Return the template in a file.

    Raises:
        InvalidInput: As for `load_templates`.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"Template {path} is not UTF-8. Save it as UTF-8.") from error
    found = _FRONT_MATTER.fullmatch(content)
    if found is None:
        raise InvalidInput(f"Template {path} has no front matter. Begin it with ---, {', '.join(ENTRIES)}, and ---.")
    lines = [line.partition(":") for line in found["entries"].splitlines() if line.strip()]
    entries = {key.strip(): value.strip() for key, _, value in lines}
    text = found["text"].strip()
    if problem := _problem(entries, text):
        raise InvalidInput(f"Template {path} {problem}")
    reply = next(kind for kind in get_args(ReplyKind) if kind == entries["reply"])
    return Template(entries["name"], entries["version"], description=entries["description"], text=text, reply=reply)


def _problem(entries: Mapping[str, str], text: str) -> str:
    """Return what is wrong with a template and how to fix it; "" if it can be used."""
    kinds = get_args(ReplyKind)
    if missing := [key for key in ENTRIES if not entries.get(key)]:
        return f"lacks {', '.join(missing)} in its front matter. Add it."
    if more := [key for key in entries if key not in ENTRIES]:
        return f"has unknown entries in its front matter: {', '.join(more)}. Known: {', '.join(ENTRIES)}."
    if not _NAME.fullmatch(entries["name"]) or entries["reply"] not in kinds:
        given = f"name {entries['name']!r} and reply {entries['reply']!r}"
        return f"has {given}. A name has lower-case letters, digits and _; a reply is one of: {', '.join(kinds)}."
    used, meant = set(_PLACEHOLDER.findall(text)), set(_LENIENT_PLACEHOLDER.findall(text))
    if unknown := sorted((used | meant) - (used & set(PLACEHOLDERS))):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        return f"has unknown placeholders: {', '.join(unknown)}. Known: {known}."
    if entries["reply"] != "text" and (doubled := _DOUBLED_BRACES.search(text)):
        return f"has doubled braces: {doubled[0]}. Write single ones: only placeholders are replaced."
    return _misfit(entries["reply"], used)


def _misfit(reply: str, used: Set[str]) -> str:
    """Return why these placeholders do not fit a kind of reply; "" if they do."""
    if reply != "text" and "collection" in used:
        return "is for the language model, which sees no collection: {collection} is for prompts of agents. Remove it."
    if reply == "queries":
        fits = "query" in used and "passages" not in used
        return "" if fits else "rephrases a query, so it needs {query} and cannot have {passages}. Change it."
    if reply != "text" and not {"query", "passages"} <= used:
        return "orders passages, but lacks {query} or {passages}. Add both."
    return ""
