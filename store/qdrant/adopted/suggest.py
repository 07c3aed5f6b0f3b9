"""How a collection that Resift did not make is to be read: what was asked for, held to what a survey saw."""

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import get_args

from ....core.errors import InvalidInput
from ...field_mapping import UNNAMED, Distance
from .survey import DOCUMENTS, ORDERS, SOURCES, TITLES, UNNAMED_SHOWN, StoredVector, Survey

FEW = 0.5  # share of the points looked at: where fewer have a text, the path is hardly that of the text


def choose_dense(seen: Survey, name: str | None) -> StoredVector:
    """Return the vector that stands for meaning: the one named, or the only one.

    Raises:
        InvalidInput: When there is none of that name, several without a name, or one that no encoder can search.
    """
    able = {each.name: each for each in seen.vectors.values() if not each.is_sparse}
    if name is None:
        if len(able) != 1:
            raise InvalidInput(f"Name the vector of the text with --vector. {_vectors(seen)}")
        [chosen] = able.values()
    else:
        chosen = _named(seen, UNNAMED if name == UNNAMED_SHOWN else name, able)
    if chosen.is_multi:
        raise InvalidInput(f"{chosen.shown}: a search by meaning needs one vector a point. {_vectors(seen)}")
    if chosen.distance not in get_args(Distance):
        raise InvalidInput(f"{chosen.shown}: Resift searches by {', '.join(get_args(Distance))}. {_vectors(seen)}")
    if chosen.datatype == "uint8":
        raise InvalidInput(
            f"{chosen.shown}: how whole numbers were made of the encoder's is not known. {_vectors(seen)}"
        )
    return chosen


def choose_sparse(seen: Survey, name: str) -> StoredVector | None:
    """Return the vector of words that was named; None where none was.

    Raises:
        InvalidInput: When there is no sparse vector of that name.
    """
    able = {each.name: each for each in seen.vectors.values() if each.is_sparse}
    return _named(seen, name, able) if name else None


def check_paths(seen: Survey, paths: Mapping[str, str]) -> None:
    """Refuse paths, by option, that no point looked at has, or a text that few have.

    Raises:
        InvalidInput: Listing what the points have.
    """
    if not seen.sample:
        raise InvalidInput("The collection holds no points to look at. Adopt it when it does.")
    for option, path in paths.items():
        found = len(seen.texts(path)) if path else len(seen.sample)
        least = FEW * len(seen.sample) if option == "--text-field" else 1
        if found < least:
            raise InvalidInput(
                f"{option} {path!r}: {found} of {len(seen.sample)} points looked at have a text there. They have: "
                f"{', '.join(sorted(seen.leaves))[:1000] or 'nothing'}."
            )


def suggestion(name: str, seen: Survey) -> str:
    """Return the command that adopts the collection, as far as it can be guessed, and what it was guessed from."""
    if not seen.sample:
        return f"Collection {name!r} holds no points to look at. Adopt it when it does."
    text = seen.guess_text()
    options = {"text": text, "title": seen.guess(TITLES, besides=[text]), "source": seen.guess(SOURCES)}
    options["document"] = seen.guess(DOCUMENTS) or options["source"]
    options["order"] = seen.guess(ORDERS, besides=[text]) if options["document"] else ""
    command = " ".join(f"--{option}-field {quote(path)}" for option, path in options.items() if path)
    dense = [each.name or UNNAMED_SHOWN for each in seen.vectors.values() if not each.is_sparse]
    if len(dense) > 1:
        command += f" --vector {quote(dense[0])}"
    return (
        f"Say where the text lies. From {len(seen.sample)} of {seen.points:,} points of {name!r} this seems right:\n"
        f"  resift adopt {name} {command}\n{_vectors(seen)} Payload: {', '.join(sorted(seen.leaves))[:1000]}."
    )


def distance_of(dense: StoredVector) -> Distance:
    """Return how a vector that was chosen is compared."""
    return next(each for each in get_args(Distance) if each == dense.distance)


def _named(seen: Survey, name: str, able: Mapping[str, StoredVector]) -> StoredVector:
    if name not in able:
        raise InvalidInput(f"No such vector as {name or UNNAMED_SHOWN!r} for this. {_vectors(seen)}")
    return able[name]


def _vectors(seen: Survey) -> str:
    shown: Sequence[str] = [seen.vectors[name].shown for name in sorted(seen.vectors)]
    return f"Vectors: {', '.join(shown) or 'none'}."
