"""The typed config tree: one TOML file, schema 1. Reading and checking it is `config_load`."""

from __future__ import annotations

import msgspec

from monitor.config_deleverage import Deleverage, Hook
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.config_history import History
from monitor.config_transfers import Transfer
from monitor.secret import Secret as Secret

RATIO_LEVELS = ("warning", "margin_call", "critical")


class Daemon(msgspec.Struct, frozen=True):
    """[daemon]"""

    data_dir: str
    shard: str = "main"
    margin_error_limit: float = 0.02  # relative, a page past it
    implausible_index_gap: float = 0.05  # mark against index; beyond is UNKNOWN


class Store(msgspec.Struct, frozen=True):
    """[store]: `url` None starts our own embedded server in the data directory."""

    url: str | None = None
    password: Secret | None = None
    flush_ms: int = 250


class Credentials(msgspec.Struct, frozen=True):
    """API key and secret; an address needs neither."""

    key: Secret
    secret: Secret
    passphrase: Secret | None = None  # a third word that some exchanges of ccxt want (OKX, Bitget, KuCoin)


class Account(msgspec.Struct, frozen=True):
    """[[accounts]]"""

    name: str
    venue: str
    desk: str
    environment: str = "main"  # main, testnet or loopback
    credentials: Credentials | None = None
    address: str | None = None
    subaccount: str | None = None
    endpoints: dict[str, str] = {}  # overrides of the venue's URLs by name, for the loopback exchange
    labels: dict[str, str] = {}


class Levels(msgspec.Struct, frozen=True):
    """Three levels, worse last. Ratios rise (0.5, 0.7, 0.85), distances fall (0.10, 0.05, 0.02)."""

    warning: float
    margin_call: float
    critical: float


class Threshold(msgspec.Struct, frozen=True):
    """[[thresholds]]: the most specific match wins: pool, account, desk, model, the shipped default.

    What an entry leaves out comes from the next less specific one, so none switches a scale off by silence.
    """

    model: str | None = None
    account: str | None = None  # "venue/account"
    desk: str | None = None
    pool: str | None = None  # "venue/account/pool"
    ratio: Levels | None = None
    distance: Levels | None = None
    volatilities: Levels | None = None  # distance to liquidation in volatilities of a day
    minutes: Levels | None = None  # to liquidation, at the present speed
    funding: Levels | None = None  # what the next funding costs, as a fraction of the headroom
    depeg: Levels | None = None  # how far a stablecoin of the pool stands from 1
    hysteresis: float | None = None  # a level clears this fraction below where it was raised
    hysteresis_volatilities: float | None = None  # and so many volatilities of the time that it must hold


class Receiver(msgspec.Struct, frozen=True):
    """[[receivers]]: which keys a kind has is in config_check_alerts."""

    name: str
    kind: str
    url: str | None = None  # webhook, alertmanager; of a service: another API base
    secret: Secret | None = None  # signing secret, token, key, password; discord, teams, apprise: the URL
    secret_previous: Secret | None = None  # webhook: signs beside `secret` while that one is given out
    channel: str | None = None  # slack, telegram; stream: its key
    users: tuple[str, ...] = ()  # slack: ids of those who may press buttons
    app_secret: Secret | None = None  # slack: app token xapp-..., presses come over a socket
    signing_secret: Secret | None = None  # slack: presses come as signed requests to `listen`
    listen: str | None = None  # slack: "127.0.0.1:PORT"
    host: str | None = None  # email
    port: int = 587
    user: str | None = None
    sender: str | None = None
    to: tuple[str, ...] = ()
    starttls: bool = True
    ca_file: str | None = None
    allow_private_destinations: bool = False  # http and private addresses, for receivers inside


class Route(msgspec.Struct, frozen=True, rename={"continue_": "continue"}):
    """[[routes]]: an ordered list of receivers; the next is told when the one before can't be.

    First match wins unless it says `continue`. An empty match takes everything.
    """

    receivers: tuple[str, ...]
    desk: str | None = None
    account: str | None = None
    venue: str | None = None
    minimum: str = "warning"  # lowest level that goes this way
    continue_: bool = False
    mute_time_intervals: tuple[str, ...] = ()  # then only what is critical goes this way
    active_time_intervals: tuple[str, ...] = ()  # outside of them likewise


class Alerts(msgspec.Struct, frozen=True):
    """[alerts]: the times of the alert semantics."""

    resolve_after_s: float = 30.0  # a better band must hold this long before it is told
    repeat_after_s: float = 3600.0  # an incident that stays open is told again
    fall_through_after_s: float = 8.0  # a critical page not yet delivered goes to the next receiver too
    unknown_after_s: float = 9.0  # since the fault began
    silence_longest_s: float = 86_400.0  # no silence lasts longer
    silences_hide_critical: bool = False  # also pages at critical and worse
    canary_at: tuple[str, ...] = ()  # times of the day, UTC: a test through every receiver
    page_budget: int = 60  # messages an hour to one Slack channel or mailbox; then digests. 0: no limit
    digest_every_s: float = 60.0  # past the budget


class Metrics(msgspec.Struct, frozen=True):
    """[metrics]: `port` 0 takes any free port and prints it."""

    host: str = "127.0.0.1"
    port: int = 9464
    per_pool: bool = False


class Commands(msgspec.Struct, frozen=True):
    """[commands]: the secret that marks commands which come through Redis; none are taken without."""

    secret: Secret | None = None


class Heartbeat(msgspec.Struct, frozen=True):
    """[heartbeat]: a watcher outside that pages when we fall silent; its URL is a secret, and none is sent
    without."""

    url: Secret | None = None
    every_s: float = 30.0
    allow_private_destinations: bool = False  # http and private addresses, for a watcher inside


class Config(msgspec.Struct, frozen=True):
    """The whole file, checked: names unique, receivers of routes exist, secrets read."""

    daemon: Daemon
    accounts: tuple[Account, ...]
    receivers: tuple[Receiver, ...]
    routes: tuple[Route, ...]
    thresholds: tuple[Threshold, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    store: Store = Store()
    alerts: Alerts = Alerts()
    metrics: Metrics = Metrics()
    heartbeat: Heartbeat = Heartbeat()
    commands: Commands = Commands()
    history: History = History()
    escalations: tuple[Escalation, ...] = ()
    rotas: tuple[Rota, ...] = ()
    time_intervals: tuple[TimeInterval, ...] = ()
    deleverage: Deleverage = Deleverage()
    hooks: tuple[Hook, ...] = ()
    source: str = ""
    warnings: tuple[str, ...] = ()  # what is allowed and should be known, one line each
