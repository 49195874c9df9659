"""From TOML tables to the structs of `config`, driven by their fields, not stopped by the first mistake."""

from __future__ import annotations

import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from monitor import secrets
from monitor.config import Account, Credentials, Levels, Receiver, Route, Secret
from monitor.config_deleverage import Hook
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.config_problem import SECRET_LIKE, Findings, key_at, suggestion
from monitor.config_transfers import Transfer

T = TypeVar("T", bound=msgspec.Struct)
# What is wrong with a value, "" when nothing is; or pairs of a key below it and what is wrong there.
Rule = Callable[[Any], str | Iterable[tuple[str, str]]]

NAME_OF_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
KIND_OF_VALUE = {
    str: 'a text in quotes, "..."',
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: 'a table of texts, { name = "value" }',
    tuple: 'a list of texts, ["...", "..."]',
}
EXAMPLE_OF_REQUIRED: dict[tuple[type, str], str] = {
    (Account, "name"): 'name = "alpha"',
    (Account, "venue"): 'venue = "hyperliquid"',
    (Account, "desk"): 'desk = "majors"',
    (Levels, "warning"): "warning, margin_call and critical are given together",
    (Levels, "margin_call"): "warning, margin_call and critical are given together",
    (Levels, "critical"): "warning, margin_call and critical are given together",
    (Receiver, "name"): 'name = "ops"',
    (Receiver, "kind"): 'kind = "webhook"',
    (Route, "receivers"): 'receivers = ["ops"]',
    (Escalation, "after_s"): "after_s = 300",
    (Escalation, "receivers"): 'receivers = ["phone"]',
    (Rota, "name"): 'name = "duty"',
    (Rota, "receivers"): 'receivers = ["anna", "ben"]',
    (Rota, "begins"): 'begins = "2026-11-23T09:00"',
    (TimeInterval, "name"): 'name = "night"',
    (Transfer, "from"): 'from = "binance_usdm/main"',
    (Transfer, "to"): 'to = "binance_usdm/alpha"',
    (Transfer, "asset"): 'asset = "USDT"',
    (Transfer, "takes_s"): "takes_s = 1200, how long it takes until it counts",
    (Hook, "name"): 'name = "risk-desk"',
    (Hook, "kind"): 'kind = "webhook"',
    (Credentials, "key"): "key_file, key_env or key_credential",
    (Credentials, "secret"): "secret_file, secret_env or secret_credential",
}
MEANT: dict[tuple[type, str], str] = {
    **{
        (Account, key): f"write it inside credentials = {{ {key} = ... }}"
        for field in ("key", "secret", "passphrase")
        for key in (field, *secrets.keys_of(field))
    },
}
SOUNDS_SECRET = (
    "secret",
    "password",
    "passphrase",
    "token",
    "private",
    "mnemonic",
    "api_key",
    "apikey",
    "seed",
)


