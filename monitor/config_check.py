"""What must hold between the keys of accounts and thresholds. The alerts' are in `config_check_alerts`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from monitor.config import Account, Threshold
from monitor.config_names import MODEL_NAMES, venue_facts
from monitor.config_problem import Findings, key_at, shown, suggestion
from monitor.config_rules import PRIVATE_KEY
from monitor.domain.identity import AccountId, account_id
from monitor.thresholds import BESIDE, takes

T = TypeVar("T", bound=msgspec.Struct)
CHANGES = ("ratio", "distance", *BESIDE, "hysteresis", "hysteresis_volatilities")


def id_of(account: Account) -> AccountId:
    """`venue/account`, of an account that was read without a mistake."""
    return account_id(account.venue, account.name)


class Entry(NamedTuple, Generic[T]):
    """One table of a list: where it is, as written, and as read (None when something in it is wrong)."""

    place: str
    table: dict[str, Any]
    value: T | None


class Known(NamedTuple):
    """The names that other tables may use, right or wrong otherwise, so that one mistake is told once."""

    accounts: frozenset[str]  # venue/account
    desks: frozenset[str]
    receivers: frozenset[str]  # and rotas, which stand for receivers


def known_names(accounts: Iterable[Entry[Account]], receivers: Iterable[Entry[Any]]) -> Known:
    """The names in the tables as written."""
    tables = [entry.table for entry in accounts]
    return Known(
        frozenset(f"{table.get('venue')}/{table.get('name')}" for table in tables),
        frozenset(table["desk"] for table in tables if isinstance(table.get("desk"), str)),
        frozenset(e.table["name"] for e in receivers if isinstance(e.table.get("name"), str)),
    )


def check_accounts(entries: list[Entry[Account]], findings: Findings) -> None:
    """Each account is complete for its venue and read only, and none is there twice."""
    for entry in entries:
        _refuse_private_keys(entry.table, entry.place, findings)
        if entry.value is not None:
            _check_access(entry.value, entry.place, findings)
            _check_environment(entry.value, entry.place, findings)
    read = [(entry.place, entry.value) for entry in entries if entry.value is not None]
    refuse_repeats(((place, id_of(a)) for place, a in read), "is already the account", "name", findings)
    seen: dict[tuple[str | None, ...], str] = {}
    for place, account in read:
        access = _access_of(account)
        if any(access[2:]) and access in seen:
            findings.problem(
                place, f"reads the same account as {seen[access]}: same venue and credentials; remove one"
            )
        seen.setdefault(access, place)
    _refuse_two_markets(read, findings)


def _refuse_private_keys(value: object, place: str, findings: Findings) -> None:
    if isinstance(value, str) and PRIVATE_KEY.search(value):
        findings.problem(
            place,
            "LOOKS LIKE A PRIVATE KEY (64 hexadecimal digits). margind only reads and must never have one: "
            "remove it, treat it as exposed, and give the public address (0x and 40 digits)",
        )
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_private_keys(inner, key_at(place, key), findings)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_private_keys(inner, f"{place}[{index}]", findings)


def _check_access(account: Account, place: str, findings: Findings) -> None:
    facts = venue_facts(account.venue)
    if facts is None:
        return
    if facts.needs_address and account.address is None:
        findings.problem(
            key_at(place, "address"), f'is missing: {account.venue} is read by address, address = "0x..."'
        )
    if facts.needs_address and account.credentials is not None:
        findings.problem(
            key_at(place, "credentials"), f"{account.venue} is read by address alone: remove the key"
        )
    if facts.needs_address and account.subaccount is not None:
        findings.problem(
            key_at(place, "subaccount"), "a subaccount has an address of its own: give that as address"
        )
    either = facts.key_or_address
    if facts.needs_key and account.credentials is None and not (either and account.address is not None):
        wanted = 'credentials = { key_file = "/path", secret_file = "/path" }, a key that may only read'
        findings.problem(key_at(place, "credentials"), f"is missing: {account.venue} wants {wanted}")
    if not facts.needs_address and account.address is not None and not either:
        findings.problem(
            key_at(place, "address"), f"{account.venue} is read with a key, not by address: remove it"
        )


def _check_environment(account: Account, place: str, findings: Findings) -> None:
    if account.environment == "loopback" and not account.endpoints:
        findings.problem(
            key_at(place, "endpoints"), 'is missing: environment = "loopback" needs the exchange\'s addresses'
        )
    if account.environment != "loopback" and account.endpoints:
        findings.problem(
            key_at(place, "endpoints"),
            'only go with environment = "loopback": a key is sent to nobody but its venue',
        )


def _refuse_two_markets(accounts: list[tuple[str, Account]], findings: Findings) -> None:
    """A venue's contracts have one id each: the testnet's BTCUSDT would be priced by the real one's marks."""
    first: dict[str, tuple[str, Account]] = {}
    for place, account in accounts:
        first_place, other = first.setdefault(account.venue, (place, account))
        if account.environment != other.environment:
            key, right = "environment", f"write environment = {shown(other.environment)}"
        elif _addresses_of(account) != _addresses_of(other):
            key, right = "endpoints", "write the same ones"
        else:
            continue
        findings.problem(
            key_at(place, key),
            f"leads to another market than that of {first_place}, and {account.venue} names the contracts "
            f"of both alike: {right}, or give it a daemon of its own",
        )


