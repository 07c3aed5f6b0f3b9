"""How to add Resift to MCP clients, for `resift demo` and the README."""

import json
import shlex
import shutil
import sys
from pathlib import Path


def command() -> list[str]:
    """Return the command with which a client starts this installation."""
    beside = Path(sys.executable).parent / "resift"
    found = str(beside) if beside.exists() else shutil.which("resift")
    return [found, "serve"] if found else [sys.executable, "-P", "-m", "resift", "serve"]


def how_to_add(program: list[str]) -> str:
    """Return the instructions for Claude Code, Claude Desktop, VS Code and Cursor."""
    entry = {"command": program[0], "args": program[1:]}
    standard = json.dumps({"mcpServers": {"resift": entry}}, indent=2)
    vscode = json.dumps({"servers": {"resift": {"type": "stdio", **entry}}}, indent=2)
    return (
        f"Claude Code:\n  claude mcp add resift -- {shlex.join(program)}\n\n"
        f"Claude Desktop (claude_desktop_config.json) and Cursor (.cursor/mcp.json):\n{_indent(standard)}\n\n"
        f"VS Code (.vscode/mcp.json):\n{_indent(vscode)}\n"
    )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
