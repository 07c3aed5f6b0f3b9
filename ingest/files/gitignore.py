"""Reading .gitignore and .resiftignore files, within the roots and without following links."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ResiftError
from .ignoring import GIT_RULES, OWN_RULES, RuleFile, Rules, parse_rules
from .opening import OpenFolder, open_file
from .roots import Roots

MAX_BYTES = 1_000_000

REPOSITORY = ".git"

_EXCLUDE = Path(REPOSITORY, "info", "exclude")


@dataclass(frozen=True, slots=True)
class FoundRules:
    """The rules for a folder, and sentences on ignore files that could not be used, or not in full."""

    rules: Rules
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IgnoreFiles:
    """Which ignore files count, and where they may be read."""

    roots: Roots
    gitignore: bool = True
    """Whether .gitignore files count; .resiftignore files always do."""

    def above(self, top: Path) -> FoundRules:
        """Return the rules of the folders above one that the caller named, up to the top of the repository.

        If they ignore the folder itself, they do not apply: the caller wants it. Outside a repository there are none,
        because nothing says how far up to look.
        """
        repository = next((each for each in (top, *top.parents) if os.path.lexists(each / REPOSITORY)), None)
        if repository is None or repository == top:
            return FoundRules(Rules())
        roots = Roots.of([repository]) if self.roots.reads_rules_above else self.roots
        found = FoundRules(Rules())
        below = top.relative_to(repository).parts
        for depth, name in enumerate(below):
            folder = repository.joinpath(*below[:depth])
            names = [_EXCLUDE.as_posix()] if depth == 0 else []
            found = self._with(found, folder, [*names, GIT_RULES, OWN_RULES], roots)
            if found.rules.kind((folder / name).as_posix(), name, is_folder=True):
                return FoundRules(Rules(), found.problems)
        return found

    def inside(self, folder: OpenFolder, rules: Rules) -> FoundRules:
        """Return the rules for what lies in an open folder: those of the folders around it, and its own."""
        names = [entry.name for entry in folder.entries if entry.name in (REPOSITORY, GIT_RULES, OWN_RULES)]
        if not names:
            return FoundRules(rules)
        exclude: list[str] = []
        if REPOSITORY in names:
            rules, exclude = rules.of_repository(), [_EXCLUDE.as_posix()]
        own = [name for name in (GIT_RULES, OWN_RULES) if name in names]
        return self._with(FoundRules(rules), folder.path, [*exclude, *own], folder.roots)

    def _with(self, found: FoundRules, folder: Path, names: list[str], roots: Roots) -> FoundRules:
        files = [file for name in names if name == OWN_RULES or self.gitignore for file in _read(folder, name, roots)]
        problems = (problem for file in files for problem in file.problems)
        return FoundRules(found.rules.with_files(files), (*found.problems, *problems))


def _read(folder: Path, name: str, roots: Roots) -> Iterator[RuleFile]:
    """Yield the rules of a file in a folder, or none where there is no such file or it lies outside the roots."""
    path, kind = folder / name, OWN_RULES if name == OWN_RULES else GIT_RULES
    base = f"{folder.as_posix().rstrip('/')}/"
    if not roots.contain(path):
        return
    try:
        with open_file(path, roots) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return
    except (ResiftError, OSError) as error:
        if not os.path.lexists(path):
            return
        reason = error.strerror if isinstance(error, OSError) else "it is a link, a folder or a special file"
        yield RuleFile(kind, base, problems=(f"{path} was not used: {reason}.",))
        return
    if len(data) > MAX_BYTES:
        problem = f"{path} was not used: it has more than {MAX_BYTES:,} bytes."
        yield RuleFile(kind, base, problems=(problem,))
        return
    yield parse_rules(kind, base, data, shown=str(path))
