"""Reads the one TOML file into `Config`, and refuses it with everything that is wrong, not only the first."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from monitor.config import (
    Account,
    Alerts,
    Commands,
    Config,
    Daemon,
    Heartbeat,
    Metrics,
    Receiver,
    Route,
    Store,
    Threshold,
)
from monitor.config_check import Entry, check_accounts, check_thresholds, known_names
from monitor.config_check_alerts import check_commands, check_heartbeat, check_receivers, check_routes
from monitor.config_check_deleverage import DELEVERAGE_RULES, check_deleverage
from monitor.config_check_duty import DUTY_RULES, check_duty, named_by, refuse_two_meanings
from monitor.config_check_transfers import TRANSFER_RULES, check_transfers
from monitor.config_deleverage import Deleverage, Hook
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.config_history import History
from monitor.config_problem import ConfigError, Findings, Problem, item_at, key_at, suggestion
from monitor.config_read import Reader, named
from monitor.config_rules import RULES
from monitor.config_transfers import Transfer
from monitor.paths import default_data_dir
from monitor.secret import Secret
from monitor.secrets import reason_of, what_others_may_write

T = TypeVar("T", bound=msgspec.Struct)

SCHEMA = 1
LARGEST_BYTES = 4 * 1024 * 1024
PLAIN: dict[str, type[msgspec.Struct]] = {
    "store": Store,
    "alerts": Alerts,
    "metrics": Metrics,
    "heartbeat": Heartbeat,
    "commands": Commands,
    "deleverage": Deleverage,
    "history": History,
}
SECTIONS = ("daemon", *PLAIN)
TAKEN_AS_READ = ("thresholds", "transfers", "escalations", "rotas", "time_intervals", "hooks")
LISTS = (
    "accounts",
    "thresholds",
    "transfers",
    "receivers",
    "routes",
    "escalations",
    "rotas",
    "time_intervals",
    "hooks",
)


class _Lists(NamedTuple):
    accounts: list[Entry[Account]]
    thresholds: list[Entry[Threshold]]
    transfers: list[Entry[Transfer]]
    receivers: list[Entry[Receiver]]
    routes: list[Entry[Route]]
    escalations: list[Entry[Escalation]]
    rotas: list[Entry[Rota]]
    time_intervals: list[Entry[TimeInterval]]
    hooks: list[Entry[Hook]]


def load(path: Path, *, allow_empty: bool = False, environment: Mapping[str, str] | None = None) -> Config:
    """The config of a file, checked, with its secrets read; raises ConfigError with every mistake."""
    source = str(path)
    environment = os.environ if environment is None else environment
    document = read_document(path, source)
    return config_from(document, source, path.parent, environment, allow_empty=allow_empty)


def config_from(
    document: dict[str, Any],
    source: str,
    folder: Path,
    environment: Mapping[str, str],
    *,
    allow_empty: bool = False,
) -> Config:
    """The config of a document as `tomllib` returns it; relative paths start at `folder`."""
    reader = Reader(folder, environment, Findings(), RULES | DUTY_RULES | TRANSFER_RULES | DELEVERAGE_RULES)
    _check_top(document, reader.findings)
    daemon = _read_daemon(reader, document)
    plain: dict[str, Any] = {
        name: reader.read(kind, document.get(name, {}), name) for name, kind in PLAIN.items()
    }
    lists = _read_lists(reader, document)
    _check_lists(lists, allow_empty, reader.findings)
    check_heartbeat(plain["heartbeat"], reader.findings)
    check_commands(plain["commands"], reader.findings)
    check_deleverage(plain["deleverage"], lists.hooks, lists.accounts, reader.findings)
    if reader.findings.problems or daemon is None:
        raise ConfigError(source, reader.findings.problems)
    plain |= {name: _values(getattr(lists, name)) for name in TAKEN_AS_READ}
    receivers = tuple(_with_paths(reader, receiver) for receiver in _values(lists.receivers))
    return Config(
        daemon=daemon,
        accounts=_values(lists.accounts),
        receivers=receivers,
        routes=_values(lists.routes) or default_routes(receivers),
        source=source,
        warnings=tuple(str(warning) for warning in reader.findings.warnings),
        **plain,
    )


def load_place(path: Path, *, environment: Mapping[str, str] | None = None) -> tuple[Daemon, Store]:
    """Where a daemon of this config keeps its state: only [daemon] and [store], no exchange key is read."""
    source = str(path)
    environment = os.environ if environment is None else environment
    document = read_document(path, source)
    reader = Reader(path.parent, environment, Findings(), RULES)
    daemon = _read_daemon(reader, document)
    store = reader.read(Store, document.get("store", {}), "store")
    if daemon is None or store is None:
        raise ConfigError(source, reader.findings.problems)
    return daemon, store


def _read_lists(reader: Reader, document: dict[str, Any]) -> _Lists:
    return _Lists(
        entries_of(reader, Account, document, "accounts"),
        entries_of(reader, Threshold, document, "thresholds"),
        entries_of(reader, Transfer, document, "transfers"),
        entries_of(reader, Receiver, document, "receivers"),
        entries_of(reader, Route, document, "routes"),
        entries_of(reader, Escalation, document, "escalations"),
        entries_of(reader, Rota, document, "rotas"),
        entries_of(reader, TimeInterval, document, "time_intervals"),
        entries_of(reader, Hook, document, "hooks"),
    )


def load_audit(path: Path, *, environment: Mapping[str, str] | None = None) -> tuple[Path, Secret | None]:
    """The data directory and the key of the audit log; no exchange key is read."""
    source = str(path)
    environment = os.environ if environment is None else environment
    document = read_document(path, source)
    reader = Reader(path.parent, environment, Findings(), RULES | DELEVERAGE_RULES)
    daemon = _read_daemon(reader, document)
    policy = reader.read(Deleverage, document.get("deleverage", {}), "deleverage")
    if daemon is None or policy is None:
        raise ConfigError(source, reader.findings.problems)
    return Path(daemon.data_dir), policy.audit_key


def _read_daemon(reader: Reader, document: dict[str, Any]) -> Daemon | None:
    data_dir = str(default_data_dir(reader.environment))
    daemon = reader.read(Daemon, document.get("daemon", {}), "daemon", data_dir=data_dir)
    if daemon is None:
        return None
    return msgspec.structs.replace(daemon, data_dir=str(reader.path(daemon.data_dir).absolute()))


def _check_lists(lists: _Lists, allow_empty: bool, findings: Findings) -> None:
    known = known_names(lists.accounts, (*lists.receivers, *lists.rotas))
    check_accounts(lists.accounts, findings)
    check_thresholds(lists.thresholds, lists.accounts, known, findings)
    check_transfers(lists.transfers, lists.accounts, known, findings)
    check_receivers(lists.receivers, findings)
    elsewhere = named_by((*lists.escalations, *lists.rotas))
    check_routes(lists.routes, lists.accounts, lists.receivers, known, elsewhere, findings)
    refuse_two_meanings(lists.receivers, lists.rotas, findings)
    check_duty(lists.routes, lists.escalations, lists.rotas, lists.time_intervals, known, findings)
    if not allow_empty:
        _check_not_empty(lists.accounts, lists.receivers, findings)


def default_routes(receivers: tuple[Receiver, ...]) -> tuple[Route, ...]:
    """Without [[routes]] every receiver is told everything: one may fail, or be an unread screen."""
    return tuple(Route(receivers=(receiver.name,), continue_=True) for receiver in receivers)


def read_document(path: Path, source: str) -> dict[str, Any]:
    """A TOML file that only its owner may change; raises ConfigError."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            facts = os.fstat(file.fileno())
            loose = what_others_may_write(path, facts.st_mode)
            content = file.read(LARGEST_BYTES + 1) if stat.S_ISREG(facts.st_mode) else None
    except (OSError, ValueError) as error:
        raise ConfigError(source, [Problem("", f"can't read it: {reason_of(error)}")]) from None
    if content is None or len(content) > LARGEST_BYTES:
        raise ConfigError(source, [Problem("", f"must be a regular file of at most {LARGEST_BYTES} bytes")])
    if loose:
        raise ConfigError(source, [Problem("", f"who may change it decides who is warned; {loose}")])
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise ConfigError(source, [Problem("", "is not UTF-8 text")]) from None
    except RecursionError:
        raise ConfigError(source, [Problem("", "is nested too deeply")]) from None
    except ValueError as error:
        raise ConfigError(source, [Problem("", f"is not TOML: {error}")]) from None


