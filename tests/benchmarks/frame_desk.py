"""The desk of the frame-to-send bench: a thousand accounts of ten legs each, and what they hold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.bybit.spec import SPEC
from monitor import config
from monitor.domain.event import PositionFact
from monitor.domain.identity import instrument_id
from monitor.domain.instrument import Instrument, Kind, TierSchedule, tier_schedule
from tests.benchmarks.frame_venue import PRICE, Ready, symbol
from tests.support.receivers import SIGNING_SECRET

POOLS = 1_000
VENUE = SPEC.name


def daemon_config(folder: Path, ready: Ready) -> config.Config:
    """A webhook, and every account at the venue's sockets."""
    secret = config.Secret(SIGNING_SECRET, "the benchmark")
    url = f"http://127.0.0.1:{ready.webhook}/"
    hook = config.Receiver("hook", "webhook", url=url, secret=secret, allow_private_destinations=True)
    endpoints = {"ws": f"ws://127.0.0.1:{ready.sockets}"}
    accounts: list[Any] = [
        config.Account(
            f"a{number}",
            VENUE,
            "desk",
            "loopback",
            credentials=config.Credentials(secret, secret),
            endpoints=endpoints,
        )
        for number in range(POOLS)
    ]
    return config.Config(
        daemon=config.Daemon(str(folder)),
        accounts=tuple(accounts),
        receivers=(hook,),
        routes=(config.Route(("hook",)),),
        metrics=config.Metrics(port=0),
    )


def contract(number: int) -> Instrument:
    """One linear contract."""
    return Instrument(
        id=instrument_id(VENUE, symbol(number)),
        kind=Kind.LINEAR,
        underlying=symbol(number).removesuffix("USDT"),
        settle_asset="USDT",
        multiplier=Decimal(1),
        taker_fee=Decimal("0.00055"),
        price_digits=4,
        quantity_digits=3,
        tiers=tiers(),
    )


def tiers() -> TierSchedule:
    """Four steps."""
    floors, rates = (0, 200_000, 1_000_000, 5_000_000), ("0.005", "0.01", "0.025", "0.05")
    rows = [
        (Decimal(floor), Decimal(rate), 2 * Decimal(rate)) for floor, rate in zip(floors, rates, strict=True)
    ]
    return tier_schedule(rows, "the benchmark")


def position(number: int, quantity: int) -> PositionFact:
    """One leg at the venue's first price."""
    instrument = instrument_id(VENUE, symbol(number))
    return PositionFact("unified", instrument, "", Decimal(quantity), Decimal(PRICE), Decimal(10))
