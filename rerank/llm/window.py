"""Ask a language model to put one window of passages in order, once or from several shuffles of it."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

import anyio

from ...core.errors import ContextTooLong, ModelError
from ...core.text import estimate_tokens
from ...core.values import Usage
from ...models.endpoint.chat import ChatRequest
from ...models.endpoint.chat_reply import ChatReply
from ...prompts.templates import Template
from .prompt import SYSTEM, PromptPassage, fenced, labels, schema, user_message
from .reply import Reading, read_order, read_reasons, repair
from .strategies import Group


@dataclass(slots=True)
class Cost:
    """Counts of one run; whoever asks the model adds to them."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    repaired: int = 0
    """Replies that named labels twice, not at all, or others."""
    failed: int = 0
    """Replies that held no order."""
    trimmed: int = 0
    """Passages of which only the beginning was read."""

    @property
    def usage(self) -> Usage:
        """Return what is paid for."""
        return Usage(self.calls, self.tokens_in, self.tokens_out)

    def report(self) -> str:
        """Return the counts in one line; those besides calls and tokens where there is something to count."""
        first = f"{self.calls} calls, {self.tokens_in} tokens in, {self.tokens_out} out"
        others = [(each.name, getattr(self, each.name)) for each in fields(self)[3:]]
        return ", ".join([first, *(f"{count} {name}" for name, count in others if count)])


T = TypeVar("T")


async def together(questions: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the answers in the order of the questions; when one fails, the others are cancelled.

    Raises:
        ModelError: The first failure.
    """
    answers: dict[int, T] = {}
    failures: list[ModelError] = []

    async def answer(place: int) -> None:
        try:
            answers[place] = await questions[place]()
        except ModelError as error:
            failures.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(questions)):
            group.start_soon(answer, place)
    if failures:
        raise failures[0]
    return [answers[place] for place in range(len(questions))]


REPLY_TOKENS = 12  # of a label in JSON, as tokenizers differ; for the estimate


class Model(Protocol):
    """What answers a request."""

    @property
    def name(self) -> str:
        """Return the name of the model."""
        ...

    async def ask(self, request: ChatRequest, *, deadline: float | None = None) -> ChatReply:
        """Return the reply; may raise `ModelError`."""
        ...


@dataclass(frozen=True, slots=True)
class OrderingTask:
    """What is to be judged by."""

    query: str
    instruction: str
    template: Template
    today: str
    by_first_token: bool = False
    permutations: int = 1
    passage_tokens: int = 400
    reply_tokens: int = 2000
    seed: int = 0


class Windows:
    """Orders windows of one head of passages, and counts what that costs."""

    def __init__(
        self,
        model: Model,
        task: OrderingTask,
        shown: Sequence[PromptPassage],
        *,
        deadline: float,
        max_calls: int,
        at_once: anyio.CapacityLimiter,
        nonce: Callable[[], str],
    ) -> None:
        self._model = model
        self._task = task
        self._shown: list[PromptPassage] = list(shown)
        self._deadline = deadline
        self._max_calls = max_calls
        self._at_once = at_once
        self._nonce = nonce
        self._is_halved = False
        self._by_letters = task.by_first_token
        self.cost = Cost(trimmed=sum(each.is_trimmed for each in shown))
        self.asked = 0
        self.left = 0
        """Windows that kept their order, for no reply to them held one."""
        self.was_cut = False
        """Whether the endpoint cut a reply that held no order."""
        self.reasons: dict[int, str] = {}

    @property
    def lacks_logprobs(self) -> bool:
        """Return whether lists were asked for because the endpoint gives no probabilities of tokens."""
        return self._task.by_first_token and not self._by_letters

    def estimate(self, group: Group) -> int:
        """Return about how many tokens all calls of a window take, in and out."""
        request = self._request(group)
        tokens = estimate_tokens(request.system) + estimate_tokens(request.user) + REPLY_TOKENS * len(group)
        return self._task.permutations * tokens

    async def order(self, group: Group) -> Group:
        """Return the group in the model's order: of several shuffles, by Borda count.

        Raises:
            ModelError: The model cannot be asked.
        """
        self.asked += 1
        dice = random.Random(f"{self._task.seed}:{group}")  # noqa: S311 - shuffles that can be repeated, no secrets
        shuffles = [group, *(dice.sample(group, len(group)) for _ in range(self._task.permutations - 1))]
        orders = await together([lambda each=each: self._order_once(each) for each in shuffles])
        usable = [order for order in orders if order]
        if not usable:
            self.left += 1
        points = {place: sum(order.index(place) for order in usable) for place in group}
        return sorted(group, key=lambda place: points[place])

    async def _order_once(self, group: Group) -> Group:
        """Return the group in the order of one reply, else of a second; [] where neither held one."""
        for _ in range(2):
            reading = await self._read(group)
            if reading.is_usable:
                self.cost.repaired += reading.is_repaired
                return [group[place] for place in reading.places]
            self.cost.failed += 1
        return []

    async def _read(self, group: Group) -> Reading:
        by_letters = self._by_letters
        reply = await self._ask(group)
        names = labels(len(group), letters=by_letters)
        if by_letters and not reply.first_token:
            self._by_letters = False
            return await self._read(group)
        if by_letters:
            likeliest = sorted(reply.first_token, key=lambda each: -each[1])
            reading = repair([token.strip() for token, _ in likeliest if token.strip() in names], names)
            # The others are unlikelier than the likeliest twenty; where none is a label, there is no order.
            return replace(reading, named=len(group)) if reading.named else reading
        if self._task.template.reply == "ranking with reasons":
            self.reasons |= {group[place]: reason for place, reason in read_reasons(reply.text, names).items()}
        reading = read_order(reply.text, names)
        self.was_cut |= not (reply.complete or reading.is_usable)
        return reading

    async def _ask(self, group: Group) -> ChatReply:
        while True:
            was_halved = self._is_halved
            try:
                return await self._call(self._request(group))
            except ContextTooLong:
                if was_halved:
                    raise
                self._halve()

    async def _call(self, request: ChatRequest) -> ChatReply:
        if self.cost.calls >= self._max_calls:
            raise ModelError(f"max_calls, {self._max_calls}, is reached. Raise RESIFT_LLM__MAX_CALLS.")
        self.cost.calls += 1
        async with self._at_once:
            reply = await self._model.ask(request, deadline=self._deadline)
        self.cost.tokens_in += reply.tokens_in
        self.cost.tokens_out += reply.tokens_out
        self.cost.retries += reply.retries
        return reply

    def _halve(self) -> None:
        """Cut all passages to half of their tokens, once."""
        if not self._is_halved:
            self._is_halved = True
            self._shown = [each.with_half_the_text(self._task.passage_tokens) for each in self._shown]
            self.cost.trimmed = sum(each.is_trimmed for each in self._shown)

    def _request(self, group: Group) -> ChatRequest:
        task, nonce = self._task, self._nonce()
        names = labels(len(group), letters=self._by_letters)
        passages = fenced([self._shown[place] for place in group], names, nonce)
        user = user_message(
            task.template, task.query, task.instruction, task.today, passages, first_token=self._by_letters
        )
        if self._by_letters:
            return ChatRequest(SYSTEM.format(nonce=nonce), user, max_tokens=1, seed=task.seed, first_token=True)
        form = schema(names, with_reasons=task.template.reply == "ranking with reasons")
        return ChatRequest(SYSTEM.format(nonce=nonce), user, max_tokens=task.reply_tokens, schema=form, seed=task.seed)
