"""The example package of a page on plug-ins, written to a folder as `pip install` would leave it."""

import re
import tomllib
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def write_package(page: str, folder: Path) -> None:
    """Write the page's first Python block as the module that its pyproject.toml names, with its entry points."""
    [packaging] = map(tomllib.loads, blocks(page, "toml"))
    project = packaging["project"]
    [module] = packaging["tool"]["setuptools"]["py-modules"]
    (folder / f"{module}.py").write_text(blocks(page, "python")[0])
    metadata = folder / f"{module}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = [
        line
        for group, named in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in named.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(points))
