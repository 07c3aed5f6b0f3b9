"""The docstrings of the running interpreter's standard library, as documents."""

import contextlib
import functools
import importlib
import inspect
import io
import pkgutil
import re
import sys
import warnings
from collections.abc import Collection, Generator, Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from ..core.values import Document

CACHED_FUNCTION = type(functools.cache(len))
MIN_CHARACTERS = 40  # shorter ones are remarks such as "Close the file."

SKIPPED = frozenset(
    {
        # print, open a browser or change the terminal on import
        *("antigravity", "this", "readline", "rlcompleter"),
        # programs, tests and bundled code rather than a library
        *("ensurepip", "idlelib", "lib2to3", "distutils", "pydoc_data", "test", "tests", "turtledemo"),
        # large, about drawing, and missing where Python was built without Tk
        *("tkinter", "turtle"),
        # the implementations of os, os.path, re, dis and xml.parsers.expat, which are documented there
        *("genericpath", "nt", "ntpath", "nturl2path", "opcode", "posix", "posixpath", "pyexpat"),
        *("sre_compile", "sre_constants", "sre_parse"),
    }
)
UNOPENED_PACKAGES = frozenset({"encodings"})  # a hundred codecs that share one docstring

EVERYDAY_MODULES = frozenset(
    {
        *("builtins", "sys", "types", "typing", "enum", "dataclasses", "inspect", "ast", "keyword", "warnings"),
        *("collections", "heapq", "bisect", "array", "queue", "weakref", "copy", "itertools", "functools", "operator"),
        *("string", "re", "textwrap", "difflib", "unicodedata", "pprint", "html", "json", "csv", "pickle"),
        *("math", "random", "statistics", "decimal", "fractions", "datetime", "calendar", "zoneinfo", "time", "timeit"),
        *("os", "io", "pathlib", "shutil", "glob", "fnmatch", "tempfile", "filecmp", "fileinput", "linecache", "stat"),
        *("zipfile", "tarfile", "gzip", "shelve", "sqlite3", "struct", "base64", "hashlib", "hmac", "secrets", "uuid"),
        *("asyncio", "concurrent", "threading", "multiprocessing", "subprocess", "signal", "contextlib", "contextvars"),
        *("socket", "http", "urllib", "smtplib", "ipaddress", "mimetypes", "platform"),
        *("argparse", "configparser", "traceback", "getpass", "shlex", "logging", "unittest", "atexit"),
    }
)
"""What most programs use. Their docstrings are ingested in half the time that those of all modules take."""


class _Documented(NamedTuple):
    """An object and the name it is documented under."""

    module: str
    path: str
    kind: str
    value: Any

    @property
    def id(self) -> str:
        return f"{self.module}.{self.path}" if self.path else self.module


def stdlib_documents(names: Collection[str] = sys.stdlib_module_names) -> list[Document]:
    """Return a document for each public module, class, function, method and property with a docstring of its own.

    Imports the top-level modules of these names with their submodules, as `pydoc` does, except those that are missing
    on this machine. Documents are sorted by name.
    """
    with _silence():
        modules = _import_modules(names)
        exported = _exported(modules)
    items = [
        *(_Documented(module=name, path="", kind="module", value=module) for name, module in modules.items()),
        *exported,
        *_members(exported),
    ]
    documents = {
        each.id: _document(each, text) for each in items if len(text := _own_docstring(each)) >= MIN_CHARACTERS
    }
    return [documents[name] for name in sorted(documents)]


@contextlib.contextmanager
def _silence() -> Generator[None]:
    """Suppress deprecation warnings and everything that modules print when they are imported."""
    discarded = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(discarded), contextlib.redirect_stderr(discarded):
        warnings.simplefilter("ignore")
        yield


def _import_modules(names: Collection[str]) -> dict[str, ModuleType]:
    waiting = [*sorted(names), "os.path"]
    modules: dict[str, ModuleType] = {}
    for name in filter(_is_wanted, waiting):  # grows during the loop
        try:
            modules[name] = importlib.import_module(name)
        except (ImportError, OSError, AttributeError):  # for another platform, or built without its C library
            continue
        if name not in UNOPENED_PACKAGES:
            inside = pkgutil.iter_modules(getattr(modules[name], "__path__", ()))
            waiting.extend(f"{name}.{each.name}" for each in inside)
    return modules


