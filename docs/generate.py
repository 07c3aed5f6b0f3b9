"""Write the generated parts of README.md, docs/settings.md and .env.example: `make docs`. A test compares them."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from resift.api.resift import Resift
from resift.server.clients import how_to_add
from resift.server.mcp import TOOLS
from resift.settings.load import all_settings

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write every generated file."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Return the whole text of each file with generated parts."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = {"tools": tools_table(), "clients": clients()}
    for name, part in parts.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        readme = marks.sub(lambda found, part=part: f"{found[1]}{part}{found[2]}", readme)
    return {
        ROOT / "README.md": readme,
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / ".env.example": env_example(),
    }


def tools_table() -> str:
    """Return a table of the MCP tools with their arguments and the first sentence of their description."""
    rows = ["| tool | arguments (defaults) | what it does |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        resift = Resift(data_dir=Path(folder))
        for build in TOOLS.values():
            tool = build(resift)
            arguments = ", ".join(_argument(name, each) for name, each in tool.parameters["properties"].items())
            first = tool.description.replace("\n", " ").split(". ")[0].rstrip(".")
            rows.append(f"| `{tool.name}` | {arguments} | {first}. |")
    return "\n".join(rows) + "\n"


def settings_page() -> str:
    """Return the page with all settings, their defaults and descriptions."""
    rows = [
        "# Settings",
        "",
        "Set these as environment variables, or in a file: the one that `RESIFT_ENV_FILE` names, else `.env` in your",
        "configuration folder, such as `~/.config/resift/.env`. The environment takes precedence over the file.",
        "Unknown names are errors. `resift doctor` shows the settings that differ from their defaults.",
        "",
        "| setting | default | description |",
        "|---|---|---|",
    ]
    rows += [
        f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |" for name, default, meaning in all_settings()
    ]
    return "\n".join(rows) + "\n"


def clients() -> str:
    """Return how to add Resift to MCP clients."""
    return f"```text\n{how_to_add(['resift', 'serve'])}```\n"


def env_example() -> str:
    """Return an example settings file: all settings with their defaults, commented out."""
    lines = [
        "# All settings with their defaults. Copy this file, uncomment the settings to change, and set RESIFT_ENV_FILE",
        "# to the path of the copy. Settings in the environment take precedence.",
        "",
    ]
    for name, default, meaning in all_settings():
        if name != "RESIFT_ENV_FILE":
            lines += [f"# {meaning}", f"# {name}={default}", ""]
    return "\n".join(lines)


def _argument(name: str, schema: dict[str, Any]) -> str:
    return f"`{name}` {json.dumps(schema['default'])}" if "default" in schema else f"`{name}`"


if __name__ == "__main__":
    main()
