"""What one seeded run of the deleveraging is like: everything that is wrong in it, and when."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.config import Secret
from monitor.config_deleverage import Deleverage
from monitor.config_executor import Executor, Limits

RUN_S = 100.0
NEVER_S = 1e9
KEY = "a key that signs requests"
VENUE, SYMBOLS = "binance_usdm", ("BTCUSDT", "ETHUSDT")
MOST_FAULTS = 4


@dataclass
class Scenario:
    """Nothing is wrong to begin with: a pool becomes critical, and is cut."""

    seed: int
    rng: random.Random
    fall: float = 0.08  # of the prices, within ten seconds
    armed_from_s: float = 0.0
    armed_until_s: float = NEVER_S
    armed_in_config: bool = True
    target_ratio: float = 0.6
    monitor_dry: bool = False
    executor_dry: bool = False
    confirm: bool = False
    confirms: float = 1.0  # the share of requests that a person confirms
    mark_age_s: float = 0.5
    account_age_s: float = 2.0
    second_source: str = "agrees"  # or "absent", "differs"
    false_drawdown: bool = False  # a mark of another window shows a fall that is none
    margin_error: float | None = 0.001
    unknown: bool = False
    recovered_at_s: float = -NEVER_S
    monitor_cap: float = 120_000.0
    executor_cap: float = 120_000.0
    day_share: float = 2.0  # the monitor's cap of a day, in caps of an action
    is_greedy: bool = False  # plans ask for more than the caps leave room for
    symbols: tuple[str, ...] = SYMBOLS
    takeover_s: float = NEVER_S  # another leader takes the epoch, and the first does not notice
    forgets: bool = False  # the second leader knows nothing of what the first has asked for
    store_down_s: tuple[float, float] = (NEVER_S, NEVER_S)
    store_forgets_s: float = NEVER_S  # Redis loses its data, the epoch too
    kill_s: float = NEVER_S  # the kill switch in the store
    kill_file_s: float = NEVER_S
    kills: list[int] = field(default_factory=list)  # the executor dies when it passes so many places
    executors: int = 1
    copies: float = 0.0  # the share of requests that come twice, late, or out of order
    late: float = 0.0
    forged: float = 0.0
    altered: float = 0.0
    lost_answers: float = 0.0
    lost_orders: float = 0.0
    refused_orders: float = 0.0
    silent_venue: float = 0.0  # of all calls
    fill: tuple[str, ...] = ("1",)
    lie: Decimal = Decimal(1)  # positions are shown so many times as large
    no_balances: bool = False
    slow_s: float = 0.05

    @property
    def deleverage(self) -> Deleverage:
        """The monitor's config."""
        return Deleverage(
            desks=("majors",),
            dry_run=self.monitor_dry,
            armed=self.armed_in_config,
            target_ratio=self.target_ratio,
            symbols=tuple(f"{VENUE}:{symbol}" for symbol in SYMBOLS),
            most_action_usd=self.monitor_cap,
            most_hour_usd=1.5 * self.monitor_cap,
            most_day_usd=self.day_share * self.monitor_cap,
            cooldown_s=15.0,
            recovery_grace_s=10.0,
            account_fresh_s=30.0,
            confirm=self.confirm,
        )

    @property
    def executor(self) -> Executor:
        """The executor's config."""
        cap = self.executor_cap
        return Executor(
            data_dir="",
            signing_key=Secret(KEY, "test"),
            limits=Limits(action=cap, hour=1.5 * cap, day=2 * cap),
            dry_run=self.executor_dry,
            ask_for_s=10.0,
        )


Fault = Callable[[Scenario], None]


def _at(scenario: Scenario) -> float:
    return scenario.rng.uniform(5, 60)


def _set(**values: object) -> Fault:
    def begin(scenario: Scenario) -> None:
        for name, value in values.items():
            assert hasattr(scenario, name)
            setattr(scenario, name, value(scenario) if callable(value) else value)

    return begin


def _share(scenario: Scenario) -> float:
    return scenario.rng.choice((0.3, 0.6, 1.0))


