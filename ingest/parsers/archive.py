"""Zip archives: each file in them is a document of its own, by the rules that hold for folders."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...core.errors import BlankFile, ResiftError
from ..files import kinds
from ..packed.zip_members import Archive, PackedFile
from ..text.decoding import SAMPLE_BYTES, looks_like_text
from ..text.junk import FIRST_LINE_BYTES, QUESTION_FILES, junk_by_content, junk_by_name
from .protocols import Content, InnerDocument


class ZipContainer:
    """Reads the files of zip archives."""

    suffixes = frozenset((".zip",))
    is_binary = True

    def __init__(self, *, has_parser: Callable[[str], bool]) -> None:
        self._has_parser = has_parser
        """Returns whether files of a name are read, whatever is in them."""

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the files of an archive, without hidden, secret and generated ones and formats that nothing reads.

        Raises:
            UnreadableFile: It is damaged, or would unpack to far more than its size.
            BlankFile: Every file in it is left out.
        """
        archive = Archive(content.data)
        taken, left_out = self._taken(archive)
        note = _note(left_out)
        if not taken:
            raise BlankFile(f"There is no file in it that Resift reads. {note}".rstrip())
        for place, member in enumerate(taken):
            document = _document(archive, member)
            yield document if place else replace(document, note=note)

    def _taken(self, archive: Archive) -> tuple[Sequence[PackedFile], Counter[str]]:
        """Return the files to read, and how many other files and folders there are of each kind."""
        taken: list[PackedFile] = []
        left_out: dict[str, str] = {}
        for member in archive.members():
            place, kind = ("", "") if member.problem else self._left_out(archive, member)
            if kind:
                left_out[place] = kind
            else:
                taken.append(member)
        return taken, Counter(left_out.values())

    def _left_out(self, archive: Archive, member: PackedFile) -> tuple[str, str]:
        """Return the file or the outermost folder that is left out, as in a folder, and its kind or ""."""
        *folders, name = PurePosixPath(member.path).parts
        for depth, folder in enumerate(folders, start=1):
            if kind := kinds.kind_of_folder(folder):
                return "/".join(folders[:depth]), kind
        reasons = (
            (kinds.SECRETS, lambda: kinds.holds_secrets(Path(member.path))),
            (kinds.HIDDEN, lambda: name.startswith(".")),
            (kinds.EMPTY, lambda: not member.info.file_size),
            (junk_by_name(name), lambda: bool(junk_by_name(name))),
            (kinds.kind_of(name), lambda: not self._is_readable(archive, member)),
            (QUESTION_FILES, lambda: bool(junk_by_content(archive.start(member, FIRST_LINE_BYTES)))),
        )
        return member.path, next((kind for kind, holds in reasons if holds()), "")

    def _is_readable(self, archive: Archive, member: PackedFile) -> bool:
        """Return whether a parser knows the suffix of a file, or the file looks like text."""
        if self._has_parser(member.path):
            return True
        is_known = kinds.kind_of(member.path) != kinds.BINARY
        return not is_known and looks_like_text(archive.start(member, SAMPLE_BYTES))


def _document(archive: Archive, member: PackedFile) -> InnerDocument:
    try:
        data = b"" if member.problem else archive.read(member)
    except ResiftError as error:
        return InnerDocument(member.path, problem=str(error))
    return InnerDocument(member.path, data=data, problem=member.problem)


def _note(left_out: Counter[str]) -> str:
    return f"Of the files in it, these were left out: {kinds.counts_of(left_out)}." if left_out else ""
