"""Balances of now from what was stated some time ago: by hand, to the last digit that matters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.accrual import AaveReserve, Accrual, CometBase, Loan, VaultDebt
from monitor.domain.event import BalanceFact, PositionFact
from monitor.domain.identity import instrument_id
from monitor.domain.instrument import Instrument, Kind, TierSchedule
from monitor.margin.accrual import YEAR_S
from monitor.margin.amounts import Amounts, amounts_now, is_stated_before

SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
TOLD_NS = 500_000 * HOUR_NS
FUNDING, IMPACT = Decimal("12.5"), Decimal("0.005")
NOTHING, ONE = Decimal(0), Decimal(1)
FEE = Decimal("1.000000001547125957863212448")  # 5 % a year


def grown(accrual: Accrual, wall_ns: int, wallet: Decimal = NOTHING) -> Amounts[Decimal]:
    """The amounts of a balance that grows so."""
    fact = BalanceFact("pool", "USDC", wallet, accrual=accrual)
    return amounts_now(fact, (), wall_ns, lambda stated, _: stated)


def reserve(supply: int, debt: int) -> AaveReserve:
    """In a reserve at 5 % a year either way, told at TOLD_NS."""
    rate = Decimal("0.05")
    return AaveReserve(Decimal(supply), Decimal(debt), Decimal("1.1"), Decimal("1.2"), rate, rate, TOLD_NS)


def base(principal: Any) -> CometBase:
    """In a market at a millionth a second supplied and two owed, told at TOLD_NS."""
    rates = (Decimal("0.000001"), Decimal("0.000002"))
    return CometBase(Decimal(principal), Decimal("1.1"), Decimal("1.2"), *rates, TOLD_NS)


def test_a_plain_balance_is_as_stated() -> None:
    """Without an accrual nothing is added, whatever the time."""
    fact = BalanceFact("pool", "USDT", Decimal(5), Decimal(3))
    assert not is_stated_before(fact, ())
    assert amounts_now(fact, (), TOLD_NS, lambda stated, _: stated) == Amounts(Decimal(5), Decimal(3))


def test_a_loan_owes_every_hour_that_began() -> None:
    """Of 1,000 at 0.001 %: taken at half past, it owes 0.01 at once and 0.02 from the full hour on; what is
    in the wallet stays."""
    borrowed_ns = TOLD_NS + HOUR_NS // 2
    stated = Loan(Decimal(1_000), Decimal("0.00001"), borrowed_ns)
    assert grown(stated, borrowed_ns, ONE) == Amounts(ONE, Decimal("1000.01"))
    assert grown(stated, TOLD_NS + HOUR_NS - 1) == Amounts(NOTHING, Decimal("1000.01"))
    assert grown(stated, TOLD_NS + HOUR_NS) == Amounts(NOTHING, Decimal("1000.02"))


def test_interest_that_was_told_is_not_charged_again() -> None:
    """0.07 told at the full hour: until the next one nothing is added, then an hour's; simple, not on the
    interest."""
    stated = Loan(Decimal(1_000), Decimal("0.00001"), TOLD_NS - 7 * HOUR_NS, Decimal("0.07"), TOLD_NS)
    assert grown(stated, TOLD_NS + HOUR_NS - 1).borrowed == Decimal("1000.07")
    assert grown(stated, TOLD_NS + 2 * HOUR_NS).borrowed == Decimal("1000.09")


def test_a_reserve_grows_on_both_sides() -> None:
    """After half a year at 5 % a year: 100 x 1.1 x 1.025 supplied, and a debt of 100 x 1.2 by its compound
    interest, which is above the simple one."""
    wallet, borrowed = grown(reserve(100, 100), TOLD_NS + YEAR_S // 2 * SECOND_NS)
    assert wallet == Decimal("112.75")
    assert float(borrowed) == pytest.approx(120 * 1.0253151, rel=1e-7)


@pytest.mark.parametrize(
    ("principal", "amounts"), [(100, ("110.11", "0")), ("0.5", ("0.55055", "0")), (-100, ("0", "120.24"))]
)
def test_the_base_asset_is_supplied_or_owed(principal: Any, amounts: tuple[str, str]) -> None:
    """A thousand seconds at a millionth: a principal above 0 by the supply index, below it by the debt's."""
    assert grown(base(principal), TOLD_NS + 1_000 * SECOND_NS) == Amounts(*map(Decimal, amounts))


