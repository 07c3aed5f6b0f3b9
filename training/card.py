"""The model card of a trained reranker, filled in with the measurements of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.values import Logistic
from .origin import Origin

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class VariantQuality:
    """A variant of the model: Kendall's tau to fp32, nDCG@10 without blending, file size, milliseconds per pair."""

    tau: float
    ndcg: float
    size_bytes: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The values that the card's template is filled in with."""

    name: str
    window: int
    layers: int
    origin: Origin
    questions: int
    compared: int
    variants: Mapping[str, VariantQuality]
    shipped: str
    calibration: Logistic
    reliability: Sequence[tuple[str, float, float, int]]
    quality: Mapping[str, float]
    sums: Mapping[str, str]

    def text(self) -> str:
        """Return the card as Markdown."""
        return TEMPLATE.format(
            name=self.name,
            base=self.origin.base,
            window=self.window,
            training_window=self.origin.window_note,
            layers=self.layers,
            origin=self.origin.text(),
            questions=f"{self.questions:,}",
            compared=self.compared,
            slope=f"{self.calibration.slope:.3f}",
            intercept=f"{self.calibration.intercept:.3f}",
            quality="\n".join(f"| {name} | {value:.4f} |" for name, value in self.quality.items()),
            reliability="\n".join(
                f"| {bin_} | {predicted:.2f} | {observed:.2f} | {count} |"
                for bin_, predicted, observed, count in self.reliability
            ),
            variants="\n".join(self._row(name, each) for name, each in self.variants.items()),
            files="\n".join(f"| {name} | `{digest}` |" for name, digest in self.sums.items()),
        )

    def _row(self, name: str, variant: VariantQuality) -> str:
        label = f"**{name}**" if name == self.shipped else name
        size, time = f"{variant.size_bytes / MEGABYTE:.1f}", f"{variant.milliseconds:.1f}"
        return f"| {label} | {variant.tau:.3f} | {variant.ndcg:.4f} | {size} | {time} |"


TEMPLATE = """\
# {name}

A cross-encoder: it reads a question and a passage together and scores how well the passage answers the question.

| | |
|---|---|
| base | {base}, {layers} layers |
| input | `input_ids`, `token_type_ids` int64 [1, tokens]: "[CLS] query [SEP] passage [SEP]", types 0 and 1 |
| output | `score` float32 [1]: a logit, higher is better |
| window | {window} tokens{training_window} |

The score is a weighted MaxSim between the token vectors of both texts, which attend to each other in every layer,
plus the cosine of their means and a linear layer on [CLS].

{origin}

## Measured on {questions} development questions

nDCG@10 after reordering the first 25 hits of hybrid search:

| order | nDCG@10 |
|---|---|
{quality}

Kendall's tau compares each order with that of the fp32 model, as the mean over {compared} of the questions. Times are
processor time of one thread, with all variants running in turn.

| variant | tau | nDCG@10 alone | MB | ms per pair |
|---|---|---|---|---|
{variants}

## Relevance

probability = 1 / (1 + exp(-({slope} * score + {intercept}))), fitted to the best hit of each development question, and
of every third one also without its relevant passages.

| predicted | mean predicted | found relevant | hits |
|---|---|---|---|
{reliability}

## Files

| file | sha256 |
|---|---|
{files}
"""
