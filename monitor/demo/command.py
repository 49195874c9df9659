"""`margind demo`: the whole thing on this machine, no keys, no services: exchange, accounts, store,
receivers, daemon."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from adapters.loopback import LoopbackExchange, World, standard_world
from adapters.loopback.holdings import Account as Held
from monitor.config import Account, Alerts, Config, Credentials, Metrics, Receiver, Route, Secret
from monitor.config import Daemon as DaemonConfig
from monitor.config_transfers import Transfer
from monitor.daemon import Addresses, Daemon
from monitor.demo.cast import HYPERLIQUID, WAYS, cast
from monitor.demo.history import histories
from monitor.demo.mail_sink import Mail, MailSink
from monitor.demo.path import HOUR_S, PricePath
from monitor.demo.player import Player
from monitor.demo.screen import Screen
from monitor.demo.webhook_sink import WebhookSink
from monitor.domain.assessment import Reason, RiskBand
from monitor.exit_codes import ExitCode
from monitor.paths import make_data_dir

ACCOUNTS = 40
SPEED = 10.0
READY_S = 30.0
SIGNING_KEY = base64.b64encode(b"the demo signs with a key that everybody knows").decode()
SENDER, DESK = "margind@demo.example", "desk@demo.example"
RESOLVE_AFTER_S = 5.0  # shipped: 30 s; an hour in a minute has no room for that


class Options(NamedTuple):
    """The words of the command line."""

    wall_s: float | None  # None: until Ctrl-C
    speed: float | None  # None: the whole hour fits into `wall_s`
    seed: int
    json: Path | None
    keep: Path | None = None  # where ledger and history stay, for `why` and `tune`


def demo(options: Options) -> int:
    """Runs the demo; the exit code is 0 when it ended as asked."""
    # What the daemon logs goes to the same terminal as the picture: only what is wrong.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if options.keep is not None:
        asyncio.run(_demo(options, make_data_dir(options.keep.absolute())))
        print(f"kept: margind tune --data-dir {options.keep}")
        return ExitCode.DONE
    with tempfile.TemporaryDirectory(prefix="margind-demo-") as folder:
        asyncio.run(_demo(options, Path(folder)))
    return ExitCode.DONE


def speed_of(options: Options) -> float:
    """How many times as fast as a clock the prices run."""
    if options.speed is not None:
        return options.speed
    return SPEED if options.wall_s is None else HOUR_S / options.wall_s


async def _demo(options: Options, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    delivered: list[dict[str, Any]] = []
    path = PricePath(options.seed)
    world = standard_world()
    desks = cast(world, path, ACCOUNTS)
    secret = Secret(f"whsec_{SIGNING_KEY}", "the demo")
    with Screen() as screen:

        def told(id_: str, document: dict[str, Any]) -> None:
            delivered.append({"type": "alert", "webhook_id": id_, **document})
            screen.alert(document)

        def mailed(mail: Mail) -> None:
            delivered.append({"type": "email", **mail._asdict()})
            screen.mail()

        async with (
            WebhookSink(secret, told) as hook,
            MailSink(mailed) as mailbox,
            LoopbackExchange(world) as exchange,
        ):
            receivers = (_webhook(hook.url, secret), _email(mailbox.port))
            config = _config(world, exchange, desks, receivers, folder)
            daemon = Daemon(config, watchers=(screen.on_turn,), pace=speed_of(options))
            async with _running(daemon, screen, stop):
                await _ready(daemon, stop)
                for history in histories(world, options.seed, daemon.clock.monotonic_ns()):
                    daemon.inbox.post(history)
                screen.scene(
                    f"every account has a verdict; the hour starts, "
                    f"{round(speed_of(options), 1):g} times as fast as a clock"
                )
                await _play(exchange, path, options, screen, stop)
                states = _final_states(daemon)
    if options.json is not None:
        _write(options.json, [*delivered, *states])


@contextlib.asynccontextmanager
async def _running(daemon: Daemon, screen: Screen, stop: asyncio.Event) -> AsyncIterator[None]:
    """The daemon as a task; what ends it early is raised here."""
    stopping = asyncio.Event()

    def on_ready(at: Addresses) -> None:
        screen.footer(f"{at.metrics}/metrics  /healthz  /readyz   Ctrl-C ends it")

    task = asyncio.create_task(daemon.run(stopping, on_ready), name="daemon")
    task.add_done_callback(lambda _: stop.set())  # a daemon that ends early ends the demo, and says why
    try:
        yield
    finally:
        stopping.set()
        await task


async def _ready(daemon: Daemon, stop: asyncio.Event) -> None:
    """Waits until nothing is missing any more, or the time for that is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_S):
            while not stop.is_set() and not _is_ready(daemon):  # noqa: ASYNC110  the daemon has no event for it
                await asyncio.sleep(0.1)


