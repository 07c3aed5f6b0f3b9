"""Definitions in other languages without a grammar: by the beginnings of lines, and their indentation."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .comments import OF_C, first_line, is_above
from .definitions import WORD, Definition

_MODIFIERS = (
    r"export|default|declare|pub(?:\([\w: ]+\))?|public|private|protected|internal|static|abstract|final|sealed|open|"
    r"data|partial|async|unsafe|inline|virtual|override|extern|local|readonly|suspend|case|implicit|lateinit|const"
)

_GROUPS = (
    r"class|struct|enum|union|trait|impl|interface|protocol|extension|record|object|module|namespace|package|mod|"
    r"defmodule|service|companion\s+object"
)

_KEYWORDS = rf"function\*?|func|fun|fn|def|defp|sub|proc|type|macro_rules!|message|{_GROUPS}"

_ANNOTATIONS = r"(?:@[\w.]+(?:\([^()]*\))?\s+|\[\w[^\[\]]*\]\s*)*"

_KEYWORD = re.compile(
    rf"{_ANNOTATIONS}(?:(?:{_MODIFIERS})\s+)*(?P<keyword>{_KEYWORDS})\b(?:\s*<[^>]*>)?(?:\s*\([^)]*\))?\s+"
    r"(?P<name>(?:self\.)?[\w$:.]+)"
)

_GROUP = re.compile(rf"(?:{_GROUPS})\Z")

_BOUND = re.compile(
    r"(?:export\s+)?(?:const|let|var)\s+(?P<name>[\w$]+)\s*(?::[^=]+)?=\s*(?:async\b\s*)?(?:function\b|\(|\w+\s*=>)"
)

_ASSIGNED = re.compile(r"(?:[\w$]+\.)+(?P<name>[\w$]+)\s*=\s*(?:async\s+)?(?:function\b|\([^()]*\)\s*=>|\w+\s*=>)")

_STATEMENT = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+)?\w+\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>[\w.\"`]+)", re.IGNORECASE
)

_NEVER = (
    r"(?!(?:if|for|foreach|while|switch|return|else|elif|case|do|catch|throw|new|using|lock|await|yield|"
    r"synchronized)\b)"
)

# A function in C, Java, Go or shell: a name with parameters at the left margin, no call and no condition.
_SIGNATURE = re.compile(_NEVER + r"(?=[A-Za-z_])[\w\s*&<>:,\[\]]*?(?<![\w:~])(?P<name>[\w:~]+)\s*\([^;]*$")

# A method among the members of a class: it may also end there, in an interface, or be one expression.
_METHOD = re.compile(
    rf"{_ANNOTATIONS}{_NEVER}(?=[\w$#~*])(?:[\w$<>\[\],.?&*:]+\s+)*?[*#]?(?P<name>[\w$~]+)\s*(?:<[^<>()]*>\s*)?"
    r"\((?:[^;]*$|[^()]*\)[^;{}]*=>.*|[^()]*\)[^;{}=]*;\s*$|[^()]*\)[^;=]*\{.*)"
)

# A declaration in a header, or a macro with parameters.
_PROTOTYPE = re.compile(rf"{_NEVER}(?:#define\s+|(?=\w)[\w\s*]*?(?<=[\s*]))(?P<name>\w++)\s*+\([^=]*$")

_MAX_INDENT = 12

_MAX_LINE_CHARS = 300  # of generated code, a line can have a megabyte; the name is near its beginning


@dataclass(slots=True)
class _Open:
    """A definition that may have members: where it is, and the indentation of the first line inside it."""

    indent: int
    name: str
    is_group: bool
    members_indent: int = -1


def pattern_definitions(lines: Sequence[str], language: str) -> list[Definition]:
    """Return the definitions one after the other."""
    found = list(_found(lines, language))
    if not found:
        return []
    starts: list[int] = []
    for index, _ in found:
        starts.append(first_line(index, lines, starts[-1] + 1 if starts else 0, language))
    ends = [*starts[1:], len(lines)]
    return [
        Definition(
            path=path, first=first, last=last, is_bare=sum(bool(WORD.search(line)) for line in lines[first:last]) <= 1
        )
        for (_, path), first, last in zip(found, starts, ends, strict=True)
    ]


def _found(lines: Sequence[str], language: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line and the path of each definition at the left margin, and of each member of a class."""
    open_: list[_Open] = []
    above = ""
    for index, line in enumerate(lines):
        start = line[:_MAX_LINE_CHARS].expandtabs(4)
        text = start.lstrip()
        if not text:
            above = ""
            continue
        indent = len(start) - len(text)
        if text[0] in "{})]" or (is_above(text, language) and not text.startswith("#define")):
            above = text
            continue
        while open_ and open_[-1].indent >= indent:
            open_.pop()
        outer = open_[-1] if open_ else None
        if outer and outer.members_indent < 0:
            outer.members_indent = indent
        if _may_be_defined(indent, outer) and (
            match := _match(text, above, is_member=outer is not None, language=language)
        ):
            name = match["name"].strip('"`:')
            is_group = _GROUP.match(match.groupdict().get("keyword") or "") is not None
            yield index, (*(each.name for each in open_ if each.is_group), name)
            open_.append(_Open(indent=indent, name=name, is_group=is_group))
        above = text


def _may_be_defined(indent: int, outer: _Open | None) -> bool:
    """Return whether a line may begin a definition: at the left margin, or as one of the members of a class."""
    if outer is None:
        return indent == 0
    return outer.is_group and indent == outer.members_indent and indent <= _MAX_INDENT


def _match(text: str, above: str, *, is_member: bool, language: str) -> re.Match[str] | None:
    match = _KEYWORD.match(text) or _BOUND.match(text) or _STATEMENT.match(text)
    if match and not (language in OF_C and text.rstrip().endswith(";")):
        return match
    if above and not is_above(above, language) and above[-1] not in "{}:;":
        return match
    if is_member:
        return _METHOD.match(text)
    other = _PROTOTYPE.match(text) if language in OF_C else None
    return other or match or _SIGNATURE.match(text) or _ASSIGNED.match(text)
