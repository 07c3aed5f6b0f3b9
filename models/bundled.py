"""The models that ship inside the wheel: where their files lie and what those must contain."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ModelError

MODEL_FILE = "model.onnx"

TOKENIZER_FILE = "tokenizer.json"

REINSTALL = "Reinstall Resift: pip install --force-reinstall --no-deps resift"


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model by name; `dimension` counts the numbers of a vector, `window` the tokens it reads with special ones."""

    name: str
    folder: Path
    dimension: int
    window: int
    sha256: Mapping[str, str]
    """Hexadecimal sum of each file, by its name in `folder`."""

    @property
    def fingerprint(self) -> str:
        """Return `<name>@<first 12 digits of the model file's sum>`: equal fingerprints give equal vectors."""
        return f"{self.name}@{self.sha256[MODEL_FILE][:12]}"


BUNDLED: dict[str, BundledModel] = {
    "all-MiniLM-L6-v2-int8": BundledModel(
        name="all-MiniLM-L6-v2-int8",
        folder=Path(__file__).parent / "minilm",
        dimension=384,
        window=256,  # max_seq_length of the sentence-transformers original, which saw no longer texts in training
        # Printed by `python -m resift.training.bundle_encoder`.
        sha256={
            "model.onnx": "5af795eb6712a4a013b8d23d42f26580dfafe3f78571f14545fd54273888b9ca",
            "tokenizer.json": "9114256b104cca80e04367526f03f46aa3c443c2ed174904142a73bbf13b9fbb",
        },
    ),
}

RERANKER = Path(__file__).parent / "reranker"
"""The folder of the cross-encoder that ships, in Resift's own format (see reranker_format.py)."""


def verify(model: BundledModel) -> Path:
    """Return the folder of `model` once every file in it has been read and has the sum it must have.

    Raises:
        ModelError: a file is missing or damaged.
    """
    check_files(model.folder, model.sha256, name=model.name, remedy=REINSTALL)
    return model.folder


def check_files(folder: Path, sha256: Mapping[str, str], *, name: str, remedy: str) -> None:
    """Read the files of the model `name` and compare their sums; `remedy` is what to do where one is wrong.

    Raises:
        ModelError: a file is missing or damaged.
    """
    for file, expected in sha256.items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"The file {path} of the model {name!r} is missing. {remedy}")
        found = sha256_of(path)
        if found != expected:
            raise ModelError(
                f"The file {path} of the model {name!r} is damaged: "
                f"its sha256 is {found[:12]}..., not {expected[:12]}.... {remedy}"
            )


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


DIGEST_CHARACTERS = 12

BLOCKS, BLOCK_BYTES = (
    16,
    2**14,
)  # fine-tuning moves all weights, so any sample tells; a gigabyte takes as long as a page


def sampled_digest(files: Iterable[Path]) -> str:
    """Return a hash of the files' sizes and of some of their bytes, the same wherever they lie; missing ones count 0.

    For telling models apart, not for finding damage or fraud.
    """
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size if path.is_file() else 0
        digest.update(size.to_bytes(8))
        if not size:
            continue
        with path.open("rb") as file:
            for block in range(BLOCKS):
                file.seek(max(0, size - BLOCK_BYTES) * block // (BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()[:DIGEST_CHARACTERS]
