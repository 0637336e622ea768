"""Specs as JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from zoo.errors import SpecError


class Plain:
    """JSON in and out, for dataclasses whose fields are JSON values, tuples, or other specs."""

    def to_json(self) -> dict[str, Any]:
        """This spec as JSON values: tuples become lists, nested specs become objects."""
        return {
            f.name: to_json(getattr(self, f.name))
            for f in dataclasses.fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The spec that `to_json` wrote. Unknown keys are an error: they would be lost in silence."""
        try:
            return cls(**values)
        except TypeError as error:
            raise SpecError(f"{cls.__name__}: {str(error).partition(') ')[2] or error}") from None


def to_json(value: Any) -> Any:
    if isinstance(value, Plain):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return value
