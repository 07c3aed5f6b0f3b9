"""A damaged data directory: the damage is named, everything else works, and what is damaged can be replaced."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from resift.tests.hostile.command_runs import Ended, run
from resift.tests.hostile.damaged_states import damaged_collections, damaged_directories
from resift.tests.hostile.data_folders import (
    DOCUMENTS,
    OTHER,
    VICTIM,
    assert_found,
    assert_whole,
    copy,
    delete,
    ingest,
    make,
)
from resift.tests.hostile.server_process import Fault, Message, ServerProcess

pytestmark = pytest.mark.slow

VICTIMS = tuple(f"{VICTIM}-{number}" for number in range(5))  # damaged at once, each in a way of its own
COLLECTIONS = damaged_collections()
GROUPS = [tuple(COLLECTIONS)[start : start + len(VICTIMS)] for start in range(0, len(COLLECTIONS), len(VICTIMS))]
DIRECTORIES = damaged_directories()
UNUSABLE = {"lock is a folder": ".lock"}
"""States in which no collection can be opened, and what the messages have to name."""


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("victims"), (*VICTIMS, OTHER))


def _listed(server: ServerProcess) -> dict[str, Message]:
    return {each["name"]: each for each in server.call("list_collections", {}).value["collections"]}


def assert_named_or_whole(server: ServerProcess, name: str, problem: str, doctor: Ended) -> None:
    """Check that a collection is as it was, or that its damage is told."""
    is_named = doctor.code == 1 and name in doctor.out
    if problem and not is_named:
        raise Fault(f"doctor ends with {doctor.code} and does not name {problem!r}:\n{doctor.out[-2000:]}")
    if not is_named:
        assert_whole(server, name, range(DOCUMENTS))
        assert_found(server, name, 3)


def assert_survives(folder: Path, names: Sequence[str]) -> None:
    """Check what holds for every damaged data directory that can be opened; these collections may be damaged."""
    doctor = run(folder, "doctor")
    with ServerProcess(folder) as server:
        listed = _listed(server)
        assert listed[OTHER]["problem"] == ""
        assert_found(server, OTHER, 3)
        assert_whole(server, OTHER, range(0, DOCUMENTS, 4))
        for name in names:
            assert_named_or_whole(server, name, listed.get(name, {}).get("problem", ""), doctor)
        for name in names:
            if name in listed:
                delete(server, name, everything=True)
        assert not set(names) & set(_listed(server))
        ingest(server, names[0], [1])
        assert_found(server, names[0], 1)
        server.finish()


def assert_refuses(folder: Path, named: str) -> None:
    """Check that a data directory that cannot be used is refused with the reason."""
    doctor = run(folder, "doctor")
    assert doctor.code == 1
    assert named in doctor.out
    with ServerProcess(folder) as server:
        for name, arguments in (
            ("hybrid_search", {"query": "pump", "collection": OTHER}),
            ("delete_documents", {"collection": VICTIM, "everything": True}),
        ):
            refused = server.call(name, arguments)
            assert refused.is_error
            assert named in refused.text
        server.finish()


@pytest.mark.parametrize("states", GROUPS, ids=", ".join)
def test_damaged_collections_are_named_and_cost_nothing_else(
    states: Sequence[str], victims: Path, tmp_path: Path
) -> None:
    folder = copy(victims, tmp_path)
    for victim, state in zip(VICTIMS, states, strict=False):
        COLLECTIONS[state](folder / "data" / "collections" / victim)
    assert_survives(folder, VICTIMS)


@pytest.mark.parametrize("state", DIRECTORIES)
def test_damaged_data_directory_keeps_its_collections(state: str, library: Path, tmp_path: Path) -> None:
    folder = copy(library, tmp_path)
    DIRECTORIES[state](folder / "data")
    if state in UNUSABLE:
        assert_refuses(folder, UNUSABLE[state])
    else:
        assert_survives(folder, [VICTIM])


def test_there_are_enough_damaged_states() -> None:
    assert len(COLLECTIONS) + len(DIRECTORIES) >= 50
