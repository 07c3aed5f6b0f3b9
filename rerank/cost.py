"""What an order cost, as its stage reports it."""

from dataclasses import dataclass, fields

from ..core.values import Usage


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