def _down(scenario: Scenario) -> tuple[float, float]:
    began_s = _at(scenario)
    return began_s, began_s + scenario.rng.uniform(1, 40)


def _places(scenario: Scenario) -> list[int]:
    return sorted(scenario.rng.sample(range(1, 14), scenario.rng.randint(1, 4)))


FAULTS: dict[str, Fault] = {
    "never armed": _set(armed_from_s=NEVER_S),
    "arm ends": _set(armed_until_s=_at),
    "config not armed": _set(armed_in_config=False),
    "monitor dry": _set(monitor_dry=True),
    "executor dry": _set(executor_dry=True),
    "confirmed sometimes": _set(confirm=True, confirms=0.5),
    "never confirmed": _set(confirm=True, confirms=0.0),
    "old marks": _set(mark_age_s=lambda s: s.rng.uniform(5.5, 30)),
    "old account": _set(account_age_s=lambda s: s.rng.uniform(31, 200)),
    "no second source": _set(second_source="absent"),
    "sources differ": _set(second_source="differs"),
    "false drawdown": _set(false_drawdown=True, fall=0.0),
    "margin differs": _set(margin_error=lambda s: s.rng.choice((None, 0.05, -0.2))),
    "quarantined": _set(unknown=True),
    "after an outage": _set(recovered_at_s=lambda s: s.rng.uniform(0, 50)),
    "small caps": _set(monitor_cap=lambda s: s.rng.uniform(1_000, 30_000)),
    "small caps of the executor": _set(executor_cap=lambda s: s.rng.uniform(1_000, 30_000)),
    "a greedy plan": _set(is_greedy=True, monitor_cap=lambda s: s.rng.uniform(20_000, 60_000)),
    "a small cap of a day": _set(
        is_greedy=True, day_share=1.1, monitor_cap=lambda s: s.rng.uniform(40_000, 90_000)
    ),
    "one symbol": _set(symbols=SYMBOLS[:1]),
    "two leaders": _set(takeover_s=_at),
    "two leaders, one forgets": _set(takeover_s=_at, forgets=True),
    "store down": _set(store_down_s=_down),
    "store forgets": _set(store_forgets_s=_at),
    "kill switch": _set(kill_s=_at),
    "kill file": _set(kill_file_s=_at),
    "kills": _set(kills=_places),
    "two executors": _set(executors=2, copies=_share),
    "copies": _set(copies=_share),
    "late": _set(late=_share),
    "forged": _set(forged=_share),
    "altered": _set(altered=_share),
    "answers lost": _set(lost_answers=_share),
    "orders lost": _set(lost_orders=_share),
    "orders refused": _set(refused_orders=_share),
    "silent venue": _set(silent_venue=lambda s: s.rng.uniform(0.1, 0.9)),
    "wrong fills": _set(fill=("0", "0.5", "1", "1.5")),
    "lying positions": _set(lie=lambda s: Decimal(s.rng.choice(("0", "0.5", "-1", "3", "1.05")))),
    "lying balances": _set(no_balances=True),
    "slow venue": _set(slow_s=lambda s: s.rng.uniform(0.1, 0.4)),
}
# What stands in the way for the whole run: one of them in every second run at most, so that most runs act.
STOPPERS = frozenset(
    {
        "never armed",
        "config not armed",
        "monitor dry",
        "executor dry",
        "never confirmed",
        "old marks",
        "old account",
        "no second source",
        "sources differ",
        "false drawdown",
        "margin differs",
        "quarantined",
        "lying balances",
    }
)


def drawn(seed: int, only: tuple[str, ...] | None = None) -> Scenario:
    """The scenario of a seed, or one with these faults and no other."""
    scenario = Scenario(seed, random.Random(seed))
    rng = scenario.rng
    scenario.target_ratio = rng.choice((0.6, 0.3))  # one step, or two
    others = [name for name in FAULTS if name not in STOPPERS]
    names = rng.sample(others, rng.randint(0, MOST_FAULTS))
    if rng.random() < 0.4:
        names.append(rng.choice(sorted(STOPPERS)))
    for name in names if only is None else only:
        FAULTS[name](scenario)
    return scenario