def _is_wanted(name: str) -> bool:
    return not any(part.startswith("_") or part in SKIPPED for part in name.split("."))


def _exported(modules: dict[str, ModuleType]) -> list[_Documented]:
    """Return each class and function once, under its least nested name, preferably where it is defined."""
    found = [
        _Documented(module=name, path=path, kind=kind, value=value)
        for name in modules
        for path, kind, value in _public(modules[name])
    ]
    first: dict[int, _Documented] = {}
    for each in sorted(found, key=_preference):
        first.setdefault(id(each.value), each)
    return list(first.values())


def _preference(item: _Documented) -> tuple[bool, int, bool, str]:
    is_alias = item.path != getattr(item.value, "__name__", "")
    return not _is_defined_in_package(item), item.id.count("."), is_alias, item.id


def _public(module: ModuleType) -> Iterator[tuple[str, str, Any]]:
    listed: Iterable[str] | None = getattr(module, "__all__", None)
    for name in vars(module) if listed is None else listed:
        value = getattr(module, name, None)
        if name.startswith("_") or not (kind := _kind(value)):
            continue
        if listed is not None or _is_defined_in_package(
            _Documented(module=module.__name__, path=name, kind=kind, value=value)
        ):
            yield name, kind, value


def _kind(value: object) -> str:
    if inspect.isclass(value):
        return "class"
    is_cached = isinstance(value, CACHED_FUNCTION)  # urllib.parse.urlsplit, for one
    return "function" if inspect.isroutine(value) or is_cached else ""


def _is_defined_in_package(item: _Documented) -> bool:
    """Return whether the object is defined in the module's package, or its C counterpart (`_socket` for `socket`)."""
    owner = getattr(item.value, "__module__", None) or item.module
    return owner.lstrip("_").split(".")[0] == item.module.split(".")[0]


def _members(exported: Iterable[_Documented]) -> list[_Documented]:
    """Return each method and property once: in the class that defines it, or in a public subclass of a private one."""
    classes = [each for each in exported if each.kind == "class"]
    first = {id(each.value): each for each in exported}  # `Formatter.converter` is `time.localtime`
    members: list[_Documented] = []
    for each in sorted(classes, key=lambda each: (len(each.value.__mro__), each.id)):
        for name, value in _own_members(each.value):
            member = _Documented(module=each.module, path=f"{each.path}.{name}", kind=_member_kind(value), value=value)
            if member.kind and first.setdefault(id(value), member) is member:
                members.append(member)
    return members


def _own_members(owner: type) -> Iterator[tuple[str, object]]:
    for each in owner.__mro__:
        if each is owner or each.__name__.startswith("_"):
            yield from ((name, value) for name, value in vars(each).items() if not name.startswith("_"))


def _member_kind(value: object) -> str:
    if isinstance(value, property | functools.cached_property) or inspect.isgetsetdescriptor(value):
        return "property"
    is_method = inspect.isroutine(value) or isinstance(value, classmethod | staticmethod)
    return "method" if is_method else ""


def _own_docstring(item: _Documented) -> str:
    """Return the cleaned docstring; "" if it is inherited, belongs to the type, or only repeats a class's fields."""
    own: Any = item.value.__dict__.get("__doc__") if item.kind == "class" else getattr(item.value, "__doc__", None)
    if not isinstance(own, str) or own == type(item.value).__doc__:
        return ""
    text = inspect.cleandoc(own).strip()
    is_signature = item.kind == "class" and re.fullmatch(rf"{item.value.__name__}\(.*\)", text)
    return "" if is_signature else text


def _document(item: _Documented, text: str) -> Document:
    metadata = {"module": item.module, "kind": item.kind}
    return Document(id=item.id, title=item.id, text=text, source=f"python://{item.id}", metadata=metadata)
