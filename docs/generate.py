"""Write the generated parts of the documentation and .env.example: `make docs`. Tests compare them with the code."""

import re
from pathlib import Path

import anyio

from resift.docs.api_page import api_page
from resift.docs.tools_page import tools_page, tools_table
from resift.docs.trace import table, trace
from resift.server.clients import how_to_add
from resift.settings.load import all_settings

ROOT = Path(__file__).parent.parent
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def main() -> None:
    """Write every generated file."""
    files = {
        **described(),
        ARCHITECTURE: fill(ARCHITECTURE, trace=table(anyio.run(trace))),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


def described() -> dict[Path, str]:
    """Return the whole text of each file that describes tools, clients or settings."""
    readme = ROOT / "README.md"
    return {
        readme: fill(readme, tools=tools_table(), clients=clients()),
        ROOT / "docs" / "tools.md": tools_page(),
        ROOT / "docs" / "api.md": api_page(),
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / ".env.example": env_example(),
    }


def fill(page: Path, **parts: str) -> str:
    """Return the text of a page with new parts between the marks of their names."""
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = marks.sub(lambda found, part=part: f"{found[1]}{part}{found[2]}", text)
    return text


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
    return f"```text\n{how_to_add(['/path/to/resift', 'serve'], '/path/to/documents')}```\n"


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


if __name__ == "__main__":
    main()
