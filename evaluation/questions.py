"""Judged questions over a collection that is there already: one JSON object {query, relevant} a line."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from ..core.errors import InvalidInput, NotFound, UnreadableFile
from ..pipeline.question import check_query
from .judged import Judged
from .report.files import check_folder, told_when_refused

ELSEWHERE = "Name a new file."

FORM = '{"query": "how are sentences found", "relevant": ["document id"]}'


@dataclass(frozen=True, slots=True)
class Draft:
    """A line for a person to judge: `text` is the passage it was drawn from; the query may be empty still."""

    query: str
    relevant: Sequence[str]
    text: str


def read_questions(path: Path) -> Judged:
    """Return the questions of a file. Their ids are line numbers; every document they name is graded 1.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It is not UTF-8.
        InvalidInput: A line, which is named, is no question, or nobody has filled it in.
    """
    if not path.is_file():
        raise NotFound(f"No file or folder {path}. `resift eval --make {path}` starts a list of questions there.")
    queries: dict[str, str] = {}
    grades: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            queries[str(number)], relevant = _question(line, f"{path}:{number}")
            grades[str(number)] = dict.fromkeys(relevant, 1)
    if not queries:
        raise InvalidInput(f"{path} holds no questions. Write one a line, such as {FORM}.")
    return Judged(path.stem, [], queries=queries, grades=grades)


def write_drafts(path: Path, drafts: Iterable[Draft]) -> None:
    """Write one line for each draft.

    Raises:
        InvalidInput: The file cannot be written.
    """
    lines = [json.dumps(asdict(draft), ensure_ascii=False) for draft in drafts]
    with told_when_refused(path, ELSEWHERE):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def check_fresh(path: Path) -> None:
    """Refuse a file that is there already, for somebody's judgements may be in it, or that cannot be written.

    Raises:
        InvalidInput: It is there, or its folder takes no file.
    """
    if path.exists():
        raise InvalidInput(f"{path} is there already and is not written over. {ELSEWHERE}")
    check_folder(path.parent, ELSEWHERE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error


def _question(line: str, place: str) -> tuple[str, list[str]]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"{place} is not JSON: {error}. Write it as {FORM}.") from error
    entry = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    query, relevant = entry.get("query"), entry.get("relevant")
    if not isinstance(query, str) or not isinstance(relevant, list) or not relevant:
        raise InvalidInput(f"{place} has no query, or no list of relevant ids. Write it as {FORM}.")
    if not query.strip():
        raise InvalidInput(f"{place}: the query is empty. Write what its text answers, or delete the line.")
    try:
        query = check_query(query)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error}") from error
    return query, [str(each) for each in cast("list[Any]", relevant)]
