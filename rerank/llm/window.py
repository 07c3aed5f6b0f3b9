"""Ask a language model to order one window of passages, once or from several shuffles of it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import anyio

from ...core.concurrency import run_concurrently
from ...core.errors import ContextTooLong, ModelError, Unavailable
from ...core.retry import OutOfTime
from ...core.text import counted, estimate_tokens
from ...core.values import Usage
from ...models.endpoint.chat import ChatRequest, Deadline
from ...models.endpoint.chat_reply import ChatReply
from ...prompts.templates import Template
from .prompt import SYSTEM, PromptPassage, fenced, labels, schema, user_message
from .reply import Reading, read_order, read_reasons
from .strategies import Group, Strategy


@dataclass(slots=True)
class Cost:
    """The cost of ordering one head so far."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    retried: int = 0
    repaired: int = 0
    """Replies that named labels twice, left some out, or named unknown ones."""
    failed: int = 0
    """Replies without an order."""
    trimmed: int = 0
    """Passages of which the model read only the beginning."""

    @property
    def usage(self) -> Usage:
        """Return the calls and tokens, which an endpoint charges for."""
        return Usage(calls=self.calls, tokens_in=self.tokens_in, tokens_out=self.tokens_out)

    def report(self) -> str:
        """Return the counts in one line, without those that are zero except calls and tokens."""
        first = f"{counted(self.calls, 'call')}, {self.tokens_in} tokens in, {self.tokens_out} out"
        others = [(each.name, getattr(self, each.name)) for each in fields(self)[3:]]
        return ", ".join([first, *(f"{count} {name}" for name, count in others if count)])


GRACE_S = 0.5  # beyond the time limit, for a request that waits for others or between two attempts

LABEL_TOKENS = 12  # upper estimate of a label in a JSON reply, since tokenizers differ


class ChatModel(Protocol):
    """A language model that answers a request."""

    @property
    def name(self) -> str:
        """Return the name of the model."""
        ...

    async def ask(self, request: ChatRequest, *, deadline: Deadline | None = None) -> ChatReply:
        """Return the reply.

        Raises:
            ModelError: The endpoint fails, or does not answer before the deadline.
        """
        ...


@dataclass(frozen=True, slots=True)
class OrderingTask:
    """The query and template that passages are ordered by, and how much of each the model reads."""

    query: str
    instruction: str
    template: Template
    today: str
    permutations: int = 1
    passage_tokens: int = 400
    reply_tokens: int = 2000
    seed: int = 0


