from dataclasses import fields
from typing import Any

import pytest

from resift.ingest.job import Failure, IngestReport


def test_reports_add_up_in_every_field() -> None:
    values: dict[str, Any] = {field.name: number for number, field in enumerate(fields(IngestReport), start=1)}
    values |= {"failures": (Failure("a.md", "No text."),), "notes": ("A note.",), "skipped": {"pdf": 3}}
    both = IngestReport(**values) + IngestReport(**values)
    doubled = {name: {"pdf": 6} if name == "skipped" else value * 2 for name, value in values.items()}
    assert {name: getattr(both, name) for name in values} == doubled
    assert IngestReport() + both == both


def test_failed_and_skipped_documents_count_as_done() -> None:
    failures = (Failure("a.md", "No text."),)
    report = IngestReport(added=1, updated=2, unchanged=3, removed=4, failures=failures, skipped={"blank": 2})
    assert report.documents == 9


@pytest.mark.parametrize("name", ["added", "updated", "unchanged", "removed"])
def test_report_is_empty_when_nothing_came_in_and_nothing_was_there(name: str) -> None:
    options: dict[str, Any] = {"failures": (Failure("a.md", "No text."),), "skipped": {"pdf": 3}}
    assert IngestReport(**options).is_empty
    assert not IngestReport(**{name: 1}, **options).is_empty
