"""Listwise reranking: a language model reads several passages together and orders them by a template."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import astuple, dataclass
from datetime import date
from hashlib import blake2b

import anyio
from cachetools import LRUCache

from ...core.errors import InvalidInput, ModelError, nearest
from ...core.query import Query
from ...core.text import counted, listed
from ...core.values import Hit
from ...models.endpoint.chat import Deadline
from ...prompts.templates import Template
from ..protocols import Ordering
from .prompt import PromptPassage, clean, prompt_passage
from .strategies import STRATEGIES, max_depth, worst_case
from .window import ChatModel, OrderingTask, Windows, run

OFFICIAL = "prefer_official"  # the template whose instruction is a list of sources
JUMP = 15  # ranks: a passage that rises so far is reported, since its text may have instructed the model to do so
MAX_JUMPS = 5  # reported individually
REASON_TOKENS = 100  # of a reason as it is told


@dataclass(frozen=True, slots=True)
class ListwiseOptions:
    """How a language model orders passages, and what that may cost."""

    strategy: str = "listwise"
    template: str = "relevance"
    permutations: int = 1
    passage_tokens: int = 400
    reply_tokens: int = 2000
    total_s: float = 45.0
    max_calls: int = 30
    max_tokens: int = 100_000
    """Limit of one query, input and output together."""
    concurrency: int = 8
    cache_size: int = 1000
    date_field: str = ""
    official_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the model answered: the order of the head, and notes with the reasons for its first ranks."""

    places: tuple[int, ...]
    reasons: tuple[str, ...] = ()


FROM_CACHE = "0 calls, served from cache"


