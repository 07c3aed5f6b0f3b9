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

from ...core.concurrency import run_concurrently
from ...core.errors import InvalidInput, ModelError, nearest
from ...core.query import Query
from ...core.text import counted, listed
from ...core.values import Hit
from ...prompts.templates import Template
from ..protocols import Ordering
from .prompt import PromptPassage, prompt_passage
from .strategies import STRATEGIES, Group, max_depth, worst_case
from .window import ChatModel, OrderingTask, Windows

OFFICIAL = "prefer_official"  # the template whose instruction is a list of sources
JUMP = 15  # ranks: a passage that rises so far is reported, since its text may have instructed the model to do so
MAX_JUMPS = 5  # reported individually
GRACE_S = 0.5  # beyond the time limit, for the pause between two requests

_USE_ANOTHER_MODEL = "Try again, or set RESIFT_LLM__MODEL to a more capable model."


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
        """Return an orderer that uses this template whatever the instruction says; "" is the configured one.

        Raises:
            InvalidInput: There is no such template, or it does not order passages.
        """
        other = copy(self)
        other._chosen = self.template(name) if name else self._default
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
        read = [
            prompt_passage(hit.passage, tokens=options.passage_tokens, date_field=options.date_field)
            for hit in hits[:depth]
        ]
        key = _key(self.name, options.strategy, task, read)
        notes = [f"Only the first {depth} of {len(hits)} passages were ordered."] * (depth < len(hits))
        if task.instruction or task.template is not self._default:
            notes.append(f"{self.name} ordered {counted(depth, 'passage')} by the template {task.template.name!r}.")
        if known := self._answers.get(key):
            told = (*notes, *_jumps(known.places), *known.reasons)
            return Ordering((*known.places, *range(depth, len(hits))), told, note="0 calls, served from cache")
        windows = self._windows(task, read)
        places = await self._run(windows, depth)
        answer = _Answer(tuple(places), _reasons(places, windows.reasons))
        if not windows.unordered and self._answers.maxsize:
            self._answers[key] = answer
        return self._ordering(windows, answer, len(hits), notes)

    def _ordering(self, windows: Windows, answer: _Answer, hits: int, notes: list[str]) -> Ordering:
        report, usage = windows.cost.report(), windows.cost.usage
        if windows.unordered:
            what = f"{windows.unordered} of {windows.windows} windows kept their order"
            step = "A reply was cut off: raise RESIFT_LLM__REPLY_TOKENS." if windows.was_cut else _USE_ANOTHER_MODEL
            problem = f"{self.name}: {what}, since no reply contained an order. {step}"
            if windows.unordered == windows.windows:
                return Ordering((), (problem,), degraded=True, note=f"{what}; {report}", usage=usage)
            notes = [*notes, problem]
        places = (*answer.places, *range(len(answer.places), hits))
        told = (*notes, *_jumps(places), *answer.reasons)
        return Ordering(places, told, degraded=bool(windows.unordered), note=report, usage=usage)

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
        windows = Windows(
            self._model,
            task,
            passages=read,
            deadline=self._clock() + options.total_s,
            max_calls=options.max_calls,
            limiter=self._limiter,
            nonce=self._nonce,
        )
        tokens = sum(windows.estimate(group) for group in worst_case(options.strategy, len(read)))
        if tokens > options.max_tokens:
            raise ModelError(
                f"Ordering {counted(len(read), 'passage')} would take about {tokens:,} tokens, above the limit of "
                f"{options.max_tokens:,}. Rerank fewer passages, or raise RESIFT_LLM__MAX_TOKENS_PER_QUERY."
            )
        return windows

    async def _run(self, windows: Windows, depth: int) -> Group:
        """Run the strategy's rounds within the time limit.

        Raises:
            ModelError: The model cannot be reached, or does not finish in time.
        """
        strategy = STRATEGIES[self._options.strategy](depth)
        with anyio.move_on_after(self._options.total_s + GRACE_S):
            groups = next(strategy)
            while True:
                orders = await run_concurrently([lambda group=group: windows.order(group) for group in groups])
                try:
                    groups = strategy.send(orders)
                except StopIteration as end:
                    return end.value
        raise ModelError(
            f"{self.name} returned no order within {self._options.total_s:g} s. Raise RESIFT_LLM__TOTAL_S."
        )


def _official(sources: Sequence[str]) -> str:
    if not sources:
        raise InvalidInput(
            "The template prefer_official needs a list of official sources. Set RESIFT_BLEND__OFFICIAL_SOURCES, or "
            "call rerank_with_llm with the template 'prefer_official' and the list as its instruction."
        )
    return ", ".join(sources)


def _reasons(places: Sequence[int], reasons: Mapping[int, str]) -> tuple[str, ...]:
    """Return a note on each of the first hits with a reason, named by its rank: its id may be shown shorter."""
    first = enumerate(places[:3], start=1)
    return tuple(f"Rank {rank}: {reasons[place]}" for rank, place in first if place in reasons)


def _jumps(places: Sequence[int]) -> list[str]:
    """Return notes on the hits that rose far, named by their ranks."""
    jumped = [(place, rank) for rank, place in enumerate(places) if place - rank >= JUMP]
    notes = [
        f"The hit at rank {rank + 1} was at rank {place + 1}: check whether its text instructs the model to raise it."
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
