"""The config of the executor: a file of its own, because its keys may trade and the monitor's must not."""

from __future__ import annotations

import msgspec

from monitor.config import Account, Credentials, Store
from monitor.config_names import ENVIRONMENTS
from monitor.config_problem import shown
from monitor.config_read import Rule
from monitor.config_rules import are_endpoints, fraction, is_name, is_text, one_of, within
from monitor.secret import Secret

LARGEST_NOTIONAL = 1e12
SYMBOLS_MOST = 1000


class Limits(msgspec.Struct, frozen=True):
    """[executor.limits]: notional at the mark, in the settle asset, of each account."""

    action: float
    hour: float
    day: float


class Executor(msgspec.Struct, frozen=True):
    """[executor]"""

    data_dir: str
    signing_key: Secret  # of the monitor's [deleverage]: what is not signed with it is not read
    limits: Limits
    signing_key_previous: Secret | None = None  # taken too while the key is exchanged
    shard: str = "main"
    dry_run: bool = True  # say what would be done, and place nothing
    max_slippage: float = 0.01  # from the venue's mark of now to the limit price
    position_tolerance: float = 0.1  # of the position that the plan was made for
    ratio_tolerance: float = 0.1  # by which the ratio may have become worse between two steps
    longest_request_s: float = 120.0  # from the making of a request to its end
    ask_for_s: float = 30.0  # how long a lost order is asked for at once; later again from time to time


class TradingAccount(msgspec.Struct, frozen=True):
    """[[accounts]] of the executor: a key that may trade, and what may be traded with it."""

    name: str
    venue: str
    symbols: tuple[str, ...]  # as the venue spells them; nothing else is touched
    credentials: Credentials
    environment: str = "main"
    endpoints: dict[str, str] = {}

    @property
    def as_account(self) -> Account:
        """The account as an adapter takes it."""
        return Account(
            name=self.name,
            venue=self.venue,
            desk="executor",
            environment=self.environment,
            credentials=self.credentials,
            endpoints=self.endpoints,
        )


class ExecutorConfig(msgspec.Struct, frozen=True):
    """The whole file, checked."""

    executor: Executor
    store: Store
    accounts: tuple[TradingAccount, ...]
    source: str = ""
    warnings: tuple[str, ...] = ()


def _are_symbols(symbols: tuple[str, ...]) -> str:
    if not 0 < len(symbols) <= SYMBOLS_MOST:
        return 'name what may be traded, symbols = ["BTCUSDT"]'
    wrong = [one for one in symbols if not (0 < len(one) <= 64 and one.isprintable())]
    return f"{shown(wrong[0])} is no symbol" if wrong else ""


EXECUTOR_RULES: dict[tuple[type, str], Rule] = {
    (Limits, "action"): within(0, LARGEST_NOTIONAL),
    (Limits, "hour"): within(0, LARGEST_NOTIONAL),
    (Limits, "day"): within(0, LARGEST_NOTIONAL),
    (Executor, "data_dir"): is_text(4096),
    (Executor, "shard"): is_name,
    (Executor, "max_slippage"): fraction(0.1),
    (Executor, "position_tolerance"): within(0, 0.5),
    (Executor, "ratio_tolerance"): within(0, 1),
    (Executor, "longest_request_s"): within(1, 3_600, "seconds"),
    (Executor, "ask_for_s"): within(1, 600, "seconds"),
    (TradingAccount, "name"): is_name,
    (TradingAccount, "venue"): is_name,
    (TradingAccount, "symbols"): _are_symbols,
    (TradingAccount, "environment"): one_of(*ENVIRONMENTS),
    (TradingAccount, "endpoints"): are_endpoints,
}
EXECUTOR_EXAMPLES: dict[tuple[type, str], str] = {
    (Executor, "data_dir"): 'data_dir = "/var/lib/margind-executor"',
    (Executor, "signing_key"): "signing_key_file, signing_key_env or signing_key_credential",
    (Executor, "limits"): "limits = { action = 50_000, hour = 100_000, day = 200_000 }",
    (Limits, "action"): "action, hour and day are given together",
    (Limits, "hour"): "action, hour and day are given together",
    (Limits, "day"): "action, hour and day are given together",
    (TradingAccount, "name"): 'name = "alpha"',
    (TradingAccount, "venue"): 'venue = "binance_usdm"',
    (TradingAccount, "symbols"): 'symbols = ["BTCUSDT"]',
    (TradingAccount, "credentials"): 'credentials = { key_file = "...", secret_file = "..." }',
}
