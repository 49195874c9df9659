"""[[transfers]]: by which ways the desk moves collateral between its accounts, and how long each takes."""

from __future__ import annotations

import msgspec


class Transfer(msgspec.Struct, frozen=True, rename={"from_account": "from", "to_account": "to"}):
    """One way, for one asset."""

    from_account: str  # "venue/account"
    to_account: str
    asset: str
    takes_s: float  # from the decision until it counts as margin
    cost: float | None = None  # of one transfer, in the asset; None: not known
