"""Which changes of files matter: those of files that an ingestion would take, and of the rules for what it takes."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core.errors import ResiftError
from ..files import kinds
from ..files.gitignore import IgnoreFiles
from ..files.glob import Glob
from ..files.ignoring import GIT_RULES, OWN_RULES, Rules
from ..files.opening import open_folder
from ..files.roots import Roots
from ..parsers.registry import has_parser
from ..text.junk import junk_by_name


def relevant_changes(
    paths: Iterable[str], tops: Sequence[Path], *, glob: str, roots: Roots, gitignore: bool
) -> list[Path]:
    """Return those of the changed paths, sorted, that an ingestion of the folders `tops` may have to look at.

    The paths need not exist any more. Ignore files are read once for each folder.
    """
    search = _Search(roots, Glob.of(glob), IgnoreFiles(roots, gitignore))
    return [path for path in sorted(map(Path, paths)) if any(search.matters(path, top) for top in tops)]


class _Search:
    """The rules of the folders that were looked at so far."""

    def __init__(self, roots: Roots, glob: Glob, ignore_files: IgnoreFiles) -> None:
        self._roots = roots
        self._glob = glob
        self._ignore_files = ignore_files
        self._rules: dict[Path, Rules | None] = {}

    def matters(self, path: Path, top: Path) -> bool:
        """Return whether a change of a path below a folder matters."""
        if not path.is_relative_to(top) or self._roots.is_own(path):
            return False
        parts = path.relative_to(top).parts
        if not parts:
            return True
        rules = self._rules_in(path.parent, top)
        if rules is None:
            return False
        return path.name in (GIT_RULES, OWN_RULES) or self._is_taken(path, parts, rules)

    def _is_taken(self, path: Path, parts: tuple[str, ...], rules: Rules) -> bool:
        name = path.name
        if name.startswith(".") or kinds.is_secret(name) or junk_by_name(name):
            return False
        is_folder = path.is_dir()
        if rules.kind(path.as_posix(), name, is_folder=is_folder):
            return False
        if is_folder:
            return not kinds.is_generated(name)
        if not has_parser(name):
            if kinds.kind_of(name) != kinds.BINARY:
                return False
            if not path.exists():  # it may have been a folder, whatever the glob
                return True
        return self._glob.matches(parts)

    def _rules_in(self, folder: Path, top: Path) -> Rules | None:
        """Return the rules for what lies in a folder, or None if the folder is not searched."""
        if folder not in self._rules:
            self._rules[folder] = self._found_rules(folder, top)
        return self._rules[folder]

    def _found_rules(self, folder: Path, top: Path) -> Rules | None:
        if folder == top:
            rules = self._ignore_files.above(top).rules
        else:
            around = self._rules_in(folder.parent, top)
            if around is None or folder.name.startswith(".") or kinds.is_generated(folder.name):
                return None
            if around.kind(folder.as_posix(), folder.name, is_folder=True):
                return None
            rules = around
        try:
            with open_folder(folder, self._roots) as opened:
                return self._ignore_files.inside(opened, rules).rules
        except (ResiftError, OSError):  # it is gone, and what was in it too
            return rules