def _is_ready(daemon: Daemon) -> bool:
    view = daemon.view
    if view is None:
        return False
    return bool(len(view.pools)) and not (view.reasons & int(Reason.PARTIAL | Reason.GAP)).any()


async def _play(
    exchange: LoopbackExchange, path: PricePath, options: Options, screen: Screen, stop: asyncio.Event
) -> None:
    speed = speed_of(options)
    wall_s = HOUR_S / speed if options.wall_s is None else options.wall_s
    player = Player(exchange, path, speed, wall_s, screen.scene)
    playing = asyncio.create_task(player.play(), name="player")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.wall_s):
            await stop.wait()
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing


def _webhook(url: str, secret: Secret) -> Receiver:
    return Receiver("desk-webhook", "webhook", url=url, secret=secret, allow_private_destinations=True)


def _email(port: int) -> Receiver:
    """Without STARTTLS, which only a mail server on the same machine may do without."""
    return Receiver(
        "desk-email", "email", host="127.0.0.1", port=port, sender=SENDER, to=(DESK,), starttls=False
    )


def _config(
    world: World,
    exchange: LoopbackExchange,
    desks: dict[str, str],
    receivers: tuple[Receiver, Receiver],
    folder: Path,
) -> Config:
    """Everything goes to the webhook, and what is critical to the mailbox too."""
    hook, mailbox = receivers
    accounts = tuple(
        Account(
            name=account.name,
            venue=account.venue,
            desk=desks[account.id],
            environment="loopback",
            credentials=_credentials(account),
            address=account.address if account.venue == HYPERLIQUID else None,
            endpoints=exchange.endpoints(account.venue),
        )
        for account in world.accounts.values()
    )
    return Config(
        daemon=DaemonConfig(str(folder), shard="demo"),
        accounts=accounts,
        receivers=receivers,
        routes=(Route((mailbox.name,), minimum="critical", continue_=True), Route((hook.name,))),
        transfers=tuple(Transfer(source, to, "USDT", takes_s, cost) for source, to, takes_s, cost in WAYS),
        alerts=Alerts(resolve_after_s=RESOLVE_AFTER_S),
        metrics=Metrics(port=0),
        source="the demo",
    )


def _credentials(account: Held) -> Credentials | None:
    if account.venue == HYPERLIQUID:
        return None
    return Credentials(Secret(account.key, "the demo"), Secret(account.secret, "the demo"))


def _final_states(daemon: Daemon) -> list[dict[str, Any]]:
    """Each pool with all of its positions, so that a reader can redo the sum."""
    states = []
    for label in daemon.view.pools if daemon.view is not None else ():
        assessment = daemon.describe(label.id)
        if assessment is None:
            continue
        state = msgspec.to_builtins(assessment)
        state |= {
            "type": "state",
            "band": RiskBand(assessment.band).label,
            "reasons": assessment.reasons.labels,
        }
        states.append(state)
    return states


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")
