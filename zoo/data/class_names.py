"""Are the classes that weights were trained on those that are scored? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.text import printable

MOST_NAMED, MOST_CHARACTERS = 3, 40


@dataclass(frozen=True, slots=True)
class Match:
    """How the classes of weights and those of a dataset go together.

    Attributes:
        refused: why nothing can be scored, in a line, or None.
        order: where both have the same names in another order: by the number of a class in the weights, its number in
            the dataset. None if the order is the same or isn't known.
    """

    refused: str | None = None
    order: tuple[int, ...] | None = None

    def note(self) -> str | None:
        """What is to be said of a score, if anything."""
        if self.order is None:
            return None
        return "the dataset has its classes in another order than the weights have; they were matched by name"


def match(trained: Sequence[str] | None, scored: Sequence[str] | None) -> Match:
    """Compare names, in the order of their numbers. What has no names is taken to have the right ones.

    :param trained: as the record of the weights has them.
    :param scored: those of the dataset.
    """
    if trained is None or scored is None or list(trained) == list(scored):
        return Match()
    if len(set(trained)) == len(trained) == len(scored) and set(trained) == set(scored):
        return Match(order=tuple(scored.index(name) for name in trained))
    missing = [name for name in trained if name not in set(scored)]
    new = [name for name in scored if name not in set(trained)]
    return Match(
        refused=f"the weights were trained on other classes: they have {_named(missing)}, and the dataset has "
        f"{_named(new)}; train again, or give the classes the names that they had"
    )


def trained_names(provenance: Mapping[str, Any]) -> list[str] | None:
    """The names of the classes in the record of weights; None in an older one, or one that makes no sense."""
    dataset = provenance.get("dataset")
    names = dataset.get("class_names") if isinstance(dataset, Mapping) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def shown_names(provenance: Mapping[str, Any]) -> list[str] | None:
    """The same for people to read: `crane (n02012849)` where names are ids and the record has titles as well."""
    names = trained_names(provenance)
    if names is None:
        return None
    titles = provenance["dataset"].get("class_titles")
    if not isinstance(titles, list) or len(titles) != len(names) or not all(isinstance(title, str) for title in titles):
        return names
    return [f"{title} ({name})" for title, name in zip(titles, names, strict=True)]


def _named(names: Sequence[str]) -> str:
    if not names:
        return "no others"
    shown = ", ".join(f"'{printable(name[:MOST_CHARACTERS])}'" for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"
