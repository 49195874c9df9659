"""What a config would run, for `margind check-config`: short for people, whole for programs. No secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from monitor.book.settings import LevelRow
from monitor.config import RATIO_LEVELS, Account, Config, Receiver, Route
from monitor.config_names import venue_facts
from monitor.config_problem import ConfigError
from monitor.config_transfers import Transfer
from monitor.domain.identity import account_id
from monitor.thresholds import beside_of, levels_for


def as_text(config: Config) -> str:
    """A page for people."""
    store = "our own, in the data directory" if config.store.url is None else _host_of(config.store.url)
    lines = [
        f"{config.source} is fine.",
        f"data       {config.daemon.data_dir}  (shard {config.daemon.shard})",
        f"store      {store}",
        f"metrics    http://{config.metrics.host}:{config.metrics.port or 'any free port'}/metrics",
        *_heartbeat_lines(config),
        *(line for account in config.accounts for line in _account_lines(config, account)),
        *(f"pool       {t.pool}  has levels of its own" for t in config.thresholds if t.pool is not None),
        *(f"transfer   {_transfer_words(way)}" for way in config.transfers),
        *(f"receiver   {receiver.name}  {_receiver_words(receiver)}" for receiver in config.receivers),
        *(f"route {number:<4} {_route_words(route)}" for number, route in enumerate(config.routes, 1)),
        *_deleverage_lines(config),
        *(f"warning    {warning}" for warning in config.warnings),
    ]
    return "\n".join(lines)


def _deleverage_lines(config: Config) -> list[str]:
    policy = config.deleverage
    covered = (*policy.desks, *policy.accounts, *policy.pools)
    if not covered:
        return []
    acting = "may be armed" if policy.armed else "can't be armed"
    state = "dry run: nobody acts" if policy.dry_run else acting
    hooks = ", ".join(f"{hook.name} ({hook.kind})" for hook in config.hooks) or "no hook"
    return [
        f"deleverage {', '.join(covered)} from {policy.level}, to ratio {policy.target_ratio:g}; {state}",
        f"             asks {hooks}; may cut {', '.join(policy.symbols) or 'nothing'}",
    ]


def _heartbeat_lines(config: Config) -> list[str]:
    beat = config.heartbeat
    if beat.url is None:
        return []
    return [f"heartbeat  every {beat.every_s:g} s, to the URL of {beat.url.source}"]


def _account_lines(config: Config, account: Account) -> list[str]:
    name = account_id(account.venue, account.name)
    levels = _levels_of(config, account)
    lines = [f"account    {name}  desk {account.desk}, {account.environment}"]
    lines += [f"             {model}: {_level_words(row)}" for model, row in levels.items()]
    return lines


def _level_words(row: LevelRow) -> str:
    ratio = " / ".join(f"{level:g}" for level in row.raise_at[:3])
    words = f"ratio {ratio}"
    if any(row.distance_raise):
        words += ", distance " + " / ".join(f"{level:.4g} %" for level in _percent(row.distance_raise))
    for name, raised in beside_of(row):
        words += f", {name} " + " / ".join(f"{level:g}" for level in raised) if any(raised) else ""
    return f"{words}, clears {100 * (1 - row.clear_at[3]):.3g} % below"


def _percent(levels: tuple[float, float, float]) -> list[float]:
    return [100 * level for level in levels]


def _transfer_words(way: Transfer) -> str:
    cost = "not told" if way.cost is None else f"{way.cost:g} {way.asset}"
    return f"{way.asset} from {way.from_account} to {way.to_account}: {way.takes_s:g} s, cost {cost}"


def _receiver_words(receiver: Receiver) -> str:
    where = {
        "webhook": _host_of(receiver.url or ""),
        "slack": receiver.channel or "",
        "email": ", ".join(receiver.to),
        "alertmanager": _host_of(receiver.url or ""),
        "telegram": receiver.channel or "",
    }.get(receiver.kind, "")
    if receiver.kind in ("pagerduty", "opsgenie") and receiver.url is not None:
        where = _host_of(receiver.url)
    return f"{receiver.kind} {where}".strip()


def _route_words(route: Route) -> str:
    matches = [f"{name} {value}" for name, value in _matches(route).items() if value is not None]
    then = "; goes on to the next route" if route.continue_ else ""
    return (
        f"{', '.join(matches) or 'everything'} from {route.minimum}: {', then '.join(route.receivers)}{then}"
    )


def _matches(route: Route) -> dict[str, str | None]:
    return {"account": route.account, "desk": route.desk, "venue": route.venue}


def as_document(config: Config) -> dict[str, Any]:
    """The same for programs; the shape is kept across releases."""
    return {
        "ok": True,
        "source": config.source,
        "data_dir": config.daemon.data_dir,
        "shard": config.daemon.shard,
        "accounts": [
            {
                "id": account_id(account.venue, account.name),
                "desk": account.desk,
                "environment": account.environment,
                "levels": {model: _level_document(row) for model, row in _levels_of(config, account).items()},
            }
            for account in config.accounts
        ],
        "receivers": [{"name": receiver.name, "kind": receiver.kind} for receiver in config.receivers],
        "routes": [
            {
                **_matches(route),
                "minimum": route.minimum,
                "receivers": route.receivers,
                "continue": route.continue_,
            }
            for route in config.routes
        ],
        "warnings": config.warnings,
    }


def refusal_document(error: ConfigError) -> dict[str, Any]:
    """What is wrong, for programs."""
    problems = [{"place": problem.place, "advice": problem.text} for problem in error.problems]
    return {"ok": False, "source": error.source, "problems": problems}


def _level_document(row: LevelRow) -> dict[str, Any]:
    names = (*RATIO_LEVELS, "liquidation")
    distance = dict(zip(RATIO_LEVELS, row.distance_raise, strict=True)) if any(row.distance_raise) else None
    return {
        "ratio": dict(zip(names, row.raise_at, strict=True)),
        "ratio_clear": dict(zip(names, row.clear_at, strict=True)),
        "distance": distance,
        **{
            scale: dict(zip(RATIO_LEVELS, found, strict=True))
            for scale, found in beside_of(row)
            if any(found)
        },
    }


def _levels_of(config: Config, account: Account) -> dict[str, LevelRow]:
    facts = venue_facts(account.venue)
    models = facts.models if facts is not None else ()
    name = account_id(account.venue, account.name)
    answer = levels_for(config)
    return {model: answer(name, account.desk, model, "") for model in models}


def _host_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or parts.path}" + (f":{parts.port}" if parts.port else "")
