"""What endpoints say when they fail: fit to be shown, and how long they ask to be left alone."""

from datetime import datetime
from email.utils import parsedate_to_datetime

MOST_CHARACTERS = 300  # of what an endpoint says of its failure: some send whole pages


def quoted(text: str, secret: str) -> str:
    """Return the beginning of a text as one sentence on one line, without the key, which some endpoints repeat."""
    clean = text.replace(secret, "***") if secret else text
    line = "".join(each for each in " ".join(clean.split()) if each.isprintable())[:MOST_CHARACTERS]
    line = line or "no reason given"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def wait_of(retry_after: str, now: datetime) -> float:
    """Return how many seconds Retry-After, a number or a date, says to wait; 0 where it says nothing of use."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
