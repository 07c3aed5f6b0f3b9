"""A folder of files whose times are known, ingested again and again."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from resift.ingest.files.roots import Roots
from resift.ingest.parsing import Part, parse_file
from resift.ingest.reader import Parse
from resift.ingest.report import IngestReport
from resift.ingest.sources import files_below
from resift.store.collection import Collection
from resift.store.filters import FIRST_PASSAGES, All, AnyOf
from resift.store.protocols import Entry
from resift.tests.ingest.harness import Harness

MAX_BYTES = 100_000

LONG_AGO_NS = 1_700_000_000_123_456_789


class Folder:
    """A folder of files whose times of modification are long past and all different."""

    def __init__(self, path: Path, harness: Harness) -> None:
        self.path = path
        self.harness = harness
        self._time_ns = LONG_AGO_NS

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self.touch(name)

    def touch(self, name: str) -> Path:
        self._time_ns += 1_000_000
        os.utime(self.path / name, ns=(self._time_ns, self._time_ns))
        return self.path / name

    def move(self, old: str, new: str) -> None:
        (self.path / new).parent.mkdir(parents=True, exist_ok=True)
        (self.path / old).rename(self.path / new)

    async def ingest(
        self,
        *,
        prune: bool = False,
        metadata: dict[str, Any] | None = None,
        parse: Parse = parse_file,
        **options: Any,
    ) -> IngestReport:
        roots = Roots.of([self.path])
        files = files_below(["."], glob="**/*", roots=roots, metadata=metadata or {}, max_bytes=MAX_BYTES)
        self.harness.encoder.texts.clear()
        return await self.harness.ingest_files(
            replace(files, parse=parse), prune_below=files.folders if prune else (), **options
        )

    async def collection(self) -> Collection:
        return await self.harness.store.open(self.harness.name)

    async def held(self) -> dict[str, Entry]:
        """Return the entries by the path below the folder."""
        entries = await (await self.collection()).entries()
        return {id_.removeprefix(f"{self.path.as_posix()}/"): entry for id_, entry in entries.items()}

    async def set_on_first_passages(self, values: dict[str, Any], *names: str) -> None:
        ids = tuple(f"{self.path}/{name}" for name in names)
        where = All((AnyOf("document_id", ids), FIRST_PASSAGES))
        await (await self.collection()).set_payload(where, values)

    @property
    def encoded(self) -> list[str]:
        return self.harness.encoder.texts


def counts(report: IngestReport) -> dict[str, int]:
    names = ("added", "updated", "renamed", "unchanged", "removed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def split(source: str, data: bytes | str) -> Sequence[Part]:
    """Parse a file whose paragraphs are documents of their own, as archives and mailboxes hold them."""
    found: list[Part] = []
    for text in (data if isinstance(data, str) else data.decode()).split("\n\n"):
        [part] = [Part(problem="It is broken.")] if "broken" in text else parse_file(f"{source}.md", text.encode())
        found.append(replace(part, name=f"{text.split()[0]}.md"))
    return found


async def ingest_box(folder: Folder, *texts: str, name: str = "a.txt") -> IngestReport:
    folder.write(name, "\n\n".join(texts))
    return await folder.ingest(parse=split)
