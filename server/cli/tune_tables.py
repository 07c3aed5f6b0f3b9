"""Tables of `resift tune` for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from ...evaluation.tuning.ranking_fit import RankingFit
    from ...evaluation.tuning.verdict_tuner import TunedFit


def fit_table(fit: RankingFit, *, title: str) -> Table:
    """Return the settings and their measures before and after."""
    from rich.table import Table

    before, after = fit.before, fit.after
    table = Table("", "settings", "tuned", title=title)
    for name in after.weights:
        table.add_row(f"weight of {name}", f"{before.weights.get(name, 0):.2f}", f"{after.weights[name]:.2f}")
    table.add_row("depth, in documents", str(before.depth), str(after.depth))
    table.add_row("nDCG@10, same questions", f"{before.ndcg:.4f}", f"{after.ndcg:.4f}")
    table.add_row("nDCG@10, held out", f"{before.ndcg:.4f}", f"{before.ndcg + fit.gain.mean:.4f}")
    if fit.relevance is not None:
        losses = fit.relevance
        table.add_row("log loss of relevance, held out", f"{losses.loss_before:.3f}", f"{losses.loss_after:.3f}")
    return table


def verdict_table(fit: TunedFit, *, title: str) -> Table:
    """Return the shares of verdicts before and after, where the first hit answers and where nothing does."""
    from rich.table import Table

    table = Table("", "verdict", "before", "after", title=title)
    for answered, what in ((True, "first hit answers"), (False, "no answer")):
        before, after = (each.shares(fit.samples, answered=answered) for each in (fit.before, fit.after))
        for verdict, old, new in zip(("good", "none"), before, after, strict=True):
            table.add_row(what, verdict, f"{old:.0%}", f"{new:.0%}")
    return table
