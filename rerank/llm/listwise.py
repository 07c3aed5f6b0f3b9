"""Rerank with a language model that reads a head of passages together, by a template and an instruction."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import anyio

from ...core.errors import InvalidInput, ModelError, nearest
from ...core.values import Hit
from ...prompts.templates import Template
from ..protocols import Ordering
from .instructions import OFFICIAL, Wish, read_wish
from .order_cache import Orders, order_key
from .prompt import PromptPassage, show
from .strategies import STRATEGIES, Group, deepest, foreseen
from .window import Model, OrderingTask, Windows, together

JUMP = 15  # places a passage may rise before it is told: an injected one can do no more than change the order

MOST_JUMPS = 5  # that are told one by one

GRACE_S = 0.5  # beyond the time in all, for a pause between two requests

_ABLER = "Ask again, or set RESIFT_LLM__MODEL to an abler model."


@dataclass(frozen=True, slots=True)
class Options:
    """How a language model orders, and what it may cost."""

    strategy: str = "listwise"
    template: str = "relevance"
    permutations: int = 1
    passage_tokens: int = 400
    reply_tokens: int = 2000
    total_s: float = 45.0
    max_calls: int = 30
    max_tokens: int = 100_000
    """Of one question, in and out."""
    at_once: int = 8
    cache_size: int = 1000
    date_field: str = ""
    official: tuple[str, ...] = ()


class Listwise:
    """Puts hits in the order that a language model gives; keeps the order, and says why, where it gives none."""

    def __init__(
        self,
        model: Model,
        templates: Mapping[str, Template],
        options: Options,
        *,
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
        self._orders = Orders(options.cache_size)
        self._at_once = anyio.CapacityLimiter(options.at_once)
        self.template(options.template)

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._model.name

    @property
    def default_template(self) -> str:
        """Return the name of the template of the settings."""
        return self._options.template

    @property
    def templates(self) -> list[str]:
        """Return the names of the templates that order passages."""
        return sorted(self._templates)

    def template(self, name: str) -> Template:
        """Return a template.

        Raises:
            InvalidInput: There is none of that name that orders passages.
        """
        if name not in self._templates:
            known = ", ".join(self.templates)
            raise InvalidInput(f"No template {name!r} orders passages.{nearest(name, self.templates)} Known: {known}.")
        return self._templates[name]

    def by(self, wish: Wish) -> "Bound":
        """Return what orders by this template and instruction, whatever else is asked.

        Raises:
            InvalidInput: There is no such template, or it lacks what it needs.
        """
        self._task("", wish)
        return Bound(self, wish)

    async def order(self, query: str, instruction: str, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits by an instruction, or by the template of the settings.

        Raises:
            ModelError: The model cannot be asked, or would cost more than is allowed.
        """
        official = bool(self._options.official)
        wish = read_wish(instruction, self._templates, self._options.template, lists_official=official)
        return await self.order_by(query, wish, hits)

    async def order_by(self, query: str, wish: Wish, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits by a template and an instruction.

        Raises:
            InvalidInput: The template lacks what it needs.
            ModelError: The model cannot be asked, or would cost more than is allowed.
        """
        options = self._options
        task = self._task(query, wish)
        depth = deepest(options.strategy, len(hits), permutations=options.permutations, max_calls=options.max_calls)
        read = [show(hit.passage, tokens=options.passage_tokens, date_field=options.date_field) for hit in hits[:depth]]
        key = order_key(self.name, options.strategy, task, read)
        notes = [f"Only the first {depth} of {len(hits)} passages were ordered."] * (depth < len(hits))
        if wish.text or wish.template != options.template:
            notes.append(f"{self.name} put {depth} passages in order by the template {wish.template!r}.")
        rest = range(depth, len(hits))
        if known := self._orders.get(key):
            return Ordering((*known, *rest), (*notes, *_jumps(known, hits)), note="0 calls, served from cache")
        windows = self._windows(task, read)
        places = await self._run(windows, depth)
        if not windows.left:
            self._orders.keep(key, places)
        return self._ordering(windows, [*places, *rest], hits, notes)

    def _ordering(self, windows: Windows, places: Sequence[int], hits: Sequence[Hit], notes: list[str]) -> Ordering:
        report, usage = windows.cost.report(), windows.cost.usage
        if windows.left:
            what = f"{windows.left} of {windows.asked} windows kept their order"
            step = "A reply was cut: raise RESIFT_LLM__REPLY_TOKENS." if windows.was_cut else _ABLER
            left = f"{self.name}: {what}, for no reply to them held an order. {step}"
            if windows.left == windows.asked:
                return Ordering((), (left,), degraded=True, note=f"{what}; {report}", usage=usage)
            notes = [*notes, left]
        if windows.lacks_logprobs:
            notes = [*notes, f"{self.name} gives no probabilities of tokens; lists were asked for instead."]
        reasons = [
            f"#{rank} {hits[place].passage.id}: {windows.reasons[place]}"
            for rank, place in enumerate(places[:3], start=1)
            if place in windows.reasons
        ]
        told = (*notes, *_jumps(places, hits), *reasons)
        return Ordering(tuple(places), told, degraded=bool(windows.left), note=report, usage=usage)

    def _task(self, query: str, wish: Wish) -> OrderingTask:
        options, template = self._options, self.template(wish.template)
        instruction = wish.text
        if template.name == OFFICIAL and not instruction:
            instruction = _sources(options.official, wish.said)
        return OrderingTask(
            query,
            instruction,
            template=template,
            today=self._today().isoformat(),
            by_first_token=options.strategy == "first_token",
            permutations=options.permutations,
            passage_tokens=options.passage_tokens,
            reply_tokens=options.reply_tokens,
        )

    def _windows(self, task: OrderingTask, read: Sequence[PromptPassage]) -> Windows:
        """Return the windows of a head, after making sure that they cost no more than is allowed.

        Raises:
            ModelError: They would.
        """
        options = self._options
        windows = Windows(
            self._model,
            task,
            read,
            deadline=self._clock() + options.total_s,
            max_calls=options.max_calls,
            at_once=self._at_once,
            nonce=self._nonce,
        )
        tokens = sum(windows.estimate(group) for group in foreseen(options.strategy, len(read)))
        if tokens > options.max_tokens:
            raise ModelError(
                f"Ordering {len(read)} passages would take about {tokens:,} tokens, above {options.max_tokens:,}, and "
                "was not begun. Rerank fewer, or raise RESIFT_LLM__MAX_TOKENS_PER_QUERY."
            )
        return windows

    async def _run(self, windows: Windows, depth: int) -> Group:
        """Play the strategy's rounds, in the time there is.

        Raises:
            ModelError: The model cannot be asked, or time is over.
        """
        strategy = STRATEGIES[self._options.strategy](depth)
        with anyio.move_on_after(self._options.total_s + GRACE_S):
            groups = next(strategy)
            while True:
                orders = await together([lambda group=group: windows.order(group) for group in groups])
                try:
                    groups = strategy.send(orders)
                except StopIteration as end:
                    return end.value
        raise ModelError(f"{self.name} gave no order within {self._options.total_s:g} s. Raise RESIFT_LLM__TOTAL_S.")


@dataclass(frozen=True, slots=True)
class Bound:
    """A listwise reranker bound to a template and an instruction."""

    listwise: Listwise
    wish: Wish

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self.listwise.name

    async def order(self, query: str, instruction: str, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits; `instruction` gives way to the one it is bound to."""
        return await self.listwise.order_by(query, self.wish, hits)


def _sources(official: Sequence[str], said: str) -> str:
    """Return the list of official sources, and in which words they were asked for, which may say more."""
    if not official:
        raise InvalidInput(
            "prefer_official needs the list of official sources: give it as the instruction, or set "
            "RESIFT_BLEND__OFFICIAL_SOURCES."
        )
    return ", ".join(official) + (f". They are asked for in these words: {said}" if said else "")


def _jumps(places: Sequence[int], hits: Sequence[Hit]) -> list[str]:
    jumped = [(place, rank) for rank, place in enumerate(places) if place - rank >= JUMP]
    notes = [
        f"{hits[place].passage.id} rose from place {place + 1} to {rank + 1}: look whether its text asks for that."
        for place, rank in jumped[:MOST_JUMPS]
    ]
    more = len(jumped) - len(notes)
    return [*notes, f"{more} more passages rose {JUMP} places or more."] if more else notes
