"""The boundary between the MCP SDK and the tools: strict arguments, readable errors, compact schemas."""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import wraps
from inspect import Parameter, Signature, cleandoc, signature
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from ..api.arguments import describe, parameters, without_null_arguments
from ..api.synonyms import suggest
from ..core.errors import Hint, ResiftError

READS_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

HINTS: Mapping[Hint, str] = {
    Hint.LIST_COLLECTIONS: "Call list_collections to see which there are.",
    Hint.LIST_JOBS: "Call list_collections to see the jobs.",
    Hint.SHOW_FIELDS: "Call list_collections with the collection's name to see the values of its fields.",
    Hint.INGEST: "Call ingest_documents first.",
    Hint.NAME_DOCUMENTS: "Give document_ids, a filter, or everything=true for the whole collection.",
    Hint.DELETE_COLLECTION: "To delete the collection, call delete_documents again with everything=true.",
    Hint.REPLACE_COLLECTION: "Ask the user to configure the former encoder. Or call delete_documents with "
    "collection={collection!r} and everything=true, and ingest the documents again.",
    Hint.ADOPT_AGAIN: "Ask the user to configure the encoder that made its vectors, and to run the command "
    "`resift adopt {collection}` again.",
    Hint.ADOPT: "Ask the user to run the command `resift adopt {collection}`, which makes it searchable.",
    Hint.END_JOB: "Call ingest_documents with job={job!r} to wait for it; add cancel=true to stop it. Then call again.",
    Hint.REPAIR_COLLECTION: "Ask the user to restore it from a backup with the command `resift restore FILE`. Or call "
    "delete_documents with collection={collection!r} and everything=true, and ingest the documents again.",
    Hint.REPAIR_MANIFEST: "Ask the user to restore it or to delete it.",
    Hint.FIND_CAUSE: "Ask the user to run the command `resift doctor`, which helps to find the cause.",
    Hint.INSTALL: "Ask the user to run `{command}`, which installs it.",
    Hint.FREE_DATA_FOLDER: "Call again when it has ended. If it does not end, ask the user to close it, or to set "
    "RESIFT_DATA_DIR to another folder for this server. Do not end it yourself.",
    Hint.STOP_ENGINE: "Ask the user to run `resift stop`, which ends it, or to set RESIFT_DATA_DIR to another folder "
    "for this server.",
}
"""What to do next, in tools and arguments."""

# All of tools/list must stay below 16 kB. Pydantic's titles repeat the names, and results need no defaults.
_OMITTED_IN_RESULTS = frozenset({"title", "default", "additionalProperties", "required"})
_IMPLIED = (("description", ""), ("additionalProperties", True), ("minimum", 0))


class StrictTool(Tool):
    """A tool that refuses unknown arguments and passes the messages of our errors on to the model."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool.

        Raises:
            ToolError: The arguments are invalid, or the call failed with one of our errors.
        """
        self._refuse_unknown(arguments)
        arguments = without_null_arguments(arguments, optional=self._optional)
        try:
            return await super().run(arguments, context, convert_result)
        except UnexpectedToolError as error:
            if isinstance(error.__cause__, ResiftError):
                raise ToolError(error.__cause__.text(HINTS)) from error
            raise
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(self._describe(error.__cause__)) from error.__cause__
            raise

    @property
    def _optional(self) -> Set[str]:
        return self.parameters["properties"].keys() - {*self.parameters.get("required", ())}

    def _refuse_unknown(self, arguments: dict[str, Any]) -> None:
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                raise ToolError(
                    f"{self.name} has no argument {name!r}.{suggest(name, known)} It has: {', '.join(known)}."
                )

    def _describe(self, error: ValidationError) -> str:
        return f"{self.name}: {describe(error, known=list(self.parameters['properties']))}"


def make_tool(
    function: Callable[..., Any],
    *,
    title: str,
    annotations: ToolAnnotations,
    arguments: type[Any] | None = None,
    required: Sequence[str] = (),
    described_in: str = "",
) -> Tool:
    """Return the tool made of an async function, with its docstring as description and compact schemas.

    The fields of `arguments`, a request class, become arguments of the tool, and reach the function as keywords. The
    schema lists those in `required` as required although they have a default. Long descriptions are replaced by a
    reference to the tool `described_in`, which has the same ones.
    """
    tool = StrictTool.from_function(
        function if arguments is None else _with_arguments(function, arguments),
        title=title,
        description=cleandoc(function.__doc__ or ""),
        annotations=annotations,
        structured_output=True,
    )
    tool.parameters = {**_without(_inline(tool.parameters), {"title"}), "additionalProperties": False}
    for name in required:
        del tool.parameters["properties"][name]["default"]
        tool.parameters["required"] = [*tool.parameters.get("required", []), name]
    if described_in:
        tool.parameters["properties"] = {
            name: _refer(schema, described_in) for name, schema in tool.parameters["properties"].items()
        }
    if tool.fn_metadata.output_schema is not None:
        schema = {**_inline(tool.fn_metadata.output_schema), "description": ""}  # the tool's own says what comes back
        tool.fn_metadata.output_schema = _without_plain_items(_without(schema, _OMITTED_IN_RESULTS))
    return tool


def _with_arguments(function: Callable[..., Any], request: type[Any]) -> Callable[..., Any]:
    """Return the function with the fields of a request in its signature, instead of `**arguments`."""
    own = [each for each in signature(function).parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    fields = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters(request, with_python_only=False)]

    @wraps(function)
    async def call(**arguments: Any) -> Any:
        return await function(**arguments)

    call.__signature__ = Signature([*fields, *own], return_annotation=signature(function).return_annotation)  # pyright: ignore[reportAttributeAccessIssue]
    return call


def _refer(schema: dict[str, Any], tool: str) -> dict[str, Any]:
    reference = f"See {tool}"
    is_long = len(schema.get("description", "")) > len(reference)
    return {**schema, "description": reference} if is_long else schema


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with each `$ref` replaced by what it names: some clients do not follow references."""
    definitions: dict[str, Any] = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        entries = cast("dict[str, Any]", node)
        if "$ref" in entries:
            target = {**definitions[entries["$ref"].rsplit("/", 1)[-1]], "description": ""}
            return resolve({**target, **{key: value for key, value in entries.items() if key != "$ref"}})
        return {key: resolve(value) for key, value in entries.items() if key != "$defs"}

    return cast("dict[str, Any]", resolve(schema))


def _without_plain_items(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a result without the types of list items of which no more is said: answers show them."""
    kept: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        is_plain = field.get("items", {}).keys() <= {"type"}
        kept[name] = {key: value for key, value in field.items() if not (is_plain and key == "items")}
    return {**schema, "properties": kept}


def _without(schema: dict[str, Any], omitted: Set[str]) -> dict[str, Any]:
    """Return the schema without keywords that are useless to a model; properties with such names stay."""

    def strip(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, list):
            return [strip(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        return {
            key: strip(value, names=key == "properties" and not names)
            for key, value in cast("dict[str, Any]", node).items()
            if names or (key not in omitted and (key, value) not in _IMPLIED)
        }

    return cast("dict[str, Any]", strip(schema))
