"""The rules of .gitignore and .resiftignore files: which files and folders they leave out.

A rule applies to what it names itself, and what lies in an ignored folder is never looked at, as in git.
`pathspec.GitIgnoreSpec` also applies the rules of a folder to all that lies in it, so that after the rules `build` and
`!src/` it takes src/build, which git ignores. Only its translation of patterns is used here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

GIT_RULES = ".gitignore"

OWN_RULES = ".resiftignore"

IGNORED: Final = {GIT_RULES: "ignored by .gitignore", OWN_RULES: "ignored by .resiftignore"}
"""The kinds as which files and folders are skipped, by the file that leaves them out."""

MAX_LINES = 5_000  # of one file

MAX_CHARACTERS = 1_000  # of one pattern

MAX_DEPTHS = 3  # `**` in one pattern: each multiplies the time that a hostile one takes

_GROUP_NAME = re.compile(r"\(\?P<\w+>")  # the same name in every pattern, which one expression may hold only once

_STARS = re.compile(r"\*{2,}")

_STAR_AND_NEXT = re.compile(r"\[\^/\]\*((?:(?!\[\^/\]\*)(?:\[\^/\]|[^/]))+?)(?=\[\^/\]\*)")
"""A `*`, translated, and what stands between it and the next one in the same component of a pattern."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line: `regex` matches a whole name, or a whole path below the folder of the file that holds the line."""

    regex: re.Pattern[str]
    takes_back: bool
    is_for_folders: bool
    is_for_names: bool


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The rules of one file, the last first, and expressions that match wherever one of the rules does."""

    name: str
    folder: str
    """The folder for which the rules are, with a slash at the end."""
    rules: tuple[_Rule, ...] = ()
    names: re.Pattern[str] | None = None
    paths: re.Pattern[str] | None = None
    problems: tuple[str, ...] = ()
    """Sentences on lines that cannot be used."""

    def ignores(self, path: str, name: str, *, is_folder: bool) -> bool | None:
        """Return what the last rule says that matches, or None if none does."""
        below = path[len(self.folder) :]
        is_named = self.names is not None and self.names.fullmatch(name) is not None
        if not is_named and (self.paths is None or self.paths.fullmatch(below) is None):
            return None
        for rule in self.rules:
            if (is_folder or not rule.is_for_folders) and rule.regex.fullmatch(name if rule.is_for_names else below):
                return not rule.takes_back
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for what lies in one folder: files of the same name from the outermost folder to the innermost."""

    files: tuple[RuleFile, ...] = ()
    checks: tuple[RuleFile, ...] = field(default=(), init=False, repr=False, compare=False)
    """The files in the order in which they are asked: .resiftignore first, the innermost first."""

    def __post_init__(self) -> None:
        own = [each for each in reversed(self.files) if each.name == OWN_RULES and each.rules]
        git = [each for each in reversed(self.files) if each.name != OWN_RULES and each.rules]
        object.__setattr__(self, "checks", (*own, *git))

    def kind(self, path: str, name: str, *, is_folder: bool) -> str:
        """Return the kind as which a file or folder of the folder is ignored, or "" if it is not."""
        for file in self.checks:
            if (is_ignored := file.ignores(path, name, is_folder=is_folder)) is not None:
                return IGNORED[file.name] if is_ignored else ""
        return ""

    def with_files(self, files: Sequence[RuleFile]) -> "Rules":
        """Return these rules with those of more files, which are deeper."""
        return replace(self, files=(*self.files, *files)) if files else self

    def of_repository(self) -> "Rules":
        """Return what applies in the top folder of a repository: no .gitignore of the folders around it."""
        return Rules(tuple(each for each in self.files if each.name == OWN_RULES))


def parse_rules(name: str, folder: str, data: bytes, *, shown: str) -> RuleFile:
    """Return the rules of a file; those that cannot be used are left out, and `problems` says so.

    `folder` ends with a slash, and `shown` is the path of the file for messages.
    """
    lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")
    rules, problems = list[_Rule](), list[str]()
    for number, line in enumerate(lines[:MAX_LINES], start=1):
        try:
            rules += _rule(_trimmed(line.removesuffix("\r")))
        except (ValueError, re.error) as error:
            problems.append(f"{shown}:{number} is not a usable pattern and was left out ({error}).")
    if len(lines) > MAX_LINES:
        problems.append(f"{shown} has {len(lines):,} lines; only the first {MAX_LINES:,} were used.")
    return RuleFile(
        name,
        folder,
        rules=tuple(reversed(rules)),
        names=_any_of([rule for rule in rules if rule.is_for_names]),
        paths=_any_of([rule for rule in rules if not rule.is_for_names]),
        problems=tuple(problems),
    )


def _trimmed(line: str) -> str:
    """Return a line without the spaces at its end, unless a backslash stands before them."""
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    return line


def _rule(line: str) -> Iterator[_Rule]:
    """Yield the rule of a line, or nothing for a comment."""
    body = line.removeprefix("!").removesuffix("/")
    if not body or line.startswith("#"):
        return
    if len(body) > MAX_CHARACTERS:
        raise ValueError(f"it has more than {MAX_CHARACTERS:,} characters")
    is_for_names = "/" not in body
    yield _Rule(
        re.compile(_translated(body.removeprefix("/"), is_for_names=is_for_names), re.DOTALL),
        takes_back=line.startswith("!"),
        is_for_folders=line.endswith("/"),
        is_for_names=is_for_names,
    )


def _translated(body: str, *, is_for_names: bool) -> str:
    """Return the expression for a pattern without `!` and slashes around it.

    pathspec's own expressions also match the beginning of a path, that is, a folder around it. Where a pattern ends
    with a slash, `*` or `**`, they match nothing else, so that these are written in another way.
    """
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    if "[:" in body:
        raise ValueError("classes of characters such as [:alpha:] are not supported")
    parts = [part if part == "**" and not is_for_names else _STARS.sub("*", part) for part in body.split("/")]
    parts = [*parts[:-1], *{"*": ["?*"], "**": ["**", "?*"]}.get(parts[-1], [parts[-1]])]
    if parts.count("**") > MAX_DEPTHS:
        raise ValueError(f"it has more than {MAX_DEPTHS} `**`")
    regex, _ = GitIgnoreSpecPattern.pattern_to_regex("/" + "/".join(parts))
    if regex is None:
        raise ValueError("a bracket is not closed")
    # The first place where the text between two stars fits is as good as any other: without going back, a hostile
    # pattern with many stars takes no more time than another.
    return _STAR_AND_NEXT.sub(r"(?>[^/]*?\1)", _GROUP_NAME.sub("(?:", regex))


def _any_of(rules: Sequence[_Rule]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{rule.regex.pattern})" for rule in rules), re.DOTALL) if rules else None
