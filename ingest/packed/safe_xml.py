"""XML from strangers: no entities, no document types with any, and nothing outside the file."""

import re
from collections.abc import Iterator
from xml.parsers import expat

from ...core.errors import UnreadableFile

_MAX_DEPTH = 200


class Element:
    """An element: its name without namespace, its attributes, children and text.

    Attributes have their names without namespaces; one in a namespace also has that, as in "namespace}name".
    """

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def all(self) -> Iterator["Element"]:
        """Yield the elements below this one, in their order."""
        waiting = list(reversed(self.children))
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))

    def named(self, name: str) -> Iterator["Element"]:
        """Yield the elements of a name below this one, in their order."""
        return (element for element in self.all() if element.name == name)

    def text_of(self, name: str) -> str:
        """Return the text of the first element of a name, on one line; "" without one."""
        return next((" ".join(element.text.split()) for element in self.named(name) if element.text.strip()), "")


def read_xml(data: bytes, name: str) -> Element:
    """Return the root of a document.

    Raises:
        UnreadableFile: It is not well-formed, declares entities, or is nested too deeply.
    """
    root = Element("", {})
    path = [root]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(path) > _MAX_DEPTH:
            raise UnreadableFile(f"{name} is nested too deeply. Leave it out.")
        element = Element(_local(tag), attributes | {_local(key): value for key, value in attributes.items()})
        path[-1].children.append(element)
        path.append(element)

    def text(data: str) -> None:
        path[-1].text += data

    def entity(*_: object) -> None:
        raise UnreadableFile(f"{name} declares entities of its own, which Resift does not read. Leave it out.")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _: path.pop() and None
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(re.sub(rb"&nbsp;", b"&#160;", data), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableFile(f"{name} is not well-formed XML: {error}. Get the file again.") from error
    return root


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]
