"""The base of every record, and whole numbers as records hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

import msgspec

from zoo.plain import Plain

# JSON has whole numbers of any size; whatever computes with them holds 64 bits.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Record(Plain):
    """JSON in and out, for dataclasses that are read from files and from other processes."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote. A field that this version doesn't know is skipped.

        :raises msgspec.ValidationError: if a field is missing, or of another type.
        """
        return msgspec.convert(values, cls)
