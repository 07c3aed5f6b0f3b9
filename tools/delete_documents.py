"""The tool that deletes documents, or a whole collection. Of many documents, it asks the user first."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import takewhile
from typing import Annotated, Any, TypeAlias

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..api.requests import MAX_NAME_CHARACTERS, DeleteRequest
from ..api.resift import Resift
from ..core.errors import ResiftError
from ..core.text import agreeing, counted
from ..ingest.removal import Removed
from .boundary import make_tool
from .results import MAX_REPLY_TOKENS, ReplyBudget, reply

MAX_MISSING_SHOWN = 100

MAX_UNCONFIRMED = 10  # documents that are deleted without asking the user

ASKS_BY_RESULT = "2026-07-28"
"""The first protocol version in which a question is the result of a call, and needs no channel to the client."""


class Consent(BaseModel):
    """What the user answers."""

    delete: Annotated[bool, Field(title="Delete", description="Delete them from the index")]


Ask: TypeAlias = Callable[..., Awaitable[Elicit[Consent] | Consent]]


class DeleteResult(BaseModel):
    """What was deleted."""

    collection: str
    documents: int
    passages: int
    missing: Annotated[list[str], Field(description="Ids that do not exist")]
    dropped: bool
    notes: list[str]


def delete_documents(resift: Resift) -> Tool:
    """Return the tool."""

    async def delete_documents(
        *, consent: Annotated[ElicitationResult[Consent], Resolve(_asking(resift))], **arguments: Any
    ) -> Annotated[CallToolResult, DeleteResult]:
        """Delete documents from a collection, by id, by metadata filter, or all of them.

        Files on disk stay. Returns counts. A call that would leave nothing is refused unless `everything` is true.
        """
        refusal = _refusal(consent)
        removed = Removed(0, passages=0, notes=(refusal,)) if refusal else await resift.delete(**arguments)
        dropped = arguments["everything"] and not refusal
        return reply(delete_answer(arguments["collection"], removed, dropped=dropped))

    return make_tool(
        delete_documents,
        title="Delete documents",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
        arguments=DeleteRequest,
    )


def delete_answer(collection: str, removed: Removed, *, dropped: bool) -> dict[str, Any]:
    """Return what is to be told of a deletion; `dropped` says that the whole collection is gone."""
    missing = _fitting(removed.missing)
    more = len(removed.missing) - len(missing)
    others = f"{counted(more, 'more id')} {agreeing(more, 'does', 'do')} not exist."
    return {
        "collection": collection,
        "documents": removed.documents,
        "passages": removed.passages,
        "missing": missing,
        "dropped": dropped,
        "notes": [*removed.notes, *([others] if more else [])],
    }


def _asking(resift: Resift) -> Ask:
    """Return the function that decides whether the user has to be asked, and what."""

    async def ask(
        ctx: Context[Any, Any],
        collection: str,
        document_ids: Sequence[str],
        filter: Mapping[str, Any],
        everything: bool,
    ) -> Elicit[Consent] | Consent:
        if not _can_ask(ctx):
            return Consent(delete=True)
        try:
            going = await resift.delete(
                collection, document_ids=document_ids, filter=filter, everything=everything, dry_run=True
            )
        except ResiftError:  # the call itself will raise it, and delete nothing
            return Consent(delete=True)
        question = question_before(collection, going, everything=everything)
        return Elicit(question, Consent) if question else Consent(delete=True)

    return ask


def _can_ask(ctx: Context[Any, Any]) -> bool:
    """Return whether the client can put a question to its user."""
    known = ctx.client_capabilities
    elicitation = None if known is None else known.elicitation
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return (ctx.protocol_version or "") >= ASKS_BY_RESULT or ctx.session.can_send_request


def question_before(collection: str, going: Removed, *, everything: bool) -> str:
    """Return what to ask the user before this is deleted; "" if it is too little to ask."""
    if not everything and going.documents <= MAX_UNCONFIRMED:
        return ""
    counts = f"{counted(going.documents, 'document')} ({counted(going.passages, 'passage')})"
    if not everything:
        return f"Delete {counts} from the collection {collection!r}? Files on disk are not touched."
    held = going.notes[0] if going.notes else f"It holds {counts}."
    return f"Delete the whole collection {collection!r}? {held} Files on disk are not touched."


def _refusal(consent: ElicitationResult[Consent]) -> str:
    """Return what to tell the agent if the user did not agree; "" if they did."""
    if isinstance(consent, AcceptedElicitation):
        return "" if consent.data.delete else "The user declined: nothing was deleted."
    if consent.action == "decline":
        return "The user declined: nothing was deleted."
    return "The user closed the question without an answer: nothing was deleted."


def _fitting(ids: Sequence[str]) -> list[str]:
    budget = ReplyBudget(MAX_REPLY_TOKENS - 500)  # the counts need little
    return list(takewhile(budget.admit, (each[:MAX_NAME_CHARACTERS] for each in ids[:MAX_MISSING_SHOWN])))
