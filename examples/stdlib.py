"""The documentation strings of the running interpreter's standard library, as documents to search."""

import contextlib
import functools
import importlib
import inspect
import io
import pkgutil
import re
import sys
import warnings
from collections.abc import Generator, Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from ..core.values import Document
from .catalogue import DemoQuestion

CACHED_FUNCTION = type(functools.cache(len))
MIN_CHARS = 40  # below it stand remarks such as "Close the file."

SKIPPED = frozenset(
    {
        # print, open a browser or change the terminal on import
        *("antigravity", "this", "readline", "rlcompleter"),
        # programs, tests and bundled code rather than a library
        *("ensurepip", "idlelib", "lib2to3", "distutils", "pydoc_data", "test", "tests", "turtledemo"),
        # large, about drawing, and missing where Python was built without Tk
        *("tkinter", "turtle"),
        # the insides of os, os.path, re, dis and xml.parsers.expat, documented there
        *("genericpath", "nt", "ntpath", "nturl2path", "opcode", "posix", "posixpath", "pyexpat"),
        *("sre_compile", "sre_constants", "sre_parse"),
    }
)
CLOSED_PACKAGES = frozenset({"encodings"})  # a hundred codecs with one docstring

STDLIB_QUESTIONS = (
    DemoQuestion("make a temporary directory that deletes itself", ("tempfile.TemporaryDirectory",)),
    DemoQuestion("run a function when the program exits", ("atexit.register", "atexit")),
    DemoQuestion("wait for several coroutines at once", ("asyncio.gather", "asyncio.wait")),
    DemoQuestion(
        "read a value from an ini file",
        ("configparser", "configparser.ConfigParser", "configparser.RawConfigParser.get"),
    ),
    DemoQuestion(
        "find the most common items in a list",
        ("collections.Counter.most_common", "collections.Counter", "statistics.multimode"),
    ),
    DemoQuestion(
        "compare two texts line by line",
        ("difflib.Differ", "difflib.Differ.compare", "difflib.ndiff", "difflib.unified_diff", "difflib"),
    ),
    DemoQuestion("copy a whole folder tree", ("shutil.copytree",)),
    DemoQuestion("cache the results of a function", ("functools.lru_cache", "functools.cache")),
)


class _Named(NamedTuple):
    """An object under the name it is documented by."""

    module: str
    path: str
    kind: str
    value: Any

    @property
    def id(self) -> str:
        return f"{self.module}.{self.path}" if self.path else self.module


def stdlib_documents() -> list[Document]:
    """Return one document per public module, class, function, method and property with its own docstring, by name.

    Imports the standard library, as `pydoc` does; modules that are missing on this machine are left out.
    """
    with _silence():
        modules = _import_modules()
        exported = _exported(modules)
    named = [*(_Named(name, "", "module", module) for name, module in modules.items()), *exported, *_members(exported)]
    documents = {each.id: _document(each, text) for each in named if len(text := _own_docstring(each)) >= MIN_CHARS}
    return [documents[name] for name in sorted(documents)]


@contextlib.contextmanager
def _silence() -> Generator[None]:
    """Keep deprecated modules and names from saying so, and anything from being printed."""
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield


def _import_modules() -> dict[str, ModuleType]:
    waiting = [*sorted(sys.stdlib_module_names), "os.path"]
    modules: dict[str, ModuleType] = {}
    for name in filter(_is_wanted, waiting):  # grows while it is read
        try:
            modules[name] = importlib.import_module(name)
        except (ImportError, OSError, AttributeError):  # of another platform, or built without its C library
            continue
        if name not in CLOSED_PACKAGES:
            inside = pkgutil.iter_modules(getattr(modules[name], "__path__", ()))
            waiting.extend(f"{name}.{each.name}" for each in inside)
    return modules


def _is_wanted(name: str) -> bool:
    return not any(part.startswith("_") or part in SKIPPED for part in name.split("."))


def _exported(modules: dict[str, ModuleType]) -> list[_Named]:
    """Return the classes and functions, each once: in its own family of modules and as high up as it is exported."""
    found = [_Named(name, path, kind, value) for name in modules for path, kind, value in _public(modules[name])]
    first: dict[int, _Named] = {}
    for each in sorted(found, key=_preference):
        first.setdefault(id(each.value), each)
    return list(first.values())


def _preference(named: _Named) -> tuple[bool, int, bool, str]:
    is_alias = named.path != getattr(named.value, "__name__", "")
    return not _is_family(named), named.id.count("."), is_alias, named.id


def _public(module: ModuleType) -> Iterator[tuple[str, str, Any]]:
    listed: Iterable[str] | None = getattr(module, "__all__", None)
    for name in vars(module) if listed is None else listed:
        value = getattr(module, name, None)
        if name.startswith("_") or not (kind := _kind(value)):
            continue
        if listed is not None or _is_family(_Named(module.__name__, name, kind, value)):
            yield name, kind, value


def _kind(value: object) -> str:
    if inspect.isclass(value):
        return "class"
    is_cached = isinstance(value, CACHED_FUNCTION)  # urllib.parse.urlsplit, for one
    return "function" if inspect.isroutine(value) or is_cached else ""


def _is_family(named: _Named) -> bool:
    """Say whether the object was written in the module, below it, or in its C twin (`_socket` for `socket`)."""
    owner = getattr(named.value, "__module__", None) or named.module
    return owner.lstrip("_").split(".")[0] == named.module.split(".")[0]


def _members(exported: Iterable[_Named]) -> list[_Named]:
    """Return methods and properties, each once: where defined, or in the nearest public class of a private one."""
    classes = [each for each in exported if each.kind == "class"]
    first = {id(each.value): each for each in exported}  # `Formatter.converter` is `time.localtime`
    members: list[_Named] = []
    for each in sorted(classes, key=lambda each: (len(each.value.__mro__), each.id)):
        for name, value in _own_members(each.value):
            member = _Named(each.module, f"{each.path}.{name}", _member_kind(value), value)
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


def _own_docstring(named: _Named) -> str:
    """Return the cleaned docstring, or nothing for one inherited, of the type, or made from a class's fields."""
    own: Any = named.value.__dict__.get("__doc__") if named.kind == "class" else getattr(named.value, "__doc__", None)
    if not isinstance(own, str) or own == type(named.value).__doc__:
        return ""
    text = inspect.cleandoc(own).strip()
    is_signature = named.kind == "class" and re.fullmatch(rf"{named.value.__name__}\(.*\)", text)
    return "" if is_signature else text


def _document(named: _Named, text: str) -> Document:
    metadata = {"module": named.module, "kind": named.kind}
    return Document(id=named.id, title=named.id, text=text, source=f"python://{named.id}", metadata=metadata)