def _check_top(document: dict[str, Any], findings: Findings) -> None:
    schema = document.get("schema")
    if schema is None:
        findings.problem("schema", f"is missing: write schema = {SCHEMA} as the first line")
    elif schema != SCHEMA or isinstance(schema, bool):
        findings.problem("schema", f"this margind reads schema = {SCHEMA}")
    known = ("schema", *SECTIONS, *LISTS)
    for key in document:
        if key not in known:
            findings.problem(key_at("", key), f"unknown key; {suggestion(key, known)}")


def entries_of(reader: Reader, kind: type[T], document: dict[str, Any], key: str) -> list[Entry[T]]:
    """The tables of a list, each read or found wrong."""
    tables = document.get(key, [])
    if not isinstance(tables, list):
        reader.findings.problem(key, f"must be a list of tables: write [[{key}]], not {named(tables)}")
        return []
    entries: list[Entry[T]] = []
    for index, table in enumerate(tables):
        place = item_at(key, index, table)
        value = reader.read(kind, table, place)
        entries.append(Entry(place, table if isinstance(table, dict) else {}, value))
    return entries


def _check_not_empty(
    accounts: list[Entry[Account]], receivers: list[Entry[Receiver]], findings: Findings
) -> None:
    if not accounts:
        findings.problem("accounts", "there is none: add an [[accounts]] (or pass --allow-empty)")
    if not receivers:
        findings.problem(
            "receivers", "there is none, so nobody would be told: add a [[receivers]] (or --allow-empty)"
        )
    elif all(entry.table.get("kind") == "terminal" for entry in receivers):
        findings.warn("receivers", "alerts are printed on the terminal only: nobody is told elsewhere")


def _values(entries: list[Entry[T]]) -> tuple[T, ...]:
    return tuple(entry.value for entry in entries if entry.value is not None)


def _with_paths(reader: Reader, receiver: Receiver) -> Receiver:
    if receiver.ca_file is None:
        return receiver
    return msgspec.structs.replace(receiver, ca_file=str(reader.path(receiver.ca_file)))
