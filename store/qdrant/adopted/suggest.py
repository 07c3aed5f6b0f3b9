"""Suggest and check a field mapping for a collection, from a survey of its points."""

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import get_args

from ....core.errors import InvalidInput
from ...field_mapping import UNNAMED, Distance
from ...naming import MAX_SHOWN, NAME_RULE, check_name, is_valid_name, unknown_collection
from .survey import DOCUMENTS, ORDERS, SOURCES, TITLES, UNNAMED_SHOWN, StoredVector, Survey

NEEDS_DENSE = "Resift needs a dense vector of floats, one for each point, that an encoder made of the text."

MIN_SHARE = 0.5  # of the sampled points that must have a text at the path of the text


def check_name_to_adopt(name: str, known: Sequence[str]) -> None:
    """Check that there is a collection of a name, and that Resift takes the name.

    Raises:
        InvalidInput: It does not.
        NotFound: There is none.
    """
    if name in known and not is_valid_name(name):
        raise InvalidInput(
            f"Collection {name[:MAX_SHOWN]!r} cannot be adopted: {NAME_RULE} To search it, restore a snapshot of it at "
            "Qdrant under such a name."
        )
    check_name(name)
    if name not in known:
        raise unknown_collection(name, known)


def choose_dense(seen: Survey, name: str | None) -> StoredVector:
    """Return the dense vector to search: the one named, or the only one.

    Raises:
        InvalidInput: There is no such vector, no name chooses between several, or an encoder cannot search it.
    """
    usable = {each.name: each for each in seen.vectors.values() if not each.is_sparse}
    if not any(not _problem(each) for each in usable.values()):
        raise InvalidInput(f"The collection cannot be adopted. {NEEDS_DENSE} {_vectors(seen)}")
    if name is None:
        if len(usable) != 1:
            raise InvalidInput(f"Name the vector of the text with --vector. {_vectors(seen)}")
        [chosen] = usable.values()
    else:
        chosen = _named(seen, UNNAMED if name == UNNAMED_SHOWN else name, usable)
    if problem := _problem(chosen):
        raise InvalidInput(f"{chosen.shown}: {problem}. {_vectors(seen)}")
    return chosen


def _problem(dense: StoredVector) -> str:
    """Return why a dense vector cannot be searched; "" if it can."""
    if dense.is_multi:
        return "semantic search needs one vector per point"
    if dense.distance not in get_args(Distance):
        return f"unsupported distance. Supported: {', '.join(get_args(Distance))}"
    return "Resift cannot search vectors of integers" if dense.datatype == "uint8" else ""


def choose_sparse(seen: Survey, name: str) -> StoredVector | None:
    """Return the named sparse vector; None if none is named.

    Raises:
        InvalidInput: There is no sparse vector of that name.
    """
    usable = {each.name: each for each in seen.vectors.values() if each.is_sparse}
    return _named(seen, name, usable) if name else None


def check_paths(seen: Survey, paths: Mapping[str, str]) -> None:
    """Check that sampled points have texts at these paths, which are given by option.

    Raises:
        InvalidInput: Too few points have a text at a path; the message lists the paths that exist.
    """
    if not seen.sample:
        raise InvalidInput("The collection is empty. Adopt it after points have been added.")
    for option, path in paths.items():
        found = len(seen.texts(path)) if path else len(seen.sample)
        least = MIN_SHARE * len(seen.sample) if option == "--text-field" else 1
        if found < least:
            raise InvalidInput(
                f"{option} {path!r}: {found} of {len(seen.sample)} sampled points have a text there. Paths: "
                f"{_payload(seen)}."
            )


def suggestion(name: str, seen: Survey) -> str:
    """Return a suggested command that adopts the collection, with the vectors and payload paths it is based on."""
    if not seen.sample:
        return f"Collection {name!r} is empty. Adopt it after points have been added."
    dense = [each for each in seen.vectors.values() if not each.is_sparse]
    usable = [each.name or UNNAMED_SHOWN for each in dense if not _problem(each)]
    if not usable:
        return f"Collection {name!r} cannot be adopted. {NEEDS_DENSE} {_vectors(seen)}"
    text = seen.guess_text()
    if not text:
        return (
            f"No field of the payload of collection {name!r} holds a text in most of {len(seen.sample)} points, and "
            f"Resift needs one. If there is one, name it with --text-field. Payload: {_payload(seen)}."
        )
    options = {"text": text, "title": seen.guess(TITLES, besides=[text]), "source": seen.guess(SOURCES)}
    options["document"] = seen.guess(DOCUMENTS) or options["source"]
    options["order"] = seen.guess(ORDERS, besides=[text]) if options["document"] else ""
    command = " ".join(f"--{option}-field {quote(path)}" for option, path in options.items() if path)
    if len(dense) > 1:
        command += f" --vector {quote(usable[0])}"
    return (
        f"Specify which field holds the text. From {len(seen.sample)} of {seen.points:,} points of {name!r}, try:\n"
        f"  resift adopt {name} {command}\n{_vectors(seen)} Payload: {_payload(seen)}."
    )


def distance_of(dense: StoredVector) -> Distance:
    """Return the distance of a chosen vector."""
    return next(each for each in get_args(Distance) if each == dense.distance)


def _named(seen: Survey, name: str, usable: Mapping[str, StoredVector]) -> StoredVector:
    if name not in usable:
        raise InvalidInput(f"{name or UNNAMED_SHOWN!r} is not a suitable vector. {_vectors(seen)}")
    return usable[name]


def _vectors(seen: Survey) -> str:
    shown: Sequence[str] = [seen.vectors[name].shown for name in sorted(seen.vectors)]
    return f"Vectors: {', '.join(shown) or 'none'}."


def _payload(seen: Survey) -> str:
    return ", ".join(sorted(seen.leaves))[:1000] or "nothing"
