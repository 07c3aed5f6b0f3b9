from dataclasses import fields
from typing import Any

from resift.ingest.job import Failure, IngestReport


def test_reports_add_up_in_every_field() -> None:
    values: dict[str, Any] = {field.name: number for number, field in enumerate(fields(IngestReport), start=1)}
    values |= {"failures": (Failure("a.md", "No text."),), "notes": ("A note.",)}
    both = IngestReport(**values) + IngestReport(**values)
    assert {name: getattr(both, name) for name in values} == {name: value * 2 for name, value in values.items()}
    assert IngestReport() + both == both


def test_failed_documents_count_as_done() -> None:
    report = IngestReport(added=1, updated=2, unchanged=3, removed=4, failures=(Failure("a.md", "No text."),))
    assert report.documents == 7
