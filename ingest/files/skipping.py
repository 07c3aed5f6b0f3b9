"""What a caller is told about what was skipped or failed: notes, reasons and advice."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from ...core.extras import install_line
from ...core.text import cut, cut_middle
from ..parsers.registry import installed_parsers
from ..parsers.scans.pictures import SUFFIXES as PICTURES
from ..report import IngestReport
from ..text.junk import KINDS, QUESTION_FILES
from . import kinds
from .ignoring import GIT_RULES, IGNORED, OWN_RULES

MAX_FAILURES = 3  # in the message of a call in which nothing came in

MAX_CHARACTERS = 300  # of a source or a reason in it

_NAMED = KINDS | {QUESTION_FILES, kinds.SECRETS, kinds.DANGLING, kinds.OUTSIDE}
"""The kinds that a note names the first files of: documents may be among them."""

_SAVE_AS: Mapping[str, str] = {
    "doc": "Save it as .docx first.",
    "ppt": "Save it as .pptx first.",
    "odt": "Save it as .docx or PDF first.",
}

_ADVICE: Mapping[str, str] = {
    kinds.OTHER_NAMES: "To ingest more, widen the glob.",
    kinds.HIDDEN: "To ingest hidden files, name them.",
    kinds.HIDDEN_FOLDERS: "To ingest hidden folders, name them.",
    kinds.GENERATED_FOLDERS: "To ingest folders such as node_modules, vendor and build, name them.",
    kinds.OUTSIDE: "To follow such links, name them on the command line; for the tools, whoever runs Resift has to add "
    "their folders to RESIFT_INGEST_ROOTS.",
    IGNORED[GIT_RULES]: "To ingest what .gitignore leaves out, name it, or set RESIFT_INGEST__GITIGNORE=false.",
    IGNORED[OWN_RULES]: "To ingest what .resiftignore leaves out, name it or change that file.",
    QUESTION_FILES: "To ingest the questions of `resift eval`, name their file.",
    kinds.SECRETS: "Files that hold secrets, such as .env and private keys, are never ingested.",
}


def why_unreadable(kind: str) -> str:
    """Return why a named file of a known suffix cannot be read, and what to do."""
    if f".{kind}" in PICTURES:
        return f"Reading text in .{kind} files needs the extra 'ocr'. Run `{install_line('ocr')}` to install it."
    return f"Resift cannot read .{kind} files. {_SAVE_AS.get(kind, 'Convert the file to text first.')}"


def advice_on(skipped: Mapping[str, int]) -> list[str]:
    """Return what a caller can do about the kinds that were skipped."""
    known = sorted(kind for kind in skipped if f".{kind}" in kinds.NON_TEXT_SUFFIXES)
    pictures = [kind for kind in known if f".{kind}" in PICTURES]
    formats = [kind for kind in known if kind not in pictures]
    convert = [f"Resift cannot read {_suffixes(formats)} files. Convert those that matter to text."] if formats else []
    if pictures:
        convert.append(f"To read the text in {_suffixes(pictures)} files, run `{install_line('ocr')}`.")
    junk = [] if KINDS.isdisjoint(skipped) else ["To ingest minified, generated or encoded files, name them."]
    return [*convert, *junk, *(advice for kind, advice in _ADVICE.items() if kind in skipped)]


def _suffixes(formats: Sequence[str]) -> str:
    return ", ".join(f".{each}" for each in formats[: kinds.MAX_KINDS])


def notes_on(report: IngestReport, folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return what to tell the caller about what was skipped; files outside the glob only if nothing was ingested.

    The first files that may matter to the caller are named, relative to the folders that he gave.
    """
    skipped = {kind: count for kind, count in report.skipped.items() if report.is_empty or kind != kinds.OTHER_NAMES}
    if skipped:
        examples = {
            kind: [_below(folders, source) for source in report.examples.get(kind, ())]
            for kind in skipped
            if kind in _NAMED
        }
        return (" ".join([f"Skipped {kinds.counts_of(skipped, examples)}.", *advice_on(skipped)]),)
    return ("No files were found.",) if report.is_empty and not report.failures else ()


def _below(folders: Sequence[Path], source: str) -> str:
    """Return a path below one of the folders relative to it, and the name of any other."""
    path = PurePath(source)
    return next((path.relative_to(each).as_posix() for each in folders if path.is_relative_to(each)), path.name)


def why_empty(report: IngestReport) -> str:
    """Return why nothing was ingested and what can be done about it, from the first failures and the notes."""
    shown = [
        f"{cut_middle(each.source, MAX_CHARACTERS)}: {cut(each.reason, MAX_CHARACTERS)}" for each in report.failures
    ]
    more = [f"And {len(shown) - MAX_FAILURES:,} more failed."] if len(shown) > MAX_FAILURES else []
    return " ".join([*shown[:MAX_FAILURES], *more, *report.notes, readable_formats(report)]).rstrip()


def readable_formats(report: IngestReport) -> str:
    """Return which files can be read, as a sentence, or "" if no file is in a format that cannot be read."""
    if not any(f".{kind}" in kinds.NON_TEXT_SUFFIXES or kind == kinds.BINARY for kind in report.skipped):
        return ""
    parsers = installed_parsers()
    suffixes: dict[str, list[str]] = {name: [] for name in parsers.by_name}
    for suffix, parser in sorted(parsers.by_suffix.items()):
        name = next(name for name, each in parsers.by_name.items() if each is parser)
        suffixes[name].append(suffix)
    formats = "; ".join(f"{name} ({' '.join(found)})" for name, found in suffixes.items() if found)
    return f"Resift reads {formats}; and any other file of UTF-8 text."
