"""What an instruction wishes for: one of the templates, newer passages, official sources."""

import re
from collections.abc import Collection
from dataclasses import dataclass

RECENT, OFFICIAL = "prefer_recent", "prefer_official"

# At most three words stand between the verb and what is preferred, none of which begins what it is preferred to.
_PREFER = (
    r"\b(?:prefer(?:s|red|ring|ably)?|favou?r(?:s|ed|ing)?|prioriti[sz](?:e|es|ed|ing)):?"
    r"(?:\s+(?!(?:over|to|than)\b)[\w'\u2019-]+){0,3}\s+"
)

_SENTENCE_END = re.compile(r"[.;!?\n]")

_CONTRARY = re.compile(r"\b(?:not|never|avoid\w*|older)\b|n['\u2019]t\b", re.IGNORECASE)  # what follows is not wished

_PATTERNS = {
    RECENT: re.compile(
        rf"{_PREFER}(?:recent|new|newer|newest|latest|fresh|up[- ]to[- ]date)\b"
        r"|\b(?:newest|latest|most recent) (?:first|on top)\b",
        re.IGNORECASE,
    ),
    OFFICIAL: re.compile(rf"{_PREFER}official\b|\bofficial (?:\w+ )?first\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """By which template passages are ordered, and what is said beside it."""

    template: str
    text: str = ""
    said: str = ""
    """The words of an instruction that means a template which takes something else for {instruction}."""


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
        return Wish(OFFICIAL, said=text)
    return Wish(default, text)


def wishes_for(template: str, instruction: str) -> bool:
    """Return whether an instruction is a template's name, or says the same in other words."""
    name = re.sub(r"[\s-]+", "_", instruction.strip().lower()).strip("._")
    wished = (_CONTRARY.split(sentence)[0] for sentence in _SENTENCE_END.split(instruction))
    return name == template or any(_PATTERNS[template].search(each) for each in wished)
