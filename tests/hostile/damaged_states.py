"""Ways to damage a data directory: every kind of file, in every way, and what people and crashes do to folders."""

import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Damage = Callable[[Path], None]
"""Damages the folder of a collection, or a data directory."""

FILES = (
    "manifest.json",
    "shard/edge_config.json",
    "shard/segments/*/segment.json",
    "shard/segments/*/version.info",
    "shard/segments/*/mutable_id_tracker.mappings",
    "shard/segments/*/mutable_id_tracker.versions",
    "shard/segments/*/payload_index/config.json",
    "shard/segments/*/payload_index/*-document-map/bitmask.dat",
    "shard/segments/*/payload_index/*-document-map/config.json",
    "shard/segments/*/payload_index/*-document-map/gaps.dat",
    "shard/segments/*/payload_index/*-document-map/page_0.dat",
    "shard/segments/*/payload_index/*-document-map/tracker.dat",
    "shard/segments/*/payload_index/*-source-null/has_values/flags_a.dat",
    "shard/segments/*/payload_index/*-source-null/has_values/status.dat",
    "shard/segments/*/payload_index/*-ordinal-numeric/tracker.dat",
    "shard/segments/*/payload_storage/bitmask.dat",
    "shard/segments/*/payload_storage/config.json",
    "shard/segments/*/payload_storage/page_0.dat",
    "shard/segments/*/payload_storage/tracker.dat",
    "shard/segments/*/vector_storage-bm25/store/page_0.dat",
    "shard/segments/*/vector_storage-bm25/store/tracker.dat",
    "shard/segments/*/vector_storage-dense/deleted/status.dat",
    "shard/segments/*/vector_storage-dense/vectors/chunk_0.mmap",
    "shard/segments/*/vector_storage-dense/vectors/config.json",
    "shard/segments/*/vector_storage-dense/vectors/status.dat",
    "shard/wal/first-index",
    "shard/wal/open-*",
)
"""Files of a collection, one of each kind, as globs below its folder."""


def _truncate(path: Path, _: random.Random) -> None:
    os.truncate(path, 0)


def _halve(path: Path, _: random.Random) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _zero(path: Path, _: random.Random) -> None:
    size = path.stat().st_size
    os.truncate(path, 0)
    os.truncate(path, size)


def _garble(path: Path, draw: random.Random) -> None:
    with path.open("r+b") as file:
        for place in range(0, min(path.stat().st_size, 2**16), 64):
            file.seek(place)
            file.write(draw.randbytes(8))


def _delete(path: Path, _: random.Random) -> None:
    path.unlink()


def _make_folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link_nowhere(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _link_in_circle(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


WAYS = (_truncate, _halve, _zero, _garble, _delete, _make_folder, _link_nowhere, _link_in_circle)
SEED = 5


def damaged_collections() -> dict[str, Damage]:
    """Return the ways to damage a collection by their names, the same each time."""
    draw = random.Random(SEED)
    pairs = [(file, WAYS[number % len(WAYS)]) for number, file in enumerate(draw.sample(FILES, len(FILES)))]
    return {**{_name(file, way): _file_damage(file, way) for file, way in pairs}, **_MANIFESTS, **_FOLDERS}


def damaged_directories() -> dict[str, Damage]:
    """Return the ways to damage a data directory around its collections."""
    return _AROUND


def _name(file: str, way: Callable[..., None]) -> str:
    return f"{way.__name__.strip('_')} {file.removeprefix('shard/segments/*/')}"


def _file_damage(pattern: str, way: Callable[[Path, random.Random], None]) -> Damage:
    def damage(collection: Path) -> None:
        paths = sorted(collection.glob(pattern))
        assert paths, pattern
        for path in paths:
            way(path, random.Random(pattern))

    return damage


def _manifest(change: Mapping[str, Any] | str) -> Damage:
    def damage(collection: Path) -> None:
        path = collection / "manifest.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(change if isinstance(change, str) else json.dumps({**content, **change}), encoding="utf-8")

    return damage


_SIZED = {"model": "other@1", "dimension": 3, "kind": "dense"}
_MANIFESTS: dict[str, Damage] = {
    "manifest of a later version": _manifest({"schema_version": 99}),
    "manifest without vectors": _manifest({"vectors": {}}),
    "manifest with other vectors": _manifest({"vectors": {"dense": _SIZED}}),
    "manifest with a number for fields": _manifest({"fields": 7}),
    "manifest with an unknown field type": _manifest({"fields": {"kind": "colour"}}),
    "manifest with a bad tuning": _manifest({"tuning": {"default": {"weights": {"a": -1}, "depth": 0}}}),
    "manifest that is a list": _manifest("[]"),
    "manifest nested too deep": _manifest("[" * 100_000),
    "manifest with a lone surrogate": _manifest('{"vectors": "\\ud800"}'),
}


def _on(relative: str, change: Callable[[Path], Any]) -> Damage:
    return lambda folder: change(folder / relative) and None


def _replace_with_file(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.write_bytes(b"not a folder")


def _replace_with_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _add_folder_with_manifest(path: Path) -> None:
    path.mkdir()
    (path / "manifest.json").write_text("{}", encoding="utf-8")


_FOLDERS: dict[str, Damage] = {
    "shard is a file": _on("shard", _replace_with_file),
    "shard is gone": _on("shard", shutil.rmtree),
    "segments are gone": _on("shard/segments", shutil.rmtree),
    "segments are a file": _on("shard/segments", _replace_with_file),
    "log is gone": _on("shard/wal", shutil.rmtree),
    "empty segment": _on("shard/segments/00000000-0000-0000-0000-000000000000", lambda path: path.mkdir()),
    "file among the segments": _on("shard/segments/note.txt", lambda path: path.write_bytes(b"x")),
    "remains of an index": _on("index", _add_folder_with_manifest),
    "remains of a replaced shard": _on("shard.old", _add_folder_with_manifest),
    "shard left as replaced": lambda path: (path / "shard").rename(path / "shard.old") and None,
    "index is a file": _on("index", _replace_with_file),
}
_AROUND: dict[str, Damage] = {
    "folder with an impossible name": _on("collections/no name: 1", _add_folder_with_manifest),
    "folder with a name of control characters": _on("collections/a\x1b[31m\nb", _add_folder_with_manifest),
    "folder with a name that is not UTF-8": _on("collections/\udcff", _add_folder_with_manifest),
    "file among the collections": _on("collections/note.txt", _replace_with_file),
    "link to another collection": _on("collections/linked", lambda path: path.symlink_to("other")),
    "owner is garbage": _on("owner.json", lambda path: path.write_bytes(b"\xff{")),
    "owner is a folder": _on("owner.json", _replace_with_folder),
    "lock is a folder": _on(".lock", _replace_with_folder),
    "remains of a restoration": _on("restoring", _add_folder_with_manifest),
}
