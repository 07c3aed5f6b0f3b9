"""Questions about a collection in a file: one JSON object {query, relevant} per line."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from ..core.errors import InvalidInput, NotFound, UnreadableFile
from ..pipeline.request import clean_query
from .judged import JudgedQuestion, JudgedSet, join_repeated
from .report.files import check_folder, write_errors_explained

ADVICE = "Choose another file."

EXAMPLE = '{"query": "how are sentences found", "relevant": ["document id"]}'


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """A question for a person to judge, about the passage in `text`. An empty query is still to be written."""

    query: str
    relevant: Sequence[str]
    text: str


def read_questions(path: Path, *, allow_unanswered: bool = False) -> JudgedSet:
    """Return the questions in a file. Query ids are line numbers; every document listed has grade 1.

    Lines without a query, such as drafts that nobody has filled in, are left out and counted. So are those with an
    empty list of relevant documents, which no document answers, unless `allow_unanswered` is true. Lines that repeat
    a question are joined with the first of it.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: The file is not UTF-8.
        InvalidInput: A line is malformed, which the message names, or no line has a question.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no file or folder {path}. Check the path, or let the command `resift eval --make {path}` draft "
            "questions into that file."
        )
    lines = enumerate(_text(path).split("\n"), start=1)
    entries = {str(number): _question(line, f"{path}:{number}") for number, line in lines if line.strip()}
    written = {key: each for key, each in entries.items() if each.query}
    questions = {key: each for key, each in written.items() if each.relevant or allow_unanswered}
    if not entries:
        raise InvalidInput(f"{path} holds no questions. Write one per line, such as {EXAMPLE}.")
    if not written:
        raise InvalidInput(
            f"{path} holds no questions yet: the `query` of every line is empty. Write at least one that its text "
            "answers; lines without one are left out."
        )
    if not questions:
        raise InvalidInput(
            f"{path} holds only questions that no document answers. Add at least one with the ids of documents that "
            f"do, such as {EXAMPLE}."
        )
    judged = JudgedSet(
        name=path.stem,
        queries={key: each.query for key, each in questions.items()},
        grades={key: dict.fromkeys(each.relevant, 1) for key, each in questions.items()},
        unwritten=len(entries) - len(written),
        unanswered=len(written) - len(questions),
    )
    return join_repeated(judged)


def write_drafts(path: Path, drafts: Iterable[DraftQuestion]) -> None:
    """Write one line per draft.

    Raises:
        InvalidInput: The file cannot be written.
    """
    lines = [json.dumps(asdict(draft), ensure_ascii=False) for draft in drafts]
    with write_errors_explained(path, ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def check_new(path: Path) -> None:
    """Check that a file does not exist yet and can be written; an existing one may hold somebody's judgements.

    Raises:
        InvalidInput: The file exists, or its folder is not writable.
    """
    if path.exists():
        raise InvalidInput(f"{path} already exists and was not overwritten. {ADVICE}")
    check_folder(path.parent, ADVICE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # Notepad and Excel begin files with a byte-order mark
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}. Save the file as UTF-8."
        ) from error


def _question(line: str, location: str) -> JudgedQuestion:
    """Return the question of a line, with an empty query if it is still to be written."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"{location} is not JSON: {error}. Write it as {EXAMPLE}.") from error
    entry = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    query, relevant = entry.get("query"), entry.get("relevant")
    if not isinstance(query, str) or not isinstance(relevant, list):
        raise InvalidInput(f"{location} has no query or no list of relevant ids. Write it as {EXAMPLE}.")
    try:
        query = clean_query(query) if query.strip() else ""
    except InvalidInput as error:
        raise InvalidInput(f"{location}: {error}") from error
    return JudgedQuestion(query, [str(each) for each in cast("list[Any]", relevant)])
