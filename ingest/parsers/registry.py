"""The table of parsers, and which one reads a document: by its suffix, else by the look of its text."""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from ...core.errors import ResiftError, UnreadableFile
from ...core.plugins import Plugin, load_plugins, unusable
from ..text.decoding import normalise
from ..text.structure import ParsedDocument
from .archive import ZipContainer
from .code import CodeParser
from .epub import EpubParser
from .html import HtmlParser
from .mail import MailboxContainer, MailContainer
from .markdown import MarkdownParser
from .notebook import NotebookParser
from .office import OfficeParser
from .pdf import PdfParser
from .plain_text import PlainTextParser
from .protocols import Container, Content, InnerDocument, Parser, suffix_of
from .records import JsonLinesContainer, JsonParser
from .rst import RstParser
from .scans.pictures import PictureParser
from .tables import TableParser

logger = logging.getLogger(__name__)

_TEXT = PlainTextParser()


def has_parser(source: str) -> bool:
    """Return whether a parser has the suffix of a file, so that it is read whatever is in it."""
    return installed_parsers().for_file(source) is not None


BUILT_IN: Mapping[str, Parser | Container] = {
    "html": HtmlParser(),
    "rst": RstParser(),
    "markdown": MarkdownParser(),
    "code": CodeParser(),
    "json": JsonParser(),
    "json lines": JsonLinesContainer(),
    "tables": TableParser(),
    "pdf": PdfParser(),
    "office": OfficeParser(),
    "notebooks": NotebookParser(),
    "mail": MailContainer(),
    "mailboxes": MailboxContainer(),
    "epub": EpubParser(),
    "zip": ZipContainer(has_parser=has_parser),
    "pictures": PictureParser(),
    "text": _TEXT,
}
"""Parsers by the name of their format. The first that recognises a text without a known suffix reads it."""

_SNIFFED_CHARS = 20_000  # enough for a heading or a link, without reading 5 MB


@dataclass(frozen=True, slots=True)
class Parsers:
    """All parsers of this installation: the plug-ins before the built-in ones, and the problems of plug-ins."""

    by_name: Mapping[str, Parser | Container]
    by_suffix: Mapping[str, Parser | Container]
    problems: tuple[str, ...] = ()

    def for_file(self, source: str) -> Parser | Container | None:
        """Return the parser of the suffix of a file, or None when no parser has it."""
        return self.by_suffix.get(suffix_of(source))

    def for_text(self, source: str, text: str) -> Parser:
        """Return the parser for a text that is one document: by the suffix of its source, else by how it looks."""
        known = self.for_file(source)
        if known is not None and not known.is_binary and not isinstance(known, Container):
            return known
        sample = text[:_SNIFFED_CHARS]
        readers = (each for each in self.by_name.values() if not isinstance(each, Container) and not each.is_binary)
        found = (parser for parser in readers if parser.sniff(sample))
        return next(found, _TEXT)  # a plug-in may have taken the place of the last one


@cache
def installed_parsers() -> Parsers:
    """Return the built-in parsers and those of plug-ins, which are imported by the first call."""
    plugins = load_plugins("resift.parsers")
    added, problems = dict[str, Parser | Container](), list(plugins.problems)
    for plugin in plugins.found.values():
        try:
            added[plugin.name] = _of_plugin(plugin)
        except Exception as error:  # noqa: BLE001  making a stranger's object can raise anything
            problems.append(unusable(plugin.name, plugin.package, f"{type(error).__name__}: {error}"))
    by_name = {**added, **{name: parser for name, parser in BUILT_IN.items() if name not in added}}
    by_suffix = {suffix: parser for parser in reversed(by_name.values()) for suffix in parser.suffixes}
    return Parsers(by_name, by_suffix, tuple(problems))


def label_of(parser: Parser | Container) -> str:
    """Return what an error calls a parser: "the html parser", or a plug-in with its package."""
    if isinstance(parser, _PluginFormat):
        return parser.label
    return next((f"the {name} parser" for name, each in BUILT_IN.items() if each is parser), "its parser")


class _PluginFormat:
    """A parser or container of another package. What it raises becomes an error that names the package."""

    def __init__(self, plugin: Plugin, reader: Parser | Container) -> None:
        self.label = f"the plug-in {plugin.name!r} of {plugin.package}"
        if isinstance(reader.suffixes, str):
            raise TypeError(f"`suffixes` is the text {reader.suffixes!r}; it must be a tuple of texts")
        self.suffixes = frozenset(f".{suffix.lower().removeprefix('.')}" for suffix in reader.suffixes)
        self.is_binary = reader.is_binary

    @contextmanager
    def naming(self, source: str) -> Generator[None]:
        """Turn any exception into an error that names the package.

        Raises:
            UnreadableFile: Anything but a `ResiftError` was raised.
        """
        try:
            yield
        except ResiftError:
            raise
        except Exception as error:  # plug-ins may raise anything
            raise UnreadableFile(
                f"{source or 'The text'} cannot be parsed by {self.label}: "
                f"{cause_of(error)}. Correct the document, or update or uninstall that package."
            ) from error


class _PluginParser(_PluginFormat):
    """A parser of another package."""

    def __init__(self, plugin: Plugin, parser: Parser) -> None:
        super().__init__(plugin, parser)
        self._parser = parser

    def sniff(self, text: str) -> bool:
        """Return whether the plug-in recognises the text."""
        try:
            return self._parser.sniff(text)
        except Exception as error:  # noqa: BLE001  plug-ins may raise anything; the next parser is asked
            logger.warning("Looking at a text failed in %s: %r", self.label, error)
            return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return what the plug-in makes of the content."""
        with self.naming(content.source):
            return _clean(self._parser.parse(content))


class _PluginContainer(_PluginFormat):
    """A container of another package."""

    def __init__(self, plugin: Plugin, container: Container) -> None:
        super().__init__(plugin, container)
        self._container = container

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield what the plug-in finds in the content."""
        with self.naming(content.source):
            for found in self._container.split(content):
                parsed = None if found.parsed is None else _clean(found.parsed)
                yield replace(found, name=_one_line(found.name).strip("/"), parsed=parsed)


def _of_plugin(plugin: Plugin) -> Parser | Container:
    """Return the parser or the container of a plug-in.

    Raises:
        TypeError: It is neither, or does not name its suffixes.
    """
    reader = plugin.value() if isinstance(plugin.value, type) else plugin.value
    if hasattr(reader, "parse"):
        return _PluginParser(plugin, reader)
    if hasattr(reader, "split"):
        return _PluginContainer(plugin, reader)
    raise TypeError("it has neither the method `parse` nor `split`")


def _clean(parsed: ParsedDocument) -> ParsedDocument:
    return replace(parsed, lines=[_one_line(line) for line in parsed.lines], title=_one_line(parsed.title))


def cause_of(error: Exception) -> str:
    """Return what went wrong in a parser, for the middle of a sentence."""
    if isinstance(error, RecursionError):
        return "its parts are nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than is free"
    return f"{type(error).__name__}: {error}"


def _one_line(text: str) -> str:
    """Return a line of a plug-in without line ends, and without what no tokenizer or store accepts."""
    return normalise(text).rstrip("\n").replace("\n", " ")
