"""What [deleverage] and [[hooks]] may hold: an armed hook without a bound is refused, not guessed."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.config import Account
from monitor.config_check import Entry, refuse_repeats
from monitor.config_check_alerts import is_signing_secret
from monitor.config_deleverage import CONFIRM_WITHIN_S, Deleverage, Hook
from monitor.config_problem import Findings, key_at, shown, suggestion
from monitor.config_read import Rule
from monitor.config_rules import fraction, is_name, is_receiver_url, one_of, within
from monitor.owned import why_not_ours

HOOK_KINDS = ("webhook", "stream", "program", "executor")
MOST_USD = 1e12
BOUNDS = ("most_action_usd", "most_hour_usd", "most_day_usd")
SIGNED_KINDS = ("stream", "executor")
KEY_CHARACTERS = 32
KEYS_OF_KIND = {
    "webhook": ("url", "secret", "secret_previous", "allow_private_destinations"),
    "program": ("argv", "time_limit_s"),
    "stream": (),
    "executor": (),
}
DEFAULTS = Hook("", "")


def _target(value: float) -> str:
    return "" if 0 < value < 1 else f"{value:g} is out of range: above 0 and below 1, which is liquidation"


DELEVERAGE_RULES: dict[tuple[type, str], Rule] = {
    (Deleverage, "level"): one_of("margin_call", "critical"),
    (Deleverage, "target_ratio"): _target,
    (Deleverage, "target_distance"): within(0, 0.5),
    **{(Deleverage, name): within(1, MOST_USD, "US dollars") for name in BOUNDS},
    (Deleverage, "max_slippage"): fraction(0.1),
    (Deleverage, "fresh_s"): within(0.5, 60, "seconds"),
    (Deleverage, "account_fresh_s"): within(1, 600, "seconds"),
    (Deleverage, "second_source_tolerance"): fraction(0.1),
    (Deleverage, "margin_error_limit"): fraction(0.2),
    (Deleverage, "cooldown_s"): within(1, 86_400, "seconds"),
    (Deleverage, "recovery_grace_s"): within(0, 86_400, "seconds"),
    (Deleverage, "expires_s"): within(1, 300, "seconds"),
    (Deleverage, "lease_s"): within(2, 120, "seconds"),
    (Deleverage, "arm_longest_s"): within(60, 7 * 86_400, "seconds"),
    (Hook, "name"): is_name,
    (Hook, "kind"): one_of(*HOOK_KINDS),
    (Hook, "url"): is_receiver_url,
    (Hook, "time_limit_s"): within(0.1, 300, "seconds"),
}


def check_deleverage(
    config: Deleverage | None,
    hooks: list[Entry[Hook]],
    accounts: list[Entry[Account]],
    findings: Findings,
) -> None:
    """What must hold between its keys, its hooks and the accounts."""
    names = [(entry.place, entry.table.get("name")) for entry in hooks]
    named = ((place, name) for place, name in names if isinstance(name, str))
    refuse_repeats(named, "is already the hook", "name", findings)
    for entry in hooks:
        if entry.value is not None:
            _check_hook(entry.value, entry.place, findings)
    if config is None:
        return
    _check_names(config, [entry.value for entry in accounts if entry.value is not None], findings)
    _check_keys(config, hooks, findings)
    if config.confirm and config.cooldown_s < 2 * CONFIRM_WITHIN_S:
        findings.problem(
            "deleverage.cooldown_s", f"with confirm = true at least {2 * CONFIRM_WITHIN_S:g} seconds"
        )
    if not config.dry_run:
        _check_bounds(config, hooks, findings)
    elif config.armed:
        findings.warn("deleverage.dry_run", "is true: armed or not, nobody acts on a request")


def _check_hook(hook: Hook, place: str, findings: Findings) -> None:
    for name in set().union(*KEYS_OF_KIND.values()) - set(KEYS_OF_KIND.get(hook.kind, ())):
        if hook.kind in KEYS_OF_KIND and getattr(hook, name) != getattr(DEFAULTS, name):
            mine = ", ".join(KEYS_OF_KIND[hook.kind]) or "name and kind only"
            findings.problem(key_at(place, name), f"is not for {hook.kind}; its keys are {mine}")
    if hook.kind == "webhook":
        _check_webhook(hook, place, findings)
    if hook.kind == "program":
        for advice in _program_mistakes(hook.argv):
            findings.problem(key_at(place, "argv"), advice)


def _check_webhook(hook: Hook, place: str, findings: Findings) -> None:
    if hook.url is None:
        findings.problem(key_at(place, "url"), "is missing: webhook needs url = ...")
    elif hook.url.startswith("http:") and not hook.allow_private_destinations:
        findings.problem(
            key_at(place, "url"),
            "must be https; inside your network set allow_private_destinations = true",
        )
    if hook.secret is None:
        findings.problem(
            key_at(place, "secret"), "is missing: webhook needs secret_file, secret_env or secret_credential"
        )
    for name in ("secret", "secret_previous"):
        given = getattr(hook, name)
        if given is not None and not is_signing_secret(given):
            findings.problem(key_at(place, name), f"({given.source}) is no signing secret: whsec_...")


def _program_mistakes(argv: tuple[str, ...]) -> Iterable[str]:
    if not argv:
        yield 'is missing: program needs argv = ["/usr/local/bin/cut", "--desk", "majors"]'
    elif not argv[0].startswith("/"):
        yield f"begins with {shown(argv[0])}: the program is given by its absolute path"
    elif any("\0" in word for word in argv):
        yield "holds a zero byte"
    elif why := why_not_ours(argv[0]):
        yield why


def _check_names(config: Deleverage, accounts: list[Account], findings: Findings) -> None:
    ids = {f"{account.venue}/{account.name}" for account in accounts}
    desks = {account.desk for account in accounts}
    owners = [pool.rpartition("/")[0] for pool in config.pools]
    for key, given, looked, known in (
        ("desks", config.desks, config.desks, desks),
        ("accounts", config.accounts, config.accounts, ids),
        ("pools", config.pools, tuple(owners), ids),
    ):
        for index, (name, asked) in enumerate(zip(given, looked, strict=True)):
            if asked not in known:
                text = f"{shown(name)} is none of an account here; {suggestion(asked, sorted(known))}"
                findings.problem(f"deleverage.{key}[{index}]", text)


def _check_keys(config: Deleverage, hooks: list[Entry[Hook]], findings: Findings) -> None:
    kinds = [entry.table.get("kind") for entry in hooks]
    if config.key is None and any(kind in kinds for kind in SIGNED_KINDS):
        findings.problem(
            "deleverage.key",
            "is missing: what goes over Redis is signed; key_file, key_env or key_credential",
        )
    for name in ("key", "audit_key"):
        given = getattr(config, name)
        if given is not None and len(given.reveal()) < KEY_CHARACTERS:
            findings.problem(f"deleverage.{name}", f"is shorter than {KEY_CHARACTERS} characters")
    if config.key is not None and config.key == config.audit_key:
        findings.problem("deleverage.audit_key", "is the same as key: whoever reads requests has that one")


def _check_bounds(config: Deleverage, hooks: list[Entry[Hook]], findings: Findings) -> None:
    """What may act says how much at most, on what, and through whom."""
    for name in BOUNDS:
        if getattr(config, name) is None:
            findings.problem(f"deleverage.{name}", "is missing: with dry_run = false each bound is said")
    amounts = [value for name in BOUNDS if (value := getattr(config, name)) is not None]
    if amounts != sorted(amounts):
        findings.problem("deleverage", "an action's bound is at most the hour's, and that at most the day's")
    if not config.symbols:
        text = 'is empty, so nothing may be cut: symbols = ["bybit:BTCUSDT"], or ["*"] for every one'
        findings.problem("deleverage.symbols", text)
    if not hooks:
        findings.problem("hooks", "there is none, so nobody would act: add a [[hooks]]")
    if not (config.desks or config.accounts or config.pools):
        findings.problem("deleverage", "covers no pool: name desks, accounts or pools")
