"""What is skipped in folders, by kind, and the notes that say so."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from pathlib import Path, PurePath

from ...core.extras import install_line
from ...core.text import cut, cut_middle
from ..parsers.protocols import suffix_of
from ..parsers.registry import installed_parsers
from ..parsers.scans.pictures import SUFFIXES as PICTURES
from ..report import IngestReport
from ..text.junk import KINDS
from .ignoring import GIT_RULES, IGNORED, OWN_RULES

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

MAX_FAILURES = 3  # in the message of a call in which nothing came in

MAX_CHARACTERS = 300  # of a source or a reason in it

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

_NAMED = KINDS | {SECRETS, DANGLING, OUTSIDE}
"""The kinds that a note names the first files of: documents may be among them."""

_SINGULAR: Mapping[str, str] = {
    OUTSIDE: "link that leads outside",
    REPOSITORIES: "folder of version control",
}
"""Of kinds of several words, where it is not made by leaving out the last letter."""

_SAVE_AS: Mapping[str, str] = {
    "doc": "Save it as .docx first.",
    "ppt": "Save it as .pptx first.",
    "odt": "Save it as .docx or PDF first.",
}

_ADVICE: Mapping[str, str] = {
    OTHER_NAMES: "To ingest more, widen the glob.",
    HIDDEN: "To ingest hidden files, name them.",
    HIDDEN_FOLDERS: "To ingest hidden folders, name them.",
    GENERATED_FOLDERS: "To ingest folders such as node_modules, vendor and build, name them.",
    OUTSIDE: "To follow such links, name them on the command line; for the tools, set RESIFT_INGEST_ROOTS.",
    IGNORED[GIT_RULES]: "To ingest what .gitignore leaves out, name it, or set RESIFT_INGEST__GITIGNORE=false.",
    IGNORED[OWN_RULES]: "To ingest what .resiftignore leaves out, name it or change that file.",
    SECRETS: "Files that hold secrets, such as .env and private keys, are never ingested.",
}


def holds_secrets(*paths: Path) -> bool:
    """Return whether one of a file's paths says by its name, or that of a folder, that it holds passwords or keys."""
    return any(not SECRET_FOLDERS.isdisjoint(path.parts[:-1]) or is_secret(path.name) for path in paths)


def is_secret(file_name: str) -> bool:
    """Return whether a file of that name holds passwords or keys, and is no sample of such a file."""
    name = file_name.lower()
    return _SECRET.match(name) is not None and _SAMPLE.match(name) is None


def kind_of(file_name: str) -> str:
    """Return the kind as which a file that no parser reads is skipped: its known suffix, or "binary"."""
    suffix = suffix_of(file_name)
    return suffix.removeprefix(".") if suffix in NON_TEXT_SUFFIXES else BINARY


def is_generated(folder_name: str) -> bool:
    """Return whether a folder of that name holds what tools write."""
    return _GENERATED.match(folder_name) is not None


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
    """Return the counts as text, such as "14 hidden, 1 dangling link (old/a.md), 3 pdf"."""
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


def _below(folders: Sequence[Path], source: str) -> str:
    """Return a path below one of the folders relative to it, and the name of any other."""
    path = PurePath(source)
    return next((path.relative_to(each).as_posix() for each in folders if path.is_relative_to(each)), path.name)


def _count(kind: str, count: int) -> str:
    if kind.startswith("and "):
        return f"{kind} ({count:,})"
    singular = _SINGULAR.get(kind, kind.removesuffix("s") if " " in kind else kind)
    return f"{count:,} {singular if count == 1 else kind}"


def why_unreadable(kind: str) -> str:
    """Return why a named file of a known suffix cannot be read, and what to do."""
    if f".{kind}" in PICTURES:
        return f"Reading text in {kind} needs the extra 'ocr'. Run `{install_line('ocr')}` to install it."
    return f"Resift cannot read {kind}. {_SAVE_AS.get(kind, 'Convert the file to text first.')}"


def advice_on(skipped: Mapping[str, int]) -> list[str]:
    """Return what a caller can do about the kinds that were skipped."""
    known = sorted(kind for kind in skipped if f".{kind}" in NON_TEXT_SUFFIXES)
    pictures = [kind for kind in known if f".{kind}" in PICTURES]
    formats = [kind for kind in known if kind not in pictures]
    convert = (
        [f"Resift cannot read {', '.join(formats[:MAX_KINDS])}. Convert the files that matter to text."]
        if formats
        else []
    )
    if pictures:
        convert.append(f"To read the text in {', '.join(pictures)}, run `{install_line('ocr')}`.")
    junk = [] if KINDS.isdisjoint(skipped) else ["To ingest minified, generated or encoded files, name them."]
    return [*convert, *junk, *(advice for kind, advice in _ADVICE.items() if kind in skipped)]


def notes_on(report: IngestReport, folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return what to tell the caller about what was skipped; files outside the glob only if nothing was ingested.

    The first files that may matter to the caller are named, relative to the folders that he gave.
    """
    skipped = {kind: count for kind, count in report.skipped.items() if report.is_empty or kind != OTHER_NAMES}
    if skipped:
        examples = {
            kind: [_below(folders, source) for source in report.examples.get(kind, ())]
            for kind in skipped
            if kind in _NAMED
        }
        return (" ".join([f"Skipped {counts_of(skipped, examples)}.", *advice_on(skipped)]),)
    return ("No files were found.",) if report.is_empty and not report.failures else ()


def why_empty(report: IngestReport) -> str:
    """Return why nothing was ingested and what can be done about it, from the first failures and the notes."""
    shown = [
        f"{cut_middle(each.source, MAX_CHARACTERS)}: {cut(each.reason, MAX_CHARACTERS)}" for each in report.failures
    ]
    more = [f"And {len(shown) - MAX_FAILURES:,} more failed."] if len(shown) > MAX_FAILURES else []
    return " ".join([*shown[:MAX_FAILURES], *more, *report.notes, readable_formats(report)]).rstrip()


def readable_formats(report: IngestReport) -> str:
    """Return which files can be read, as a sentence, or "" if something else kept files out."""
    if report.failures and not any(f".{kind}" in NON_TEXT_SUFFIXES or kind == BINARY for kind in report.skipped):
        return ""
    parsers = installed_parsers()
    suffixes: dict[str, list[str]] = {name: [] for name in parsers.by_name}
    for suffix, parser in sorted(parsers.by_suffix.items()):
        name = next(name for name, each in parsers.by_name.items() if each is parser)
        suffixes[name].append(suffix)
    formats = "; ".join(f"{name} ({' '.join(found)})" for name, found in suffixes.items() if found)
    return f"Resift reads {formats}; and any other file of UTF-8 text."