def test_a_vault_owes_its_art_by_the_rate_of_now() -> None:
    """A year at a fee of 5 %: 1,000 x 1.02 x 1.05; the gem in the wallet stays."""
    stated = VaultDebt(Decimal(1_000), Decimal("1.02"), FEE, TOLD_NS)
    wallet, borrowed = grown(stated, TOLD_NS + YEAR_S * SECOND_NS, Decimal(7))
    assert wallet == 7
    assert borrowed == pytest.approx(Decimal(1071), rel=Decimal("1e-15"))


def leg(**told: Decimal) -> tuple[PositionFact, Instrument]:
    """Two coins short at 100 in a market whose funding index is 12.5 and whose impact is at most half a per
    cent."""
    name = instrument_id("venue", "BTC-USD")
    terms = (Kind.LINEAR, "BTC", "USDC", ONE, NOTHING, 1, 1, TierSchedule((), "none"))
    market = Instrument(name, *terms, funding_index=FUNDING, most_impact=IMPACT)
    return PositionFact("pool", name, "", Decimal(-2), Decimal(100), **told), market


def wallet_of(*legs: tuple[PositionFact, Instrument]) -> Decimal:
    """What a wallet of 50 is with these legs."""
    fact = BalanceFact("pool", "USDC", Decimal(50))
    return amounts_now(fact, legs, TOLD_NS, lambda stated, _: stated).wallet


def test_a_short_has_received_what_the_index_rose() -> None:
    """From 10 to 12.5 on two coins short: 5 more. A position that tells no index has nothing unsettled."""
    assert wallet_of(leg(funding_index=Decimal(10))) == 55
    assert wallet_of(leg()) == 50
    assert not is_stated_before(BalanceFact("pool", "USDC", NOTHING), [leg()])


@pytest.mark.parametrize(("impact", "wallet"), [("-0.4", "49.6"), ("-7", "49"), ("3", "50")])
def test_impact_costs_so_much_at_most_and_brings_nothing(impact: str, wallet: str) -> None:
    """Of a size of 200 half a per cent is 1: a greater cost counts as that, a gain not at all."""
    assert wallet_of(leg(closing_impact=Decimal(impact))) == Decimal(wallet)


def test_the_size_that_impact_is_measured_by_is_of_all_coins() -> None:
    """Two contracts of ten coins at 100 are 2,000, half a per cent of which is 10."""
    fact, market = leg(closing_impact=Decimal(-70))
    assert wallet_of((fact, msgspec.structs.replace(market, multiplier=Decimal(10)))) == 40


@pytest.mark.parametrize("told", ["funding_index", "closing_impact"])
def test_either_fact_of_a_leg_moves_the_wallet(told: str) -> None:
    """An index, or an impact, is enough; an index only where the market tells its own of now."""
    fact, market = leg(**{told: ONE})
    plain = BalanceFact("pool", "USDC", NOTHING)
    assert is_stated_before(plain, [(fact, market)])
    silent = msgspec.structs.replace(market, funding_index=None)
    assert is_stated_before(plain, [(fact, silent)]) is (told == "closing_impact")
    assert is_stated_before(msgspec.structs.replace(plain, accrual=base(1)), ())


def test_what_several_legs_have_coming_adds_up() -> None:
    """Each leg that is paid in the balance counts."""
    assert wallet_of(leg(funding_index=Decimal(10)), leg(closing_impact=Decimal(-1))) == 54


@given(seconds=st.integers(0, 10 * YEAR_S), more=st.integers(0, YEAR_S))
@pytest.mark.parametrize(
    "stated",
    [
        Loan(ONE, Decimal("0.00001"), TOLD_NS),
        reserve(1, 1),
        base(1),
        base(-1),
        VaultDebt(ONE, ONE, FEE, TOLD_NS),
    ],
)
def test_what_accrues_never_falls(stated: Accrual, seconds: int, more: int) -> None:
    """Later is never less, owed or owned; a clock before the statement takes nothing away."""
    earlier = grown(stated, TOLD_NS + seconds * SECOND_NS)
    later = grown(stated, TOLD_NS + (seconds + more) * SECOND_NS)
    assert later.wallet >= earlier.wallet
    assert later.borrowed >= earlier.borrowed
    assert grown(stated, TOLD_NS - more * SECOND_NS) == grown(stated, TOLD_NS)
