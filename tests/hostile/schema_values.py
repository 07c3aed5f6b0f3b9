"""Values for the arguments of a tool, made from its schema: right ones, ones at the limits, and wrong ones."""

import random
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

HOSTILE_TEXTS = (
    "",
    " ",
    "\t\n\r",
    "\0",
    "\x1b[31mred\x1b[0m\x07",
    "\ud800",
    "\udfff tail",
    "\u202eright to left\u2066",
    "\ufeffmark",
    "e\u0301" * 50,
    "👩‍👩‍👧‍👦" * 30,
    "轮胎磨损" * 40,
    "../../../etc/passwd",
    "/etc/passwd",
    "~root",
    "C:\\Windows\\system32",
    "file:///etc/passwd",
    "https://example.org/a.pdf",
    "..",
    ".",
    "/",
    "a" * 300,
    "a/" * 700,
    "**/" * 9 + "x",
    "{a,b}" * 25,
    "[" * 40,
    "(a+)+$",
    "'; drop table x; --",
    "{{7*7}} ${jndi:x} %s %n {0}",
    "<script>alert(1)</script>",
    "null",
    "NaN",
    "-1",
    "1e999",
    "true",
    "con",
    "doc-0001#0",
    "doc-0001#-1",
    "doc-0001#99999999999999999999",
    "#",
    "## # #0",
)
HOSTILE_NUMBERS = (0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324, 1e-9)
WRONG_TYPES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1.5,
    "text",
    "",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": []}},
)

USUAL = frozenset({"query", "collection", "document_id", "documents", "document_ids"})
USUAL_SHARE = 0.8


class SchemaValues:
    """Draws values, the same for the same seed."""

    def __init__(self, draw: random.Random, pools: Mapping[str, tuple[Any, ...]]) -> None:
        self._draw = draw
        self._pools = pools
        """Values by argument name that make sense together, such as collections and ids that exist."""

    def arguments(self, schema: Schema) -> dict[str, Any]:
        """Return arguments for a tool with this schema; some calls lack a required one or have one too many."""
        draw, properties = self._draw, schema["properties"]
        required = set(schema.get("required", ()))
        share = draw.choice((0.05, 0.2, 0.2, 0.9))
        chosen = [
            name for name in properties if name in required or draw.random() < (USUAL_SHARE if name in USUAL else share)
        ]
        if chosen and draw.random() < 0.04:
            chosen.remove(draw.choice(chosen))
        hostility = draw.choice((0.0, 0.0, 0.02, 0.1, 0.5))
        values = {name: self.value(name, properties[name], hostility) for name in chosen}
        if draw.random() < 0.04:
            values[draw.choice(("top_k", "q", "", "\0", "__class__", "self", "ctx", "progress"))] = self.text()
        return values

    def value(self, name: str, schema: Schema, hostility: float) -> Any:
        """Return a value for an argument; with the given probability one that nobody means to send."""
        draw = self._draw
        if draw.random() < hostility:
            return self._hostile(schema)
        if name in self._pools and draw.random() < 0.95:
            return draw.choice(self._pools[name])
        return self._valid(schema)

    def text(self) -> str:
        """Return a text: words, a hostile one, or both; rarely a very long one."""
        draw = self._draw
        words = " ".join(
            draw.choices(("pump", "unit", "bolt", "wear", "which", "seat", "the", "grease"), k=draw.randint(1, 9))
        )
        kind = draw.random()
        if kind < 0.5:
            return words
        if kind < 0.97:
            return draw.choice(HOSTILE_TEXTS) + words * draw.randint(0, 1)
        return ((words + draw.choice(HOSTILE_TEXTS)) * 4000)[: draw.choice((9_000, 11_000, 40_000))]

    def _valid(self, schema: Schema) -> Any:
        draw = self._draw
        if "enum" in schema:
            return draw.choice(schema["enum"])
        if "anyOf" in schema:
            return self._valid(draw.choice(schema["anyOf"]))
        kinds: dict[str, Callable[[], Any]] = {
            "string": self.text,
            "integer": lambda: draw.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 300))),
            "number": lambda: draw.choice((draw.random(), schema.get("minimum", 0.0), schema.get("maximum", 1000.0))),
            "boolean": lambda: draw.random() < 0.3,
            "array": lambda: [self._valid(schema.get("items", {})) for _ in range(draw.choice((0, 1, 1, 2, 3, 8)))],
        }
        if "properties" in schema:
            return self.arguments(schema)
        return kinds.get(schema.get("type", ""), self._object)()

    def _hostile(self, schema: Schema) -> Any:
        draw = self._draw
        kind = draw.random()
        if kind < 0.35:
            return draw.choice(WRONG_TYPES)
        if kind < 0.5:
            return draw.choice(HOSTILE_NUMBERS)
        if kind < 0.55:
            return {
                self.text()[:60] + str(number): draw.choice(WRONG_TYPES) for number in range(draw.choice((10, 3000)))
            }
        if kind < 0.6:
            return [self._valid(schema.get("items", {}))] * draw.choice((50, 500, 3000))
        if kind < 0.65:
            return self._nested(draw.choice((3, 40, 90)))
        return draw.choice(HOSTILE_TEXTS) if schema.get("type") != "string" or kind < 0.9 else [self.text()]

    def _object(self) -> dict[str, Any]:
        draw = self._draw
        names = ("kind", "number", "draft", "title", "source", "any", "not", "gte", "prefix", "match", "field", "text")
        values = (lambda: draw.choice(HOSTILE_NUMBERS), self.text, lambda: draw.choice(WRONG_TYPES), self._object)
        return {draw.choice(names): draw.choice(values)() for _ in range(draw.choice((0, 1, 1, 2, 3)))}

    def _nested(self, depth: int) -> Any:
        value: Any = self._draw.choice(WRONG_TYPES)
        for _ in range(depth):
            value = [value] if self._draw.random() < 0.5 else {self._draw.choice(("not", "any", "a")): value}
        return value
