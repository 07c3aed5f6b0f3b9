"""Passages as the payload of a point, the same in every store, so that a collection can move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.values import Passage
from .conditions import FLAGS, flags_of
from .store import Point
from .vectors import AnyVector


def payload_of(point: Point) -> dict[str, Any]:
    """Return what is stored beside a point's vectors."""
    passage = point.passage
    return {
        "document_id": passage.document_id,
        "ordinal": passage.ordinal,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "source": passage.source,
        "start_line": passage.start_line,
        "end_line": passage.end_line,
        "metadata": dict(passage.metadata),
        FLAGS: flags_of(passage.metadata),
        "digest": point.digest,
        "passages": point.passages,
    }


def to_passage(payload: Mapping[str, Any]) -> Passage:
    """Return the passage in a payload."""
    return Passage(
        document_id=payload["document_id"],
        ordinal=payload["ordinal"],
        title=payload["title"],
        heading=payload["heading"],
        text=payload["text"],
        source=payload["source"],
        start_line=payload["start_line"],
        end_line=payload["end_line"],
        metadata=payload["metadata"],
    )


def from_payload(payload: Mapping[str, Any], vectors: Mapping[str, AnyVector]) -> Point:
    """Return the point that was stored."""
    return Point(to_passage(payload), payload["digest"], payload["passages"], vectors)