class Listwise:
    """An orderer that asks a language model. If the model returns no order, the earlier one is kept, with a note.

    Raises:
        InvalidInput: The options name a template that does not exist or does not order passages.
    """

    def __init__(
        self,
        model: ChatModel,
        templates: Mapping[str, Template],
        options: ListwiseOptions,
        *,
        limiter: anyio.CapacityLimiter | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = date.today,
        nonce: Callable[[], str] = lambda: secrets.token_hex(6),
    ) -> None:
        self._model = model
        self._templates = {name: each for name, each in templates.items() if each.orders_passages}
        self._options = options
        self._clock = clock
        self._today = today
        self._nonce = nonce
        self._answers: LRUCache[bytes, _Answer] = LRUCache(options.cache_size)
        self._limiter = limiter or anyio.CapacityLimiter(options.concurrency)
        self._default = self.template(options.template)
        self._chosen: Template | None = None

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._model.name

    @property
    def templates(self) -> list[str]:
        """Return the names of the templates that order passages."""
        return sorted(self._templates)

    def template(self, name: str) -> Template:
        """Return a template by name.

        Raises:
            InvalidInput: There is no such template, or it does not order passages.
        """
        if name not in self._templates:
            known = listed(self.templates)
            raise InvalidInput(f"No template {name!r} orders passages.{nearest(name, self.templates)} Known: {known}.")
        return self._templates[name]

    def with_template(self, name: str) -> "Listwise":
        """Return an orderer that uses this template whatever the instruction says; "" leaves the choice to that.

        Raises:
            InvalidInput: There is no such template, or it does not order passages.
        """
        if not name:
            return self
        other = copy(self)
        other._chosen = self.template(name)
        return other

    async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits by the query's instruction.

        An instruction that is the name of a template, such as "prefer recent", selects that template. Any other
        instruction is filled into the configured template.

        Raises:
            InvalidInput: The template needs a setting that is missing.
            ModelError: The model cannot be reached, or the cost would exceed a limit.
        """
        options, task = self._options, self._task(query)
        depth = max_depth(options.strategy, len(hits), permutations=options.permutations, max_calls=options.max_calls)
        if depth < 2:
            return Ordering(tuple(range(len(hits))), _unread(depth, len(hits)), note="0 calls, nothing to order")
        read = [
            prompt_passage(hit.passage, tokens=options.passage_tokens, date_field=options.date_field)
            for hit in hits[:depth]
        ]
        key = _key(self.name, options.strategy, task, read)
        notes = [*_unread(depth, len(hits))]
        if query.instruction.strip() or task.template is not self._default:
            notes.append(f"{self.name} ordered {counted(depth, 'passage')} by the template {task.template.name!r}.")
        notes += _unused_instruction(task)
        if known := self._answers.get(key):
            told = (*notes, *_jumps(self.name, known.places), *known.reasons)
            return Ordering((*known.places, *range(depth, len(hits))), told, note=FROM_CACHE)
        windows = self._windows(task, read)
        places = await run(STRATEGIES[options.strategy](depth), windows)
        answer = _Answer(tuple(places), _reasons(self.name, places, windows.reasons))
        if windows.is_complete and self._answers.maxsize:
            self._answers[key] = answer
        return self._ordering(windows, answer, len(hits), notes)

    def _ordering(self, windows: Windows, answer: _Answer, hits: int, notes: list[str]) -> Ordering:
        report, usage = windows.cost.report(), windows.cost.usage
        failure = "" if windows.is_complete else f"{self.name}: {windows.what_is_missing}"
        notes = [*notes, failure] if failure else notes
        if not windows.ordered:
            what = f"no window was ordered; {report}"
            return Ordering((), tuple(notes[-1:]), degraded=True, failure=failure, note=what, usage=usage)
        places = (*answer.places, *range(len(answer.places), hits))
        told = (*notes, *_jumps(self.name, places), *answer.reasons)
        return Ordering(places, told, degraded=bool(failure), failure=failure, note=report, usage=usage)

    def _task(self, query: Query) -> OrderingTask:
        options = self._options
        template, instruction = self._choose(query.instruction)
        if template.name == OFFICIAL and not instruction:
            instruction = _official(options.official_sources)
        return OrderingTask(
            query=query.text,
            instruction=instruction,
            template=template,
            today=self._today().isoformat(),
            permutations=options.permutations,
            passage_tokens=options.passage_tokens,
            reply_tokens=options.reply_tokens,
        )

    def _choose(self, instruction: str) -> tuple[Template, str]:
        """Return the template, and the instruction that is filled into it."""
        text = instruction.strip()
        if self._chosen is not None:
            return self._chosen, text
        name = re.sub(r"[\s-]+", "_", text.lower()).strip("._")
        return (self._templates[name], "") if name in self._templates else (self._default, text)

    def _windows(self, task: OrderingTask, read: Sequence[PromptPassage]) -> Windows:
        """Return the windows of a head.

        Raises:
            ModelError: They could take more tokens than the limit.
        """
        options = self._options
        groups = worst_case(options.strategy, len(read))
        windows = Windows(
            self._model,
            task,
            passages=read,
            deadline=Deadline(self._clock() + options.total_s, options.total_s),
            max_calls=options.max_calls,
            spare_calls=options.max_calls - options.permutations * len(groups),
            limiter=self._limiter,
            nonce=self._nonce,
        )
        tokens = sum(map(windows.estimate, groups))
        if tokens > options.max_tokens:
            raise ModelError(
                f"Ordering {counted(len(read), 'passage')} would take about {tokens:,} tokens, above the limit of "
                f"{options.max_tokens:,}. Rerank fewer passages, or raise RESIFT_LLM__MAX_TOKENS_PER_QUERY."
            )
        return windows


def _official(sources: Sequence[str]) -> str:
    if not sources:
        raise InvalidInput(
            "The template prefer_official needs a list of official sources. Set RESIFT_BLEND__OFFICIAL_SOURCES, or "
            "call rerank_with_llm with the template 'prefer_official' and the list as its instruction."
        )
    return ", ".join(sources)


def _unused_instruction(task: OrderingTask) -> list[str]:
    """Return a note on an instruction that the template leaves out."""
    name = task.template.name
    if not task.instruction or "instruction" in task.template.placeholders:
        return []
    return [f"The instruction was not followed, since the template {name!r} takes none. Add {{instruction}} to it."]


def _unread(depth: int, hits: int) -> tuple[str, ...]:
    return (f"Only the first {depth} of {hits} passages were ordered.",) if depth < hits else ()


def _reasons(model: str, places: Sequence[int], reasons: Mapping[int, str]) -> tuple[str, ...]:
    """Return a note on each of the first hits with a reason, named by its rank: its id may be shown shorter.

    A passage may have dictated the reason, so it is quoted as the model's words, without deceptive characters.
    """
    first = [(rank, place) for rank, place in enumerate(places[:3], start=1) if place in reasons]
    return tuple(
        f"""{model} says of rank {rank} in its order: "{_quotable(reasons[place])}\"""" for rank, place in first
    )


def _quotable(reason: str) -> str:
    return clean(reason, REASON_TOKENS).replace('"', "'")


def _jumps(model: str, places: Sequence[int]) -> list[str]:
    """Return notes on the hits that rose far, named by their ranks in the model's order, which others may change."""
    jumped = [(place, rank) for rank, place in enumerate(places) if place - rank >= JUMP]
    notes = [
        f"{model} raised a hit from rank {place + 1} to rank {rank + 1} in its order: check whether the hit's text "
        "tells it to."
        for place, rank in jumped[:MAX_JUMPS]
    ]
    more = len(jumped) - len(notes)
    return [*notes, f"{counted(more, 'more passage')} rose {JUMP} ranks or more."] if more else notes


def _key(model: str, strategy: str, task: OrderingTask, read: Sequence[PromptPassage]) -> bytes:
    """Return a digest of everything the model's answer depends on; of the date only if the template shows it."""
    template = task.template
    today = task.today if "today" in template.placeholders else ""
    parameters = (task.permutations, task.passage_tokens, task.reply_tokens, task.seed)
    settings = (model, strategy, astuple(template), parameters, task.query, task.instruction, today)
    content = json.dumps([settings, [astuple(each) for each in read]])
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()
