"""Definitions in other languages, by the tree-sitter grammars of the extra `[code]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .comments import first_line
from .definitions import MAX_DEPTH, WORD, Definition

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

MAX_CHARS = 2_000_000  # 2 s; what people write by hand is shorter, and the rest is cut at the beginnings of lines

MAX_BROKEN_CHARS = 50_000  # queries take time quadratic in what no rule of the grammar fits: 2 s for as many

LONG_FUNCTION_LINES = 60  # a longer function is cut at the functions inside it: modules are wrapped in one

_FUNCTIONS_OF_SCRIPTS = "[(arrow_function) (function_expression) (generator_function) (class)]"

_SCRIPT = (
    "class_declaration function_declaration generator_function_declaration method_definition",
    f"(variable_declarator name: (_) value: {_FUNCTIONS_OF_SCRIPTS}) @d "
    f"(pair key: (_) value: {_FUNCTIONS_OF_SCRIPTS}) @d "
    f"(assignment_expression left: (_) right: {_FUNCTIONS_OF_SCRIPTS}) @d",
)

_TYPED_SCRIPT = (
    f"{_SCRIPT[0]} abstract_class_declaration interface_declaration enum_declaration type_alias_declaration "
    "function_signature abstract_method_signature module internal_module",
    f"{_SCRIPT[1]} (public_field_definition name: (_) value: {_FUNCTIONS_OF_SCRIPTS}) @d",
)

_C = (
    "function_definition preproc_function_def",
    "(struct_specifier name: (_) body: (_)) @d (enum_specifier name: (_) body: (_)) @d "
    "(union_specifier name: (_) body: (_)) @d "
    "(type_definition declarator: (type_identifier)) @d (declaration declarator: (function_declarator)) @d "
    "(declaration declarator: (pointer_declarator declarator: (function_declarator))) @d",
)


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar: its package, the function that returns it, and what counts as a definition in it."""

    package: str
    kinds: str
    """Kinds of nodes, separated by blanks."""
    patterns: str = ""
    """Further patterns of tree-sitter's query language that capture definitions as @d."""
    function: str = "language"

    def query(self) -> str:
        """Return the query for all definitions."""
        return " ".join([*(f"({kind}) @d" for kind in self.kinds.split()), self.patterns])


GRAMMARS: Mapping[str, Grammar] = {
    "javascript": Grammar(
        "tree_sitter_javascript",
        _SCRIPT[0],
        patterns=f"{_SCRIPT[1]} (field_definition property: (_) value: {_FUNCTIONS_OF_SCRIPTS}) @d",
    ),
    "typescript": Grammar(
        "tree_sitter_typescript", _TYPED_SCRIPT[0], patterns=_TYPED_SCRIPT[1], function="language_tsx"
    ),
    "c": Grammar("tree_sitter_c", _C[0], patterns=_C[1]),
    "cpp": Grammar(
        "tree_sitter_cpp",
        f"{_C[0]} namespace_definition concept_definition alias_declaration",
        patterns=f"{_C[1]} (class_specifier name: (_) body: (_)) @d "
        "(field_declaration declarator: (function_declarator)) @d",
    ),
    "lua": Grammar(
        "tree_sitter_lua",
        "function_declaration",
        patterns="(assignment_statement (variable_list) (expression_list (function_definition))) @d",
    ),
    "java": Grammar(
        "tree_sitter_java",
        "class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration method_declaration constructor_declaration "
        "compact_constructor_declaration",
    ),
    "csharp": Grammar(
        "tree_sitter_c_sharp",
        "namespace_declaration class_declaration interface_declaration struct_declaration "
        "record_declaration enum_declaration delegate_declaration method_declaration "
        "constructor_declaration destructor_declaration property_declaration indexer_declaration "
        "operator_declaration conversion_operator_declaration event_declaration",
    ),
    "go": Grammar("tree_sitter_go", "function_declaration method_declaration type_spec type_alias"),
    "rust": Grammar(
        "tree_sitter_rust",
        "function_item function_signature_item struct_item enum_item union_item trait_item impl_item "
        "mod_item macro_definition type_item",
    ),
    "ruby": Grammar("tree_sitter_ruby", "class module method singleton_method"),
    "php": Grammar(
        "tree_sitter_php",
        "class_declaration interface_declaration trait_declaration enum_declaration function_definition "
        "method_declaration",
        function="language_php",
    ),
    "shell": Grammar("tree_sitter_bash", "function_definition"),
    "kotlin": Grammar(
        "tree_sitter_kotlin",
        "class_declaration object_declaration companion_object function_declaration secondary_constructor",
    ),
    "scala": Grammar(
        "tree_sitter_scala",
        "class_definition object_definition trait_definition enum_definition function_definition "
        "function_declaration package_object given_definition",
    ),
    "swift": Grammar(
        "tree_sitter_swift",
        "class_declaration protocol_declaration function_declaration protocol_function_declaration "
        "init_declaration deinit_declaration subscript_declaration",
    ),
}
"""Grammars by the language that they are of."""

