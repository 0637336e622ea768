"""Whole numbers of a record. JSON has them of any size; what computes with them holds 64 bits."""

from __future__ import annotations

from typing import Annotated

import msgspec

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
