"""The sets that a run learns from and is stopped by: folders of judged questions, and pools of graded lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import InvalidInput
from ..evaluation.beir import splits
from ..evaluation.graded import CORPUS_FILE, LISTS_FILE, read_pools
from ..models.bundled import sha256_of

POOLS = re.compile(r"(?P<folder>.+):(?P<pools>[\w.-]+(?:,[\w.-]+)*)")


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A folder of judged questions in BEIR form or, with `pool`, one pool of a folder of graded lists.

    `split` is that of the folder's questions, if another one than the plan's.
    """

    folder: Path
    pool: str = ""
    split: str = ""

    def __str__(self) -> str:
        """Return the set as on the command line."""
        return f"{self.folder}:{self.pool}" if self.pool else str(self.folder)

    @property
    def name(self) -> str:
        """Return the name of the folder, with that of the pool or of its own split."""
        name = self.folder.resolve().name
        if self.split:
            return f"{name} ({self.split})"
        return f"{name}:{self.pool}" if self.pool else name

    def sums(self, split: str) -> str:
        """Return the beginnings of the checksums of the files that hold the set."""
        graded, judged = (LISTS_FILE, CORPUS_FILE), (CORPUS_FILE, "queries.jsonl", f"qrels/{self.split or split}.tsv")
        return " ".join(sha256_of(self.folder / name)[:12] for name in (graded if self.pool else judged))


Mix = Mapping[LabelledSet, float]
"""Sets with their weights: how often lists are drawn from one, in proportion to the others."""


def has_graded_lists(folder: Path) -> bool:
    """Return whether a folder holds graded lists."""
    return (folder / LISTS_FILE).is_file()


def read_sets(data: Sequence[str], dev: Sequence[str], dev_split: str = "") -> tuple[Mix, list[LabelledSet]]:
    """Return the sets to learn from with their weights, and the sets that only decide when to stop.

    data: `FOLDER` or `FOLDER=WEIGHT`; dev: `FOLDER`. A folder of graded lists stands for all its pools, and
    `FOLDER:POOL,POOL` for some. The pools share the folder's weight in proportion to their lists. Where `data` names no
    pools of a folder, those that `dev` names are left out. `dev_split` is the split of the folders of `dev` that
    have no pools; empty is that of `data`.

    Raises:
        InvalidInput: A weight is not a positive number, a pool does not exist, a set is given twice, or `dev_split` has
            no effect.
    """
    held_out = [each for spec in dev for each in _sets("--dev", spec, ())]
    if dev_split and all(each.pool for each in held_out):
        raise InvalidInput("--dev-split is for a folder of judged questions in --dev, and there is none. Leave it out.")
    held_out = [each if each.pool else replace(each, split=dev_split) for each in held_out]
    mix: dict[LabelledSet, float] = {}
    for spec in data:
        name, weight = split_weight("--data", spec)
        sets = _sets("--data", name, held_out)
        for each, size in sets.items():
            if each in mix:
                raise InvalidInput(f"--data {each} is given twice. Give it once, with the sum of the weights.")
            mix[each] = weight * size / sum(sets.values())
    return mix, held_out


def split_weight(option: str, spec: str) -> tuple[str, float]:
    """Return the two parts of `NAME` or `NAME=WEIGHT`, in which a missing weight is 1.

    Raises:
        InvalidInput: The weight is not a positive number.
    """
    name, _, given = spec.rpartition("=") if "=" in spec else (spec, "", "1")
    try:
        weight = float(given)
    except ValueError as error:
        raise InvalidInput(f"{option} {spec!r}: {given!r} is not a number. Write FOLDER or FOLDER=WEIGHT.") from error
    if not 0 < weight < float("inf"):
        raise InvalidInput(f"{option} {spec!r}: the weight must be greater than 0 and finite.")
    return name, weight


def _sets(option: str, spec: str, held_out: Sequence[LabelledSet]) -> dict[LabelledSet, int]:
    """Return the sets that a folder or some of its pools stand for, with sizes to share a weight by."""
    folder, wanted = _pools_of(spec)
    if not has_graded_lists(folder):
        if wanted:
            raise InvalidInput(f"{option} {spec}: {folder} has no {LISTS_FILE}. Only graded lists have pools.")
        return {LabelledSet(folder): 1}
    pools = read_pools(folder)
    if unknown := [each for each in wanted if each not in pools]:
        raise InvalidInput(f"{option} {spec}: {folder} has no pool {unknown[0]!r}. Its pools: {', '.join(pools)}.")
    kept_aside = {each.pool for each in held_out if each.folder.resolve() == folder.resolve()}
    chosen = wanted or [each for each in pools if each not in kept_aside]
    if not chosen:
        raise InvalidInput(f"{option} {spec}: --dev has all its pools. Name some of them there: {folder}:POOL,POOL.")
    return {LabelledSet(folder, each): len(pools[each].questions) for each in chosen}


def _pools_of(spec: str) -> tuple[Path, list[str]]:
    """Return the folder and the pools of `FOLDER` or `FOLDER:POOL,POOL`; a folder's own name may have colons."""
    found = POOLS.fullmatch(spec)
    if found is None or Path(spec).exists() or not Path(found["folder"]).is_dir():
        return Path(spec), []
    return Path(found["folder"]), list(dict.fromkeys(found["pools"].split(",")))


def check_sets(option: str, sets: Sequence[LabelledSet], split: str) -> None:
    """Check that every folder of judged questions has its files and the split.

    Raises:
        InvalidInput: A folder or a file is missing, or the split is.
    """
    for folder, wanted in ((each.folder, each.split or split) for each in sets if not each.pool):
        missing = [name for name in (CORPUS_FILE, "queries.jsonl") if not (folder / name).is_file()]
        if missing:
            what = f"{folder} has no {' and no '.join(missing)}" if folder.is_dir() else f"there is no folder {folder}"
            raise InvalidInput(
                f"{option}: {what}. A judged set has {CORPUS_FILE}, queries.jsonl and qrels/<split>.tsv; graded lists "
                f"are {LISTS_FILE} and {CORPUS_FILE}."
            )
        if wanted not in (known := splits(folder)):
            chosen_by = "--dev-split" if option == "--dev" else "--split"
            raise InvalidInput(
                f"{option}: {folder} has no split {wanted!r}. Its splits: {', '.join(known) or 'none'}. "
                f"Choose one that every folder has with {chosen_by}."
            )


def check_distinct(sets: Sequence[LabelledSet]) -> None:
    """Check that no two sets share a name.

    Raises:
        InvalidInput: Two sets have the same name, or are the same.
    """
    names: dict[str, LabelledSet] = {}
    for each in sets:
        if each.name in names:
            raise InvalidInput(
                f"{names[each.name]} and {each} have the same name or are the same. Rename one; a set must not be "
                "used both to learn from and to decide when to stop."
            )
        names[each.name] = each