class Windows:
    """Orders windows of one head of passages and counts the cost.

    If the model fails after it has ordered a window, the others keep their order: those before were paid for.
    """

    def __init__(
        self,
        model: ChatModel,
        task: OrderingTask,
        *,
        passages: Sequence[PromptPassage],
        deadline: Deadline,
        max_calls: int,
        spare_calls: int,
        limiter: anyio.CapacityLimiter,
        nonce: Callable[[], str],
    ) -> None:
        self._model = model
        self._task = task
        self._passages: list[PromptPassage] = list(passages)
        self._deadline = deadline
        self._ends_at = anyio.current_time() + deadline.whole_s + GRACE_S
        self._max_calls = max_calls
        self._spare_calls = spare_calls
        """How many more calls than planned may be made, so that one that repeats takes none from later windows."""
        self._limiter = limiter
        self._nonce = nonce
        self._is_halved = False
        self.cost = Cost(trimmed=sum(each.is_trimmed for each in passages))
        self.ordered = 0
        self.unordered = 0
        """Windows that kept their order because no reply held one, or the model failed."""
        self.failure: ModelError | None = None
        """Why the model failed first."""
        self.was_cut = False
        """Whether the endpoint cut off a reply without an order."""
        self.reasons: dict[int, str] = {}

    @property
    def is_complete(self) -> bool:
        """Return whether the model ordered every window, from each of its shuffles."""
        return not self.unordered and self.failure is None

    @property
    def what_is_missing(self) -> str:
        """Return what the model did not order, why, and what to do."""
        windows = f"{self.unordered} of {self.ordered + self.unordered} windows kept their order"
        if self.failure is not None:
            return f"{windows if self.unordered else 'not every shuffle was ordered'}. {self.failure}"
        if self.was_cut:
            return f"{windows}, since no reply contained an order. A reply was cut off: raise RESIFT_LLM__REPLY_TOKENS."
        step = "Try again, or set RESIFT_LLM__MODEL to a more capable model."
        more = "" if self._spare_calls else " To let it be asked again, raise RESIFT_LLM__MAX_CALLS."
        return f"{windows}, since no reply contained an order. {step}{more}"

    def estimate(self, group: Group) -> int:
        """Return an estimate of the tokens, in and out, of all calls for a window."""
        request = self._request(group)
        tokens = estimate_tokens(request.system) + estimate_tokens(request.user) + LABEL_TOKENS * len(group)
        return self._task.permutations * tokens

    async def order(self, group: Group) -> Group:
        """Return the group in the model's order; orders of several shuffles are merged by Borda count.

        Raises:
            ModelError: The model failed, and had ordered no window before.
        """
        shuffler = random.Random(f"{self._task.seed}:{group}")  # noqa: S311 - reproducible shuffles, not secrets
        shuffles = [group, *(shuffler.sample(group, len(group)) for _ in range(self._task.permutations - 1))]
        orders = await run_concurrently([lambda each=each: self._order_once(each) for each in shuffles])
        usable = [order for order in orders if order]
        if self.failure is not None and not usable and not self.ordered:
            raise self.failure
        self.ordered += bool(usable)
        self.unordered += not usable
        points = {place: sum(order.index(place) for order in usable) for place in group}
        return sorted(group, key=lambda place: points[place])

    async def _order_once(self, group: Group) -> Group:
        """Return the group in the model's order; [] if no reply holds one, or the model fails."""
        if isinstance(self.failure, Unavailable | OutOfTime):  # which the next request would meet too
            return []
        try:
            with anyio.CancelScope(deadline=self._ends_at):
                return await self._ask_twice(group)
            limit = f"{self._deadline.whole_s:g} s"
            raise OutOfTime(f"{self._model.name} returned no order within {limit}. Raise {self._deadline.setting}.")
        except ModelError as error:
            self.failure = self.failure or error
            return []

    async def _ask_twice(self, group: Group) -> Group:
        """Return the group in the order of the first or second reply; [] if neither holds one.

        After a reply that was cut off there is no second: it would be cut off at the same limit, and cost as much.
        """
        reading, is_cut = await self._read(group)
        if not (reading.is_usable or is_cut) and self._take_spare_call():
            reading, _ = await self._read(group)
        return [group[place] for place in reading.places] if reading.is_usable else []

    def _take_spare_call(self) -> bool:
        """Return whether a call may be made that was not planned, which is then one of those made."""
        if self._spare_calls < 1:
            return False
        self._spare_calls -= 1
        return True

    async def _read(self, group: Group) -> tuple[Reading, bool]:
        """Return the order in a reply, and whether the reply was cut off before it named one."""
        reply = await self._ask(group)
        names = labels(len(group))
        if self._task.template.reply == "ranking with reasons":
            self.reasons |= {group[place]: reason for place, reason in read_reasons(reply.text, names).items()}
        reading = read_order(reply.text, names)
        self.cost.repaired += reading.is_usable and reading.is_repaired
        self.cost.failed += not reading.is_usable
        is_cut = not (reply.complete or reading.is_usable)
        self.was_cut |= is_cut
        return reading, is_cut

    async def _ask(self, group: Group) -> ChatReply:
        while True:
            was_halved = self._is_halved
            try:
                return await self._call(self._request(group))
            except ContextTooLong:
                if was_halved:
                    raise
                self._halve()
                if not self._take_spare_call():
                    raise self._too_many_calls() from None

    async def _call(self, request: ChatRequest) -> ChatReply:
        if self.cost.calls >= self._max_calls:
            raise self._too_many_calls()
        self.cost.calls += 1
        async with self._limiter:
            reply = await self._model.ask(request, deadline=self._deadline)
        self.cost.tokens_in += reply.tokens_in
        self.cost.tokens_out += reply.tokens_out
        self.cost.retried += reply.retries
        return reply

    def _too_many_calls(self) -> ModelError:
        limit = counted(self._max_calls, "call")
        return ModelError(f"The limit of {limit} is reached. Raise RESIFT_LLM__MAX_CALLS.")

    def _halve(self) -> None:
        """Cut all passages to half of their tokens, at most once."""
        if not self._is_halved:
            self._is_halved = True
            self._passages = [each.with_half_the_text(self._task.passage_tokens) for each in self._passages]
            self.cost.trimmed = sum(each.is_trimmed for each in self._passages)

    def _request(self, group: Group) -> ChatRequest:
        task, nonce = self._task, self._nonce()
        names = labels(len(group))
        values = {
            "query": task.query,
            "instruction": task.instruction or "none",
            "today": task.today,
            "passages": fenced([self._passages[place] for place in group], names, nonce),
        }
        return ChatRequest(
            SYSTEM.format(nonce=nonce),
            user_message(task.template, values),
            max_tokens=task.reply_tokens,
            schema=schema(names, with_reasons=task.template.reply == "ranking with reasons"),
            seed=task.seed,
        )


async def run(strategy: Strategy, windows: Windows) -> Group:
    """Return the order that a strategy finds, each of its groups a window.

    Raises:
        ModelError: The model failed before it had ordered any.
    """
    groups = next(strategy)
    while True:
        orders = await run_concurrently([lambda group=group: windows.order(group) for group in groups])
        try:
            groups = strategy.send(orders)
        except StopIteration as end:
            return end.value
