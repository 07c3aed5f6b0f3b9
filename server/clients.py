"""How to add Resift to MCP clients, for `resift clients`, `resift demo` and the README."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any


def command() -> list[str]:
    """Return the command with which a client starts this installation."""
    beside = Path(sys.executable).parent / "resift"
    found = str(beside) if beside.exists() else shutil.which("resift")
    return [found, "serve"] if found else [sys.executable, "-P", "-m", "resift", "serve"]


def how_to_add(program: list[str], documents: str | Path, *, everywhere: bool = False) -> str:
    """Return the instructions for Claude Code, Claude Desktop, VS Code and Cursor.

    `documents` is the folder that Resift may read in a client that does not start it in the folder of a project, and
    `everywhere` in the others as well.
    """
    entry: dict[str, Any] = {"command": program[0], "args": program[1:]}
    outside = {**entry, "env": {"RESIFT_INGEST_ROOTS": str(documents)}}
    entry, option = (outside, f"-e {shlex.quote(f'RESIFT_INGEST_ROOTS={documents}')} ") if everywhere else (entry, "")
    standard = json.dumps({"mcpServers": {"resift": outside}}, indent=2, ensure_ascii=False)
    vscode = json.dumps({"servers": {"resift": {"type": "stdio", **entry}}}, indent=2, ensure_ascii=False)
    return (
        f"Claude Code:\n  claude mcp add resift {option}-- {shlex.join(program)}\n\n"
        f"Claude Desktop (claude_desktop_config.json) and Cursor (.cursor/mcp.json):\n{_indent(standard)}\n\n"
        f"VS Code (.vscode/mcp.json):\n{_indent(vscode)}\n"
    )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
