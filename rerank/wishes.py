"""What an instruction wishes for: one of the templates, newer passages, official sources."""

import re
from collections.abc import Collection
from dataclasses import dataclass

RECENT, OFFICIAL = "prefer_recent", "prefer_official"
_PREFER = r"\b(?:prefer|favou?r|prioriti[sz]e|boost)\w*\b.{0,40}"
_PATTERNS = {
    RECENT: re.compile(
        rf"{_PREFER}\b(?:recent|new|newer|newest|latest|fresh|up[- ]to[- ]date|current)\b"
        r"|\b(?:newest|latest|most recent) (?:first|on top)\b",
        re.IGNORECASE,
    ),
    OFFICIAL: re.compile(rf"{_PREFER}\bofficial\b|\bofficial (?:\w+ )?first\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """By which template passages are ordered, and what is said beside it."""

    template: str
    text: str = ""


def read_wish(instruction: str, templates: Collection[str], default: str, *, lists_official: bool) -> Wish:
    """Return the template that an instruction names, or means, and the instruction itself where it says more.

    Official sources are only meant where there is a list of them: nobody asks the model for its own opinion.
    """
    text = instruction.strip()
    name = re.sub(r"[\s-]+", "_", text.lower()).strip("._")
    if name in templates:
        return Wish(name)
    if wishes_for(RECENT, text) and RECENT in templates:
        return Wish(RECENT, text)
    if lists_official and wishes_for(OFFICIAL, text) and OFFICIAL in templates:
        return Wish(OFFICIAL)
    return Wish(default, text)


def wishes_for(template: str, instruction: str) -> bool:
    """Return whether an instruction is a template's name, or says the same in other words."""
    name = re.sub(r"[\s-]+", "_", instruction.strip().lower()).strip("._")
    return name == template or bool(_PATTERNS[template].search(instruction))