_GROUPS = (
    "class", "interface", "struct", "record", "trait", "impl", "mod", "namespace", "object", "protocol", "extension",
    "union", "internal_module",
)  # fmt: skip
"""Kinds of definitions begin with these words if others inside them are cut on their own."""

_NAME_FIELDS = ("name", "key", "property", "left", "declarator")


@cache
def _loaded(language: str) -> tuple[Parser, Query] | None:
    """Return a parser and its query, or None if the language has no grammar here."""
    grammar = GRAMMARS.get(language)
    if grammar is None:
        return None
    try:
        from tree_sitter import Language, Parser, Query

        capsule: Any = getattr(import_module(grammar.package), grammar.function)()
        loaded = Language(capsule)  # pyright: ignore[reportDeprecated]  # a capsule is not: the stub takes it for a number
    except ModuleNotFoundError:
        return None
    return Parser(loaded), Query(loaded, grammar.query())


def grammar_definitions(text: str, language: str, lines: Sequence[str]) -> list[Definition] | None:
    """Return the definitions in a text, or None if there is no grammar for it, or it is too long or too broken."""
    if len(text) > MAX_CHARS or (loaded := _loaded(language)) is None:
        return None
    from tree_sitter import QueryCursor

    parser, query = loaded
    tree = parser.parse(text.encode())
    if tree.root_node.has_error and len(text) > MAX_BROKEN_CHARS:
        return None
    nodes = QueryCursor(query).captures(tree.root_node).get("d", [])
    ordered = sorted(nodes, key=lambda node: (node.start_byte, -node.end_byte))
    return _nested(list(_found(ordered)), lines, language)


@dataclass(slots=True)
class _Found:
    """A definition whose members are not known yet."""

    name: str
    first: int
    last: int
    end_byte: int
    is_group: bool


def _found(nodes: Sequence[Node]) -> Iterator[_Found]:
    for node in nodes:
        kind = node.type.removeprefix("abstract_").removeprefix("companion_")
        first, last = node.start_point[0], node.end_point[0] + (node.end_point[1] > 0)
        is_long = last - first > LONG_FUNCTION_LINES
        yield _Found(
            name=_name(node),
            first=first,
            last=max(last, first + 1),
            end_byte=node.end_byte,
            is_group=kind.startswith(_GROUPS) or is_long,
        )


def _name(node: Node) -> str:
    """Return the name of a definition; that of a method in Go begins with its type."""
    name = node.child_by_field_name("type") if node.type == "impl_item" else None
    name = name or node
    for _ in range(MAX_DEPTH):  # the declarators of C are nested
        inner = next((child for field in _NAME_FIELDS if (child := name.child_by_field_name(field))), None)
        if inner is None or inner.type.endswith(("qualified_identifier", "scoped_identifier", "member_expression")):
            name = inner or name
            break
        name = inner
    if name is node or name.text is None:
        return node.type.partition("_")[0]
    text = " ".join(name.text.decode(errors="replace").split())[:100]
    receiver = node.child_by_field_name("receiver")
    owner = receiver.text.decode(errors="replace").strip("()").split()[-1:] if receiver and receiver.text else []
    return ".".join([*(each.lstrip("*") for each in owner), text.strip("'\"")])


def _nested(found: Sequence[_Found], lines: Sequence[str], language: str) -> list[Definition]:
    """Return the outermost definitions with their members. What stands inside a short function is left to it."""
    index = 0

    def inside(end_byte: int, done: int, depth: int) -> list[Definition]:
        nonlocal index
        members: list[Definition] = []
        while index < len(found) and found[index].end_byte <= end_byte:
            each = found[index]
            index += 1
            first = first_line(each.first, lines, done, language)
            inner = inside(each.end_byte, each.first + 1, depth + 1) if depth < MAX_DEPTH else []
            if each.first >= done:
                members.append(_definition(each, first, inner if each.is_group else [], lines))
                done = each.last
            while index < len(found) and found[index].end_byte <= each.end_byte:
                index += 1
        return members

    return inside(max((each.end_byte for each in found), default=0), 0, 0)


def _definition(found: _Found, first: int, members: list[Definition], lines: Sequence[str]) -> Definition:
    opening: Sequence[str] = lines[found.first : members[0].first] if members else ()
    return Definition(
        path=(found.name,),
        first=first,
        last=found.last,
        members=members,
        is_bare=sum(bool(WORD.search(line)) for line in opening) <= 1 and first == found.first,
    )
