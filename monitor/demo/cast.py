"""Who trades in the demo: each wallet is made so that the bottom of the fall finds its account at the ratio
of its part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from adapters.loopback import World
from adapters.loopback.holdings import Account, Contract
from monitor.demo.path import PricePath

BINANCE, BYBIT, HYPERLIQUID = "binance_usdm", "bybit", "hyperliquid"
MONEY = {BINANCE: "USDT", BYBIT: "USDT", HYPERLIQUID: "USDC"}
LEVERAGE = 10
LEAST_MARGIN = Decimal("0.08")  # of notional: who gains from the fall still has to put money down
SPARE = Decimal(5_000)  # of an account whose positions are all isolated


class Leg(NamedTuple):
    """A position: symbol and notional at the start, negative for short."""

    symbol: str
    notional: int
    side: str = ""
    isolated: bool = False


class Part(NamedTuple):
    """One account: what it holds, and the margin ratio (maintenance over equity) at the bottom that its
    wallet is made for. Negative: it is liquidated on the way there."""

    venue: str
    name: str
    desk: str
    legs: tuple[Leg, ...]
    ratio_at_bottom: float
    hedge: bool = False
    multi_assets: bool = False  # half of the wallet is in BTC
    isolated_margin: bool = False  # the whole account, at Bybit


# By distance a perpetual of 0.4 % maintenance warns at a ratio of some 0.08, calls at 0.13 and is critical
# at 0.25.
PARTS = (
    Part(BINANCE, "alpha", "macro", (Leg("BTCUSDT", 800_000), Leg("ETHUSDT", 300_000)), 0.93),
    Part(BINANCE, "bravo", "macro", (Leg("BTCUSDT", 2_500_000),), 0.20),
    Part(BINANCE, "charlie", "macro", (Leg("BTCUSDT", 400_000), Leg("SOLUSDT", 200_000)), 0.11),
    Part(BINANCE, "delta", "basis", (Leg("BTCUSDT", 1_500_000), Leg("ETHUSDT", -1_500_000)), 0.04),
    Part(BINANCE, "echo", "alts", (Leg("SOLUSDT", 350_000), Leg("XRPUSDT", 150_000)), 1.10),
    Part(BINANCE, "foxtrot", "alts", (Leg("DOGEUSDT", 120_000, isolated=True), Leg("BTCUSDT", 50_000)), 0.30),
    Part(BINANCE, "golf", "alts", (Leg("XRPUSDT", 250_000, isolated=True),), 0.12),
    Part(BINANCE, "hotel", "treasury", (Leg("BTCUSDT", -600_000),), 0.02),
    Part(BINANCE, "india", "treasury", (), 0.0),
    Part(BINANCE, "juliett", "macro", (Leg("BNBUSDT", 100_000),), 0.05),
    Part(
        BINANCE,
        "kilo",
        "basis",
        (Leg("ETHUSDT", 400_000, "long"), Leg("ETHUSDT", -150_000, "short")),
        0.25,
        hedge=True,
    ),
    Part(
        BINANCE,
        "lima",
        "treasury",
        (Leg("BTCUSDT", 300_000), Leg("BTCUSDC", 200_000)),
        0.02,
        multi_assets=True,
    ),
    Part(BINANCE, "main", "macro", (Leg("BTCUSDT", 20_000),), 0.0005),  # what the others may draw on
    Part(BYBIT, "mike", "macro", (Leg("BTCUSDT", 900_000), Leg("ETHUSDT", 200_000)), 0.60),
    Part(BYBIT, "november", "alts", (Leg("SOLUSDT", 250_000),), 0.14),
    Part(BYBIT, "oscar", "alts", (Leg("XRPUSDT", 80_000, isolated=True),), 0.30, isolated_margin=True),
    Part(BYBIT, "papa", "treasury", (Leg("ETHUSDT", -300_000),), 0.02),
    Part(HYPERLIQUID, "quebec", "macro", (Leg("BTC", 700_000), Leg("ETH", 150_000)), 0.70),
    Part(HYPERLIQUID, "romeo", "alts", (Leg("SOL", 200_000), Leg("HYPE", 40_000, isolated=True)), 0.35),
    Part(HYPERLIQUID, "sierra", "basis", (Leg("BTC", 300_000), Leg("ETH", -300_000)), 0.05),
    Part(BYBIT, "tango", "macro", (Leg("ETHUSDT", 120_000),), -0.12),
    Part(BYBIT, "uniform", "alts", (Leg("XRPUSDT", 60_000),), -1.0),
    Part(HYPERLIQUID, "victor", "macro", (Leg("ETH", 150_000),), -0.3),
)
# From, to, seconds, cost: inside one venue it is quick, from one to another it goes over a chain.
WAYS = (
    (f"{BINANCE}/main", f"{BINANCE}/alpha", 60.0, 0.0),
    (f"{BINANCE}/main", f"{BINANCE}/bravo", 60.0, 0.0),
    (f"{BINANCE}/main", f"{BYBIT}/mike", 1_200.0, 1.0),
)
FLAPPER = f"{BINANCE}/juliett"
EXTRAS = (
    (BINANCE, "BTCUSDT", "macro"),
    (BYBIT, "ETHUSDT", "basis"),
    (HYPERLIQUID, "SOL", "alts"),
    (BINANCE, "BNBUSDT", "treasury"),
    (BYBIT, "BTCUSDT", "treasury"),
)


def cast(world: World, path: PricePath, count: int) -> dict[str, str]:
    """Opens `count` accounts, the ones with a part first; answers the desk of each by its id."""
    desks = {}
    for part in (*PARTS, *_extras(count - len(PARTS))):
        account = world.add_account(
            part.venue,
            part.name,
            hedge=part.hedge,
            multi_assets=part.multi_assets,
            isolated_margin=part.isolated_margin,
        )
        _open(world, path, account, part)
        desks[account.id] = part.desk
    return desks


def _extras(count: int) -> Iterator[Part]:
    """Ordinary accounts, safe all through the hour but a few."""
    for number in range(count):
        venue, symbol, desk = EXTRAS[number % len(EXTRAS)]
        ratio = 0.07 if number % 7 == 6 else 0.008 + 0.004 * (number % 6)
        direction = -1 if number % 6 == 5 else 1
        legs = (Leg(symbol, direction * 20_000 * (1 + number % 12)),)
        yield Part(venue, f"{desk}{number + 1:02d}", desk, legs, ratio)


def _open(world: World, path: PricePath, account: Account, part: Part) -> None:
    cross = [leg for leg in part.legs if not leg.isolated]
    wallet = _wallet(world, path, part, cross) or (SPARE if part.legs else Decimal(0))
    if part.multi_assets:
        _fund_with_coin(world, account, wallet / 2)
        wallet /= 2
    world.set_wallet(account, MONEY[part.venue], wallet)
    for leg in part.legs:
        contract = world.contracts[account.venue, leg.symbol]
        mark = world.quote(account.venue, leg.symbol).mark
        quantity = (Decimal(leg.notional) / mark).quantize(contract.step)
        own = _wallet(world, path, part, [leg]) if leg.isolated else None
        world.set_position(
            account, leg.symbol, quantity, side=leg.side, leverage=LEVERAGE, isolated_wallet=own
        )


def _fund_with_coin(world: World, account: Account, worth: Decimal) -> None:
    price = world.assets[account.venue, "BTC"].index
    world.set_wallet(account, "BTC", (worth / price).quantize(Decimal("0.0001")))


def _wallet(world: World, path: PricePath, part: Part, legs: Sequence[Leg]) -> Decimal:
    """Equity that makes the ratio at the bottom, less the profit there: wallet = maintenance / ratio -
    profit."""
    if not legs:
        return Decimal(0)
    maintenance = profit = Decimal(0)
    for leg in legs:
        contract = world.contracts[part.venue, leg.symbol]
        factor = Decimal(str(path.lowest(contract.underlying)))
        maintenance += _maintenance(contract, abs(leg.notional) * factor)
        profit += leg.notional * (factor - 1)
    least = LEAST_MARGIN * sum(abs(leg.notional) for leg in legs)
    return max(maintenance / Decimal(str(part.ratio_at_bottom)) - profit, least).quantize(Decimal("0.01"))


def _maintenance(contract: Contract, notional: Decimal) -> Decimal:
    bracket = next(b for b in contract.brackets if b.floor <= notional < b.cap)
    return notional * bracket.rate - bracket.deduction
