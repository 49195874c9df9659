"""What all parts of a book file share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}$")]
Rate = Annotated[Decimal, Meta(description="a fraction: 0.004 is 0.4 %")]
Side = Literal["", "long", "short"]
Unit = Literal["", "deribit", "okx"]
Price = Annotated[float, Meta(gt=0)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every part refuses a field that it does not know."""
