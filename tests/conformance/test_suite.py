"""The official conformance suite passes over HTTP, apart from what does not apply to Resift."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml

from resift.tests.conformance.node import FOLDER, SUITE, needs_node, run_node
from resift.tests.server.processes import http_server

pytestmark = [pytest.mark.slow, needs_node]

BASELINE = FOLDER / "expected-failures.yml"
VERSIONS = ("2025-11-25", "2026-07-28")
LEAST_PASSED = {"2025-11-25": 35, "2026-07-28": 85}
"""What passed at the least, in checks: those of the wire format among them, which every scenario makes."""

ABSENT = re.compile(
    r"There is no (tool|prompt) 'test_\w+'|diagnostic tool 'test_\w+'|Tool 'json_schema_2020_12_tool' not found"
    r"|Unknown resource: test://|no tool with x-mcp-header"
)
"""What a check says that asks for something of the suite's demonstration server."""
TOLD_ELSEWHERE = {
    "input-required-result-missing-input-response:sep-2322-missing-response-rerequests": "returned JSON-RPC error",
    "input-required-result-multi-round:sep-2322-multi-round-r1": "Expected InputRequiredResult with inputRequests",
    "input-required-result-tampered-state:sep-2322-reject-tampered-state": "could not get initial InputRequiredResult",
}
"""Checks that call one of the absent tools too, and keep its answer to themselves."""
NOT_DECLARED = {
    "completion-complete": ("completions", "Method not found"),
    "logging-set-level": ("logging", "Method not found"),
    "tools-call-with-logging": ("logging", "Method not found"),
    "resources-subscribe": ("subscribe", "Method not found"),
    "resources-unsubscribe": ("subscribe", "Method not found"),
}
"""Scenarios of a capability that is not declared, so that no client asks for it."""
WITHOUT_SESSIONS = re.compile(r"did not provide session ID|did not send (priming event|retry field)")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    """As in the baseline."""
    status: str
    told: str


@dataclass(frozen=True, slots=True)
class Report:
    exit_code: int
    output: str
    checks: tuple[Check, ...]

    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.status in {"FAILURE", "WARNING"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with http_server(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture(scope="module")
def reports(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    return {version: _run(url, version, tmp_path_factory.mktemp(version)) for version in VERSIONS}


def _run(url: str, version: str, folder: Path) -> Report:
    arguments = ("--suite", "all", "--spec-version", version, "--expected-failures", str(BASELINE), "-o", str(folder))
    done = run_node(folder, SUITE, "server", "--url", url, *arguments)
    checks = [
        Check(f"{scenario}:{each['id']}", each["status"], f"{each.get('errorMessage')} {each.get('details')}")
        for path in sorted(folder.glob("server-*/checks.json"))
        for scenario in [re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\dZ-]+$", "", path.parent.name)]
        for each in cast("list[dict[str, Any]]", json.loads(path.read_text(encoding="utf-8")))
    ]
    return Report(done.returncode, done.stdout + done.stderr, tuple(checks))


@pytest.mark.parametrize("version", VERSIONS)
def test_server_passes_apart_from_what_does_not_apply(reports: dict[str, Report], version: str) -> None:
    report = reports[version]
    assert report.exit_code == 0, report.output
    assert Counter(check.status for check in report.checks)["SUCCESS"] >= LEAST_PASSED[version], report.output


@pytest.mark.parametrize("version", VERSIONS)
def test_every_expected_failure_fails_for_its_reason(reports: dict[str, Report], version: str, url: str) -> None:
    declared = _declared_in_first_generation(url)
    assert [check for check in reports[version].failed() if not _does_not_apply(check, declared)] == []


def test_every_expected_failure_still_happens(reports: dict[str, Report]) -> None:
    listed = cast("list[str]", yaml.safe_load(BASELINE.read_text(encoding="utf-8"))["server"])
    happened = {check.name for report in reports.values() for check in report.failed()}
    assert sorted(listed) == sorted(happened)


def _does_not_apply(check: Check, declared: set[str]) -> bool:
    scenario = check.name.partition(":")[0]
    if scenario in NOT_DECLARED:
        capability, told = NOT_DECLARED[scenario]
        return capability not in declared and told in check.told
    if scenario.startswith("server-sse-"):
        return WITHOUT_SESSIONS.search(check.told) is not None
    return ABSENT.search(check.told) is not None or TOLD_ELSEWHERE.get(check.name, "\0") in check.told


def _declared_in_first_generation(url: str) -> set[str]:
    """Return the capabilities that the server declares, and of resources the parts that are true."""
    client = {"name": "test", "version": "0"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    answer = httpx.post(
        url,
        json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params},
        headers={"Accept": "application/json, text/event-stream"},
        timeout=60,
    )
    capabilities = json.loads(answer.text.partition("data: ")[2] or answer.text)["result"]["capabilities"]
    return {*capabilities, *(name for name, is_true in capabilities["resources"].items() if is_true)}
