"""Who trades in the demo: each account is built so that the bottom of the fall finds it at the ratio that its part asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from adapters.loopback import World
from adapters.loopback.holdings import Account, Contract
from monitor.demo.path import PricePath

BINANCE = "binance_usdm"
DESKS = ("macro", "basis", "alts", "treasury")


class Leg(NamedTuple):
    """A position: symbol and notional at the start, negative for short."""

    symbol: str
    notional: int
    side: str = ""
    isolated: bool = False


class Part(NamedTuple):
    """One account: what it holds, and the margin ratio (maintenance over equity) at the bottom that its wallet is made for."""

    name: str
    desk: str
    legs: tuple[Leg, ...]
    ratio_at_bottom: float
    hedge: bool = False


# Bands at the shipped levels: warning 0.5, margin call 0.7, critical 0.85, liquidation 1.
PARTS = (
    Part("alpha", "macro", (Leg("BTCUSDT", 800_000), Leg("ETHUSDT", 300_000)), 0.93),
    Part("bravo", "macro", (Leg("BTCUSDT", 2_500_000),), 0.76),
    Part("charlie", "macro", (Leg("BTCUSDT", 400_000), Leg("SOLUSDT", 200_000)), 0.56),
    Part("delta", "basis", (Leg("BTCUSDT", 1_500_000), Leg("ETHUSDT", -1_500_000)), 0.30),
    Part("echo", "alts", (Leg("SOLUSDT", 350_000), Leg("XRPUSDT", 150_000), Leg("DOGEUSDT", 90_000)), 1.20),
    Part("foxtrot", "alts", (Leg("DOGEUSDT", 120_000, isolated=True), Leg("BTCUSDT", 50_000)), 0.90),
    Part("golf", "alts", (Leg("XRPUSDT", 250_000, isolated=True),), 0.60),
    Part("hotel", "treasury", (Leg("BTCUSDT", -600_000),), 0.10),
    Part("india", "treasury", (), 0.0),
    Part("juliett", "macro", (Leg("BNBUSDT", 100_000),), 0.40),
)
EXTRAS = (("BTCUSDT", "macro"), ("ETHUSDT", "basis"), ("SOLUSDT", "alts"), ("BNBUSDT", "treasury"))
FLAPPER = f"{BINANCE}/juliett"
LEAST_MARGIN = Decimal("0.08")  # of notional: who gains from the fall still has to put money down


def cast(world: World, path: PricePath, extras: int) -> dict[str, str]:
    """Opens every account of the world; answers the desk of each by its id."""
    desks = {}
    for part in (*PARTS, *_extras(extras)):
        account = world.add_account(BINANCE, part.name, hedge=part.hedge)
        _open(world, path, account, part)
        desks[account.id] = part.desk
    return desks


def _extras(count: int) -> Iterator[Part]:
    """Ordinary accounts, most of them safe."""
    for number in range(count):
        symbol, desk = EXTRAS[number % len(EXTRAS)]
        ratio = 0.52 if number % 5 == 4 else 0.08 + 0.04 * (number % 9)
        direction = -1 if number % 6 == 5 else 1
        yield Part(
            f"desk{number + 1:02d}", desk, (Leg(symbol, direction * 20_000 * (1 + number % 12)),), ratio
        )


def _open(world: World, path: PricePath, account: Account, part: Part) -> None:
    cross = [leg for leg in part.legs if not leg.isolated]
    world.set_wallet(account, "USDT", _wallet(world, path, cross, part.ratio_at_bottom))
    for leg in part.legs:
        contract = world.contracts[account.venue, leg.symbol]
        mark = world.quote(account.venue, leg.symbol).mark
        quantity = (Decimal(leg.notional) / mark).quantize(contract.step)
        own = _wallet(world, path, [leg], part.ratio_at_bottom) if leg.isolated else None
        world.set_position(account, leg.symbol, quantity, side=leg.side, leverage=10, isolated_wallet=own)


def _wallet(world: World, path: PricePath, legs: Sequence[Leg], ratio: float) -> Decimal:
    """Equity that makes the ratio at the bottom, less the profit there: wallet = maintenance / ratio - profit."""
    maintenance = profit = Decimal(0)
    for leg in legs:
        contract = world.contracts[BINANCE, leg.symbol]
        factor = Decimal(str(path.lowest(contract.underlying)))
        maintenance += _maintenance(contract, abs(leg.notional) * factor)
        profit += leg.notional * (factor - 1)
    if not legs:
        return Decimal(0)
    least = LEAST_MARGIN * sum(abs(leg.notional) for leg in legs)
    return max(maintenance / Decimal(str(ratio)) - profit, least).quantize(Decimal("0.01"))


def _maintenance(contract: Contract, notional: Decimal) -> Decimal:
    bracket = next(b for b in contract.brackets if b.floor <= notional < b.cap)
    return notional * bracket.rate - bracket.deduction
