"""Names: a file's beside its folder's, one for one thing, and the field's own terms."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from resift.tests.project.tree import files, modules, nodes, words

ROLES = {
    "__init__.py": "what a package exports",
    "store.py": "a kind of store",
    "collection.py": "a kind of store's collection",
    "wire.py": "values as a kind of store sends and keeps them",
    "payload_index.py": "indexes over a kind of store's payload",
    "protocols.py": "a package's seams",
    "errors.py": "the errors of a package, or of a vendor in ours",
    "onnx.py": "models that ONNX Runtime runs",
    "torch.py": "models that torch runs",
    "search.py": "a layer's part in a search",
}
"""File names that several folders share because the files play the same role."""
CLASS_ROLES: dict[str, str] = {}
"""Class names that several modules share because the classes play the same role."""
PRIVATE_NAMES = {"patience", "resident"}
PRIVATE_WORDS = {
    *("atom", "atoms", "cited", "dear", "ground", "further", "ledger", "remembered", "together", "turn", "turns"),
    *("wish", "wishes", "workshop"),
}
"""What things here were once called, as whole names and as words of names. The field has terms for all of them."""
UNTOLD_FILES = {"head.py", "line.py", "utils.py", "helpers.py", "misc.py", "common.py"}
UNTOLD_CLASSES = {"Line"}
UNTOLD_ENDINGS = ("Manager", "Base", "Impl", "Helper")


def _plain(word: str) -> str:
    """Return a word without the ending of its plural."""
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def _repeats(path: Path) -> bool:
    folders = {_plain(word) for part in path.parent.parts for word in words(part)}
    return path.name not in ROLES and any(_plain(word) in folders for word in words(path.stem))


def test_no_file_name_repeats_its_folder() -> None:
    assert [str(path) for path in modules() if _repeats(path)] == []


def _places(names: Iterator[tuple[str, Path]]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for name, path in names:
        found[name].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_no_two_modules_share_a_name_unless_they_share_a_role() -> None:
    assert _places((path.name, path) for path in modules() if path.name not in ROLES) == {}


def test_no_two_public_classes_share_a_name_unless_they_share_a_role() -> None:
    classes = (
        (node.name, path)
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name not in CLASS_ROLES
    )
    assert _places(classes) == {}


def _names(path: Path) -> Iterator[str]:
    """Yield the identifiers of a module, besides the names of tests, which are sentences."""
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not name.startswith("test_"):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)) | ast.alias(name=name):
                yield name
            case _:
                pass


def _is_private(name: str) -> bool:
    return name.strip("_").lower() in PRIVATE_NAMES or not PRIVATE_WORDS.isdisjoint(words(name))


def test_names_are_the_terms_of_the_field() -> None:
    found = [f"{path} {name}" for path in files() for name in {*_names(path), path.stem} if _is_private(name)]
    assert found == []


def test_names_say_something() -> None:
    found = [str(path) for path in modules() if path.name in UNTOLD_FILES]
    found += [
        f"{path} {node.name}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and (node.name in UNTOLD_CLASSES or node.name.endswith(UNTOLD_ENDINGS))
    ]
    assert found == []
    assert len({name for path in files() for name in _names(path)}) > 5000
