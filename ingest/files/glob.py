"""Globs, matched in time proportional to the lengths of the path and of the pattern."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Self

from ...core.errors import InvalidInput

DEFAULT_GLOB = "**/*"

MAX_CHARACTERS = 500

MAX_PATTERNS = 256  # that the alternatives in braces may stand for

_MAGIC = re.compile(r"[*?\[{]")

_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob relative to a folder, with `**` for any depth and `{a,b}` for alternatives."""

    text: str
    patterns: tuple[tuple[re.Pattern[str] | None, ...], ...]
    """Each alternative as its components; None stands for `**`."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the glob; the empty text stands for every file.

        Raises:
            InvalidInput: It is too long, or has too many alternatives.
        """
        text = text or DEFAULT_GLOB
        if len(text) > MAX_CHARACTERS:
            raise InvalidInput(
                f"The glob {text[:40]!r}... has {len(text):,} characters; the limit is {MAX_CHARACTERS}. Use a shorter "
                "one, or several calls."
            )
        return cls(text, tuple(_compiled(each) for each in _alternatives(text)))

    @property
    def takes_all(self) -> bool:
        """Return whether every file matches."""
        return self.text in (DEFAULT_GLOB, "**")

    def matches(self, parts: Sequence[str]) -> bool:
        """Return whether a path matches, given as its components below the folder."""
        return self.takes_all or any(_matches(parts, pattern) for pattern in self.patterns)


def has_magic(path: str) -> bool:
    """Return whether a path has a character that means something in a glob."""
    return _MAGIC.search(path) is not None


def split_magic(path: str, exists: Callable[[str], bool] = lambda _: False) -> tuple[str, str]:
    """Return the folder at the beginning of a glob that has no pattern in it, and the rest.

    The name of a folder that exists, such as `notes [2026]`, is no pattern.
    """
    parts = path.split("/")
    magic = (place for place, part in enumerate(parts) if has_magic(part))
    place = next((place for place in magic if not exists("/".join(parts[: place + 1]))), len(parts))
    return "/".join(parts[:place]) or ("/" if path.startswith("/") else "."), "/".join(parts[place:])


def _alternatives(glob: str) -> list[str]:
    """Return the globs that a glob with braces stands for."""
    waiting, done = [glob], dict[str, None]()
    while waiting:
        current = waiting.pop()
        match = _BRACES.search(current)
        if match is None:
            done[current] = None
        else:
            choices = dict.fromkeys(choice.strip() for choice in match[1].split(","))
            waiting += [current[: match.start()] + choice + current[match.end() :] for choice in reversed(choices)]
        if len(done) + len(waiting) > MAX_PATTERNS:
            raise InvalidInput(
                f"The glob {glob[:40]!r}... stands for more than {MAX_PATTERNS} patterns. Use fewer alternatives in "
                "braces, or several calls."
            )
    return list(done)


def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    """Return the components of a glob. `**` at the end means any file below, and `**/**` the same as `**`."""
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    if parts and parts[-1] == "**":
        parts.append("*")
    kept = [part for place, part in enumerate(parts) if part != "**" or parts[place - 1 : place] != ["**"]]
    return tuple(None if part == "**" else re.compile(translate(part)) for part in kept)


def _matches(parts: Sequence[str], pattern: tuple[re.Pattern[str] | None, ...]) -> bool:
    """Return whether the components match.

    Each `**` first matches no component. Where the rest does not match, only the last `**` takes one more component:
    whatever an earlier one could also take, the last one can take as well.
    """
    place = at = 0
    resume: tuple[int, int] | None = None  # after the last `**`: where in the pattern, and where in the path
    while place < len(parts):
        component = pattern[at] if at < len(pattern) else None
        if at < len(pattern) and component is None:
            at += 1
            resume = (at, place)
        elif component is not None and component.match(parts[place]):
            at, place = at + 1, place + 1
        elif resume is not None:
            at, place = resume[0], resume[1] + 1
            resume = (at, place)
        else:
            return False
    return at == len(pattern)
