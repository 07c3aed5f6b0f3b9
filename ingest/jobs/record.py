"""The record of a background job: what it is, how far it is, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Self, cast

from pydantic import TypeAdapter, ValidationError

from ...core import errors
from ...core.errors import Hint, ResiftError
from ..report import IngestReport

VERSION = 1

MOST_CRASHES = 3  # of the engine in a row without getting further

LOST = "It failed with {kind}, which this version does not know: {message}"


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    """It waits for other jobs, for maintenance to end, or for an engine."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptError:
    """An error of ours, so that each edge can tell it in words of its own later."""

    kind: str
    message: str
    hint: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, error: ResiftError) -> Self:
        """Return what is kept of an error."""
        hint = error.hint.name if error.hint else ""
        return cls(kind=type(error).__name__, message=str(error.args[0]), hint=hint, values=error.values)

    def restored(self) -> ResiftError:
        """Return the error."""
        kind: Any = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, ResiftError)):
            return ResiftError(LOST.format(kind=self.kind, message=self.message))
        hint = Hint.__members__.get(self.hint)
        return kind(self.message, hint=hint, **self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as it is kept. Times are ISO 8601 in UTC."""

    id: str
    collection: str
    what: str
    """What is ingested, in short."""
    caller: Mapping[str, Any]
    """Who asked for it, and what they may do; the API writes and reads it."""
    created: str
    started: str = ""
    ended: str = ""
    state: JobState = JobState.QUEUED
    permille: int = 0
    """How much of it is done, in thousandths."""
    message: str = ""
    documents: int = 0
    """How many documents the current attempt is done with, those among them that were stored already."""
    documents_before: int = 0
    """The most that an attempt was done with when the engine ended without warning."""
    crashes: int = 0
    """How often in a row it ended so without getting further."""
    error: KeptError | None = None
    report: IngestReport | None = None
    is_told: bool = False
    """Whether somebody has seen how it ended."""

    @property
    def has_ended(self) -> bool:
        """Return whether nothing more happens."""
        return self.state in ENDED

    def encode(self) -> bytes:
        """Return the content of the record's file."""
        return json.dumps({"version": VERSION, **_adapter().dump_python(self, mode="json")}).encode()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return the record in a file.

        Raises:
            ValueError: It is damaged, or another version wrote it.
        """
        values: Any = json.loads(content)
        if not isinstance(values, dict):
            raise ValueError("it is not an object")  # noqa: TRY004 - one kind of error for all that can be wrong
        fields = cast("dict[str, Any]", values)
        version = fields.pop("version", None)
        if version != VERSION:
            raise ValueError(f"its version is {version!r}, and this Resift reads {VERSION}")
        try:
            return cast("Self", _adapter().validate_python(fields))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{place}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[JobRecord]:
    return TypeAdapter(JobRecord)
