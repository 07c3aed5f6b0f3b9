"""The models that are part of the wheel: their files and the checksums of those."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ModelError
from ..core.extras import restore_line

MODEL_FILE = "model.onnx"

TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A bundled encoder: vectors of `dimension` numbers, of at most `window` tokens including the special ones."""

    name: str
    folder: Path
    dimension: int
    window: int
    sha256: Mapping[str, str]
    """The hexadecimal sha256 of each file, by its name in `folder`."""

    @property
    def fingerprint(self) -> str:
        """Return `<name>@<first 12 digits of the model file's sha256>`; equal fingerprints mean equal vectors."""
        return f"{self.name}@{self.sha256[MODEL_FILE][:12]}"


BUNDLED: dict[str, BundledModel] = {
    "all-MiniLM-L6-v2-int8": BundledModel(
        name="all-MiniLM-L6-v2-int8",
        folder=Path(__file__).parent / "minilm",
        dimension=384,
        window=256,  # the max_seq_length that the original was trained with
        # Printed by `python -m resift.training.bundle.encoder`.
        sha256={
            "model.onnx": "5af795eb6712a4a013b8d23d42f26580dfafe3f78571f14545fd54273888b9ca",
            "tokenizer.json": "9114256b104cca80e04367526f03f46aa3c443c2ed174904142a73bbf13b9fbb",
        },
    ),
}

RERANKER_FOLDER = Path(__file__).parent / "reranker"
"""The folder of the bundled cross-encoder, in the format that models/pair/spec.py describes."""


def verify(model: BundledModel) -> Path:
    """Return the folder of `model` after comparing the checksum of every file in it.

    Raises:
        ModelError: A file is missing or damaged.
    """
    check_files(model.folder, model.sha256, name=model.name, remedy=f"Run `{restore_line()}` to restore it.")
    return model.folder


def check_files(folder: Path, sha256: Mapping[str, str], *, name: str, remedy: str) -> None:
    """Compare the checksums of the files of the model `name`; `remedy` tells the reader what to do if one is wrong.

    Raises:
        ModelError: A file is missing or damaged.
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

BLOCKS = 16  # fine-tuning changes all weights, so a sample of the bytes suffices, however large the file is

BLOCK_BYTES = 2**14


def sampled_digest(files: Iterable[Path]) -> str:
    """Return a hash of the files' sizes and of a sample of their bytes; paths do not matter, missing files have size 0.

    It tells models apart. It does not detect damage or tampering.
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