def _addresses_of(account: Account) -> dict[str, str]:
    return {name: url.rstrip("/") for name, url in account.endpoints.items()}


def _access_of(account: Account) -> tuple[str | None, ...]:
    """What tells one account at a venue from another."""
    key = account.credentials.key.reveal() if account.credentials is not None else None
    address = account.address.lower() if account.address is not None else None
    return account.venue, account.environment, key, address, account.subaccount


def check_thresholds(
    entries: list[Entry[Threshold]], accounts: list[Entry[Account]], known: Known, findings: Findings
) -> None:
    """Each entry names what exists, changes something, and is the only one of its match."""
    seen: dict[tuple[str | None, ...], str] = {}
    for entry in entries:
        check_names(entry.table, entry.place, known, findings)
        model = entry.table.get("model")
        if isinstance(model, str) and model not in MODEL_NAMES:
            text = f"no model is called {shown(model)}; {suggestion(model, MODEL_NAMES)}"
            findings.problem(key_at(entry.place, "model"), text)
        threshold = entry.value
        if threshold is None:
            continue
        _warn_idle(entry.place, threshold, accounts, findings)
        if all(getattr(threshold, key) is None for key in CHANGES):
            findings.problem(entry.place, f"changes nothing: give one of {', '.join(CHANGES)}, or remove it")
        if threshold.pool is not None:
            _check_pool(threshold.pool, key_at(entry.place, "pool"), known, findings)
        match = (threshold.pool, threshold.account, threshold.desk, threshold.model)
        if match in seen:
            findings.problem(
                entry.place, f"has the same pool, account, desk and model as {seen[match]}: merge the two"
            )
        seen.setdefault(match, entry.place)


def _check_pool(pool: str, place: str, known: Known, findings: Findings) -> None:
    account, _, name = pool.rpartition("/")
    if name and account.count("/") == 1:
        check_account(account, place, known, findings)
    else:
        findings.problem(place, f"{shown(pool)} is no pool: write venue/account/pool")


def _warn_idle(place: str, threshold: Threshold, accounts: list[Entry[Account]], findings: Findings) -> None:
    read = [entry.value for entry in accounts if entry.value is not None]
    if len(read) == len(accounts) and not any(_may_take(threshold, account) for account in read):
        findings.warn(place, "matches no account of this config")


def _may_take(threshold: Threshold, account: Account) -> bool:
    facts = venue_facts(account.venue)
    models = facts.models if facts is not None else ()
    return any(takes(threshold, id_of(account), account.desk, model) for model in models)


def check_names(table: dict[str, Any], place: str, known: Known, findings: Findings) -> None:
    """`account` and `desk` of a table name what exists."""
    desk = table.get("desk")
    check_account(table.get("account"), key_at(place, "account"), known, findings)
    if isinstance(desk, str) and desk not in known.desks:
        text = f"no account has the desk {shown(desk)}; {suggestion(desk, known.desks)}"
        findings.problem(key_at(place, "desk"), text)


def check_account(account: object, place: str, known: Known, findings: Findings) -> None:
    """A key that names an account names one that exists."""
    if isinstance(account, str) and account not in known.accounts:
        same_name = sorted(name for name in known.accounts if name.split("/", 1)[1] == account)
        guess = (
            f"write it with its venue, {shown(same_name[0])}" if same_name else _near_account(account, known)
        )
        findings.problem(place, f"no account is called {shown(account)}; {guess}")


def _near_account(written: str, known: Known) -> str:
    by_name = {account.split("/", 1)[1]: account for account in sorted(known.accounts)}
    near = difflib.get_close_matches(written[:100].rsplit("/", maxsplit=1)[-1], by_name, n=1)
    return f"did you mean {shown(by_name[near[0]])}?" if near else suggestion(written, known.accounts)


def refuse_repeats(named: Iterable[tuple[str, str]], words: str, key: str, findings: Findings) -> None:
    """Each name once."""
    seen: dict[str, str] = {}
    for place, name in named:
        if name in seen:
            findings.problem(
                key_at(place, key), f"{shown(name)} {words} at {seen[name]}: names are used once"
            )
        seen.setdefault(name, place)
