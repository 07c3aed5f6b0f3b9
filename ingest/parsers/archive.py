"""Zip archives: each file in them is a document of its own, by the rules that hold for folders."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...core.errors import BlankFile, ResiftError
from ..packed.zip_members import Archive, PackedFile
from ..text.decoding import SAMPLE_BYTES, looks_like_text
from ..text.junk import junk_by_name
from .protocols import Content, InnerDocument


class ZipContainer:
    """Reads the files of zip archives."""

    suffixes = frozenset((".zip",))
    is_binary = True

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the files of an archive, without hidden, secret and generated ones and formats that nothing reads.

        Raises:
            UnreadableFile: It is damaged, or would unpack to far more than its size.
            BlankFile: Every file in it is left out.
        """
        archive = Archive(content.data)
        taken, left_out = _taken(archive)
        note = _note(left_out)
        if not taken:
            raise BlankFile(f"There is no file in it that Resift reads. {note}".rstrip())
        for place, member in enumerate(taken):
            document = _document(archive, member)
            yield document if place else replace(document, note=note)


def _document(archive: Archive, member: PackedFile) -> InnerDocument:
    try:
        data = b"" if member.problem else archive.read(member)
    except ResiftError as error:
        return InnerDocument(member.path, problem=str(error))
    return InnerDocument(member.path, data=data, problem=member.problem)


def _taken(archive: Archive) -> tuple[Sequence[PackedFile], Counter[str]]:
    """Return the files to read, and how many others there are of each kind."""
    taken: list[PackedFile] = []
    left_out: Counter[str] = Counter()
    for member in archive.members():
        if kind := "" if member.problem else _kind_of(archive, member):
            left_out[kind] += 1
        else:
            taken.append(member)
    return taken, left_out


def _kind_of(archive: Archive, member: PackedFile) -> str:
    """Return the kind as which a file is left out, as the same file in a folder would be, or ""."""
    from ..files import skipping  # which asks the registry, and that knows this container

    *folders, name = PurePosixPath(member.path).parts
    reasons = (
        (skipping.SECRETS, lambda: skipping.holds_secrets(Path(member.path))),
        (skipping.HIDDEN, lambda: any(part.startswith(".") for part in (*folders, name))),
        (skipping.GENERATED_FOLDERS, lambda: any(map(skipping.is_generated, folders))),
        (skipping.EMPTY, lambda: not member.info.file_size),
        (junk_by_name(name), lambda: bool(junk_by_name(name))),
        (skipping.kind_of(name), lambda: not _is_readable(archive, member)),
    )
    return next((kind for kind, holds in reasons if holds()), "")


def _is_readable(archive: Archive, member: PackedFile) -> bool:
    """Return whether a parser knows the suffix of a file, or the file looks like text."""
    from ..files import skipping
    from .registry import installed_parsers

    if installed_parsers().for_file(member.path) is not None:
        return True
    is_known = skipping.kind_of(member.path) != skipping.BINARY
    return not is_known and looks_like_text(archive.start(member, SAMPLE_BYTES))


def _note(left_out: Counter[str]) -> str:
    from ..files.skipping import counts_of

    return f"Of the files in it, these were left out: {counts_of(left_out)}." if left_out else ""