class Reader:
    """Reads tables into structs; everything that is wrong goes to `findings` with its path."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        findings: Findings,
        rules: Mapping[tuple[type, str], Rule],
        examples: Mapping[tuple[type, str], str] = EXAMPLE_OF_REQUIRED,
    ) -> None:
        self.folder = folder
        self.environment = environment
        self.findings = findings
        self.rules = rules
        self.examples = examples

    def read(self, kind: type[T], table: object, place: str, **given: object) -> T | None:
        """The struct, or None when its table has a mistake; `given` stands in for absent keys."""
        if not isinstance(table, dict):
            self.findings.problem(place, f"must be a table, [{place}], not {named(table)}")
            return None
        before = len(self.findings.problems)
        self._refuse_unknown(kind, table, place)
        values = dict(given)
        for field in msgspec.structs.fields(kind):
            self._read_field(kind, field, table, place, values)
        return kind(**values) if len(self.findings.problems) == before else None

    def _read_field(
        self,
        kind: type,
        field: msgspec.structs.FieldInfo,
        table: dict[str, Any],
        place: str,
        values: dict[str, Any],
    ) -> None:
        inner = plain_type(field.type)
        key = field.encode_name
        is_needed = field.required and field.name not in values
        if inner is Secret:
            secret = self._secret(key, table, place, is_needed, kind)
            if secret is not None:
                values[field.name] = secret
        elif key not in table:
            if is_needed:
                self.findings.problem(key_at(place, key), f"is missing: write {self.examples[kind, key]}")
        elif isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            values[field.name] = self.read(inner, table[key], key_at(place, key))
            self._apply_rule(kind, field.name, values[field.name], key_at(place, key))
        else:
            self._leaf(field, inner, table[key], key_at(place, key), values)
            self._apply_rule(kind, field.name, values.get(field.name), key_at(place, key))

    def _apply_rule(self, kind: type, name: str, value: object, place: str) -> None:
        rule = self.rules.get((kind, name))
        if rule is None or value is None:
            return
        advice = rule(value)
        for below, text in [("", advice)] if isinstance(advice, str) else advice:
            at = place + below if below.startswith("[") else key_at(place, below) if below else place
            if text:
                self.findings.problem(at, text)

    def _leaf(
        self, field: msgspec.structs.FieldInfo, inner: Any, value: object, place: str, values: dict[str, Any]
    ) -> None:
        try:
            values[field.name] = msgspec.convert(value, inner)
        except (msgspec.ValidationError, OverflowError):
            wanted = KIND_OF_VALUE[typing.get_origin(inner) or inner]
            self.findings.problem(place, f"must be {wanted}, not {named(value)}")

    def _secret(
        self, field: str, table: dict[str, Any], place: str, is_needed: bool, kind: type
    ) -> Secret | None:
        if field in table:
            self.findings.problem(key_at(place, field), secrets.advice(field))
            return None
        given = [key for key in secrets.keys_of(field) if key in table]
        if not given:
            if is_needed:
                self.findings.problem(key_at(place, field), f"is missing: {secrets.advice(field)}")
            return None
        if len(given) > 1:
            self.findings.problem(
                key_at(place, field), f"is given {len(given)} times: keep one of {', '.join(given)}"
            )
            return None
        value = table[given[0]]
        if not isinstance(value, str) or not value:
            self.findings.problem(
                key_at(place, given[0]), f"must be {KIND_OF_VALUE[str]}, not {named(value)}"
            )
            return None
        return self._secret_from(given[0], value, key_at(place, given[0]))

    def _secret_from(self, key: str, value: str, place: str) -> Secret | None:
        try:
            if key.endswith("_env"):
                return secrets.from_environment(value, self.environment)
            if key.endswith("_credential"):
                return secrets.from_credential(value, self.environment)
            path = self.path(value)
            secret = secrets.from_file(path)
        except secrets.SecretUnavailable as error:
            told = str(error).replace(value, "(not shown)") if self._may_be_pasted(key, value) else str(error)
            self.findings.problem(place, told)
            return None
        if secrets.is_readable_by_all(path, self.environment):
            self.findings.warn(place, f"{path} may be read by everybody on this machine: chmod 0400 {path}")
        return secret

    def _may_be_pasted(self, key: str, value: str) -> bool:
        """Whether the value may be the secret itself, written where its place belongs."""
        if not key.endswith("_file"):
            return not NAME_OF_VARIABLE.fullmatch(value)
        path = self.path(value)
        is_in_folder = os.path.lexists(path.parent) and not SECRET_LIKE.search(path.name)
        is_plain_path = "/" in value and (is_in_folder or not SECRET_LIKE.search(value))
        return not (is_plain_path or os.path.lexists(path))

    def path(self, text: str) -> Path:
        """A path as the config means it: relative to the folder of the config, `~` is the home folder."""
        try:
            return self.folder / Path(text).expanduser()
        except (ValueError, RuntimeError):  # a NUL byte, no such home: opening the path will say so
            return self.folder / text

    def _refuse_unknown(self, kind: type[msgspec.Struct], table: dict[str, Any], place: str) -> None:
        known = keys_of(kind)
        secret_fields = {
            field.encode_name for field in msgspec.structs.fields(kind) if plain_type(field.type) is Secret
        }
        for key in table:
            if key in known or key in secret_fields:
                continue
            self.findings.problem(key_at(place, key), f"unknown key; {self._advice(kind, key, known)}")

    @staticmethod
    def _advice(kind: type, key: str, known: tuple[str, ...]) -> str:
        if (kind, key) in MEANT:
            return MEANT[kind, key]
        guess = suggestion(key, known)
        if guess.startswith("known here") and any(word in key.lower() for word in SOUNDS_SECRET):
            return "secrets are never written into the config; " + guess
        return guess


def keys_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys that a table of this struct may hold; a secret field has three."""
    keys: list[str] = []
    for field in msgspec.structs.fields(kind):
        is_secret = plain_type(field.type) is Secret
        keys.extend(secrets.keys_of(field.encode_name) if is_secret else (field.encode_name,))
    return tuple(keys)


def plain_type(annotation: Any) -> Any:
    """`X` of `X | None`, else the annotation itself."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        others = [choice for choice in typing.get_args(annotation) if choice is not type(None)]
        return others[0]
    return annotation


def named(value: object) -> str:
    """What kind of value it is; never the value, which may be a secret in the wrong place."""
    if isinstance(value, bool):
        return "true or false"
    for kind, words in ((str, "a text"), (int, "a whole number"), (float, "a number"), (dict, "a table")):
        if isinstance(value, kind):
            return "an empty text" if value == "" else words
    return "a list" if isinstance(value, list) else "a date or time"
