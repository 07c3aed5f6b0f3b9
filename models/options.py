"""How a model is run, where that is not left to the model: the templates of its input, its window and its device."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from ..core.errors import ModelError
from .devices import Device

QUERY, INSTRUCTION, PASSAGE = "query", "instruction", "passage"  # names of placeholders, which stand in braces

DEFAULT_WINDOW = 512  # tokens; cost grows with the square of the length, and most passages are far shorter

_PLACEHOLDER = re.compile(r"\{(\w*)\}")

_MARK = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z_]{2,20}\]")  # <|im_end|>, </think>, <Document>, [INST]


@dataclass(frozen=True, slots=True)
class InputFormat:
    """The templates that a model's card asks for around a query and a passage."""

    query: str = "{query}"
    passage: str = "{passage}"
    instruction: str = ""
    """Fills {instruction} if a query has none of its own. If this is empty too, the query is passed on unchanged."""

    @property
    def follows_instructions(self) -> bool:
        """Return whether the query template has a placeholder for an instruction."""
        return f"{{{INSTRUCTION}}}" in self.query

    @property
    def digest(self) -> str:
        """Return a hash of the templates, since they change scores; an empty string if texts stay unchanged."""
        texts = json.dumps([self.query, self.passage, self.instruction])
        return (
            "" if self == NO_TEMPLATES else blake2b(texts.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        )

    @property
    def query_boilerplate(self) -> str:
        """Return the query template without its placeholders."""
        return _PLACEHOLDER.sub("", self.query)

    @property
    def passage_boilerplate(self) -> str:
        """Return the passage template without its placeholder."""
        return _PLACEHOLDER.sub("", self.passage)

    def format_query(self, query: str, instruction: str = "") -> str:
        """Return the query as the model reads it."""
        instruction = instruction or self.instruction
        if self.follows_instructions and not instruction:
            return query
        return _fill(self.query, {QUERY: self.escape(query), INSTRUCTION: self.escape(instruction)})

    def format_passage(self, passage: str) -> str:
        """Return the passage as the model reads it."""
        return _fill(self.passage, {PASSAGE: self.escape(passage)})

    def escape(self, text: str) -> str:
        """Return the text with a space inside every control mark that occurs in the templates.

        Tokenizers recognise such marks anywhere. Without this, a passage that contains "<|im_end|>" could end its own
        part of the prompt and add instructions.
        """
        marks = _marks(self.query_boilerplate, self.passage_boilerplate)
        return marks.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if marks else text


NO_TEMPLATES = InputFormat()


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What the settings say about running a reranker."""

    input_format: InputFormat = NO_TEMPLATES
    window: int = 0
    """The largest number of tokens to read; 0 means what the model can read, up to its usual window."""
    device: Device = "auto"

    @property
    def digest(self) -> str:
        """Return what sets scores with these options apart from scores with the defaults; empty for the defaults."""
        return " ".join(filter(None, [self.input_format.digest, f"window={self.window}" if self.window else ""]))

    def window_for(self, name: str, limit: int, *, usual: int = DEFAULT_WINDOW) -> int:
        """Return how many tokens to read with the model `name`, which can read `limit`.

        Raises:
            ModelError: The configured window is larger than `limit`.
        """
        if self.window > limit:
            raise ModelError(
                f"The reranker {name!r} reads at most {limit} tokens; lower its `window` of {self.window}."
            )
        return self.window or min(limit, usual)


DEFAULT_OPTIONS = ModelOptions()


def template_problem(template: str, *, needed: str, known: tuple[str, ...]) -> str:
    """Return what is wrong with a template, as the end of a sentence about it; an empty string if nothing is."""
    used = _PLACEHOLDER.findall(template)
    names = ", ".join(f"{{{name}}}" for name in known)
    if unknown := [name for name in used if name not in known]:
        return f"contains the unknown placeholder {{{unknown[0]}}}; known placeholders: {names}"
    if repeated := [name for name in known if used.count(name) > 1]:
        return f"contains {{{repeated[0]}}} more than once"
    return "" if needed in used else f"does not contain {{{needed}}}"


def _fill(template: str, values: Mapping[str, str]) -> str:
    # In one pass, so that a query that contains "{instruction}" stays as it is.
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


@lru_cache(maxsize=64)
def _marks(*texts: str) -> re.Pattern[str] | None:
    found = sorted({mark for text in texts for mark in _MARK.findall(text)})
    return re.compile("|".join(map(re.escape, found))) if found else None
