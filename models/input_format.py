"""The form in which a model wants its texts: templates around query and passage, as its card says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

QUERY, INSTRUCTION, PASSAGE = "query", "instruction", "passage"  # as placeholders in braces

_PLACEHOLDER = re.compile(r"\{(\w*)\}")

_MARK = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z_]{2,20}\]")  # <|im_end|>, </think>, <Document>, [INST]


@dataclass(frozen=True, slots=True)
class InputFormat:
    """What a model reads in the place of a query and of a passage."""

    query: str = "{query}"
    passage: str = "{passage}"
    instruction: str = ""
    """What is put for {instruction} where a question has none; where this is empty too, the query goes as it is."""

    @property
    def follows_instructions(self) -> bool:
        """Return whether there is a place for one."""
        return f"{{{INSTRUCTION}}}" in self.query

    @property
    def digest(self) -> str:
        """Return a hash of the form, for scores in another form are others; nothing where texts stay as they are."""
        texts = json.dumps([self.query, self.passage, self.instruction])
        return "" if self == PLAIN else blake2b(texts.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()

    @property
    def query_frame(self) -> str:
        """Return what is read around query and instruction."""
        return _PLACEHOLDER.sub("", self.query)

    @property
    def passage_frame(self) -> str:
        """Return what is read around a passage."""
        return _PLACEHOLDER.sub("", self.passage)

    def asked(self, query: str, instruction: str = "") -> str:
        """Return the query as the model reads it."""
        told = instruction or self.instruction
        if self.follows_instructions and not told:
            return query
        return _filled(self.query, {QUERY: self.plain(query), INSTRUCTION: self.plain(told)})

    def shown(self, passage: str) -> str:
        """Return the passage as the model reads it."""
        return _filled(self.passage, {PASSAGE: self.plain(passage)})

    def plain(self, text: str) -> str:
        """Return a text with a space in each mark of the templates, so that it cannot end its own part and forge one.

        Tokenizers read such marks anywhere: a passage that holds "<|im_end|>" would speak for whoever asks.
        """
        marks = _marks(self.query_frame, self.passage_frame)
        return marks.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if marks else text


PLAIN = InputFormat()


def template_problem(template: str, *, needed: str, known: tuple[str, ...]) -> str:
    """Return what is wrong with a template, and how to mend it; nothing when it can be used."""
    used = _PLACEHOLDER.findall(template)
    names = ", ".join(f"{{{name}}}" for name in known)
    if unknown := [name for name in used if name not in known]:
        return f"holds {{{unknown[0]}}}, which is nothing; it may hold {names}"
    if twice := [name for name in known if used.count(name) > 1]:
        return f"holds {{{twice[0]}}} more than once"
    return "" if needed in used else f"lacks {{{needed}}}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    # One pass, so that a query that holds "{instruction}" stays as it is.
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


@cache
def _marks(*frames: str) -> re.Pattern[str] | None:
    found = sorted({mark for frame in frames for mark in _MARK.findall(frame)})
    return re.compile("|".join(map(re.escape, found))) if found else None
