"""The kinds of files and folders that are skipped: the names that belong to them, and their counts in words."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from pathlib import Path

from ...core.text import cut_middle
from ..parsers.protocols import suffix_of
from ..parsers.scans.pictures import SUFFIXES as PICTURES

OTHER_NAMES = "outside the glob"
HIDDEN = "hidden"
HIDDEN_FOLDERS = "hidden folders"
REPOSITORIES = "folders of version control"
GENERATED_FOLDERS = "generated folders"
EMPTY = "empty"
BLANK = "blank"
BINARY = "binary"
SECRETS = "secret files"
DANGLING = "dangling links"
OUTSIDE = "links that lead outside"
OWN = "Resift's own files"
SPECIAL = "special files"

MAX_KINDS = 10  # named in a note; the others are summed up

MAX_NAME_CHARACTERS = 40  # of the name of a skipped file

# Written by tools or by other people, and common in repositories.
SKIPPED_FOLDERS = frozenset({
    "__pycache__", "node_modules", "bower_components", "venv", "env", "dist", "build", "target", "site-packages",
    "htmlcov", "__MACOSX", "*.egg-info", "*.dist-info", "vendor", "_vendor", "vendored", "third_party", "third-party",
})  # fmt: skip

# Without a parser these are not opened: some, such as SVG and PDF, begin like text.
NON_TEXT_SUFFIXES = frozenset({
    *PICTURES, ".gif", ".ico", ".svg", ".mp3", ".mp4", ".wav", ".mov",
    ".webm", ".avi", ".doc", ".ppt", ".odt", ".tar",
    ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl", ".jar", ".exe", ".dll", ".so", ".dylib", ".o", ".a",
    ".class", ".pyc", ".wasm", ".bin", ".onnx", ".pt", ".safetensors", ".npy", ".npz", ".parquet", ".sqlite", ".db",
    ".ttf", ".otf", ".woff", ".woff2",
})  # fmt: skip

_SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".htpasswd", ".dockercfg",
    ".git-credentials", ".vault-token", ".vault_pass", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key",
    "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.tfvars", "*.tfstate", "credentials.json",
    "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "service-account*.json", "service_account*.json",
)  # fmt: skip
SECRET_FOLDERS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube"})
_SAMPLES = ("*example*", "*sample*", "*template*", "*.dist", "*.md", "*.pub")
"""Files beside those of secrets that show their form."""

# One expression for each list, because every file of a folder is asked.
_GENERATED, _SECRET, _SAMPLE = (
    re.compile("|".join(map(translate, names))) for names in (sorted(SKIPPED_FOLDERS), _SECRET_NAMES, _SAMPLES)
)

REPOSITORY_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj"})
"""What version control keeps for itself: nothing that anyone wants to search."""

_SINGULAR: Mapping[str, str] = {
    OUTSIDE: "link that leads outside",
    REPOSITORIES: "folder of version control",
}
"""Of kinds of several words, where it is not made by leaving out the last letter."""


def holds_secrets(*paths: Path) -> bool:
    """Return whether one of a file's paths says by its name, or that of a folder, that it holds passwords or keys."""
    return any(not SECRET_FOLDERS.isdisjoint(path.parts[:-1]) or is_secret(path.name) for path in paths)


def is_secret(file_name: str) -> bool:
    """Return whether a file of that name holds passwords or keys, and is not a sample of such a file."""
    name = file_name.lower()
    return _SECRET.match(name) is not None and _SAMPLE.match(name) is None


def kind_of(file_name: str) -> str:
    """Return the kind as which a file that no parser reads is skipped: its known suffix, or "binary"."""
    suffix = suffix_of(file_name)
    return suffix.removeprefix(".") if suffix in NON_TEXT_SUFFIXES else BINARY


def is_generated(folder_name: str) -> bool:
    """Return whether a folder of that name holds what tools write."""
    return _GENERATED.match(folder_name) is not None


def kind_of_folder(name: str) -> str:
    """Return the kind as which a folder of that name is skipped, or "" if it is not."""
    if name.startswith("."):
        return REPOSITORIES if name in REPOSITORY_FOLDERS else HIDDEN_FOLDERS
    return GENERATED_FOLDERS if is_generated(name) else ""


def most_frequent(skipped: Mapping[str, int]) -> dict[str, int]:
    """Return the most frequent kinds with their counts, and the sum of all others under "and N more kinds"."""
    kinds = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    shown = dict(kinds[:MAX_KINDS])
    rest = kinds[MAX_KINDS:]
    if len(rest) == 1:
        return dict(kinds)
    if rest:
        shown[f"and {len(rest)} more kinds"] = sum(count for _, count in rest)
    return shown


def counts_of(skipped: Mapping[str, int], examples: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the counts as text, such as "14 hidden files, 1 dangling link (old/a.md), 3 .mp4 files"."""
    return ", ".join(
        f"{_count(kind, count)}{_names((examples or {}).get(kind, ()), count)}"
        for kind, count in most_frequent(skipped).items()
    )


def _names(names: Sequence[str], count: int) -> str:
    """Return the names of the first files in brackets, or "" without any."""
    shown = [cut_middle(_printable(name), MAX_NAME_CHARACTERS) for name in names]
    return f" ({', '.join([*shown, *['…'] * (count > len(shown))])})" if shown else ""


def _printable(name: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)


def _count(kind: str, count: int) -> str:
    if kind.startswith("and "):
        return f"{kind} ({count:,})"
    return f"{count:,} {_in_words(kind, is_one=count == 1)}"


def _in_words(kind: str, *, is_one: bool) -> str:
    files = "file" if is_one else "files"
    if kind in _SINGULAR or (" " in kind and kind.endswith("s")):
        return _SINGULAR.get(kind, kind.removesuffix("s")) if is_one else kind
    if kind.startswith("ignored "):
        return f"{files} or {'folder' if is_one else 'folders'} {kind}"
    if kind == OTHER_NAMES:
        return f"{files} {kind}"
    return f".{kind} {files}" if f".{kind}" in NON_TEXT_SUFFIXES else f"{kind} {files}"
