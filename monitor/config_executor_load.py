"""Reads the executor's own TOML file, and refuses it with everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from monitor.config import Store
from monitor.config_executor import (
    EXECUTOR_EXAMPLES,
    EXECUTOR_RULES,
    Executor,
    ExecutorConfig,
    TradingAccount,
)
from monitor.config_load import SCHEMA, entries_of, read_document
from monitor.config_problem import ConfigError, Findings, key_at, suggestion
from monitor.config_read import EXAMPLE_OF_REQUIRED, Reader
from monitor.config_rules import RULES

KNOWN = ("schema", "executor", "store", "accounts")


def load_executor(path: Path, *, environment: Mapping[str, str] | None = None) -> ExecutorConfig:
    """The config of a file, checked, with its secrets read; raises ConfigError with every mistake."""
    source = str(path)
    environment = os.environ if environment is None else environment
    document = read_document(path, source)
    reader = Reader(
        path.parent,
        environment,
        Findings(),
        RULES | EXECUTOR_RULES,
        EXAMPLE_OF_REQUIRED | EXECUTOR_EXAMPLES,
    )
    findings = reader.findings
    _check_top(document, findings)
    executor = reader.read(Executor, document.get("executor", {}), "executor")
    store = reader.read(Store, document.get("store", {}), "store")
    accounts = entries_of(reader, TradingAccount, document, "accounts")
    _check(document, findings)
    if findings.problems or executor is None or store is None:
        raise ConfigError(source, findings.problems)
    data_dir = str(reader.path(executor.data_dir).absolute())
    return ExecutorConfig(
        executor=msgspec.structs.replace(executor, data_dir=data_dir),
        store=store,
        accounts=tuple(entry.value for entry in accounts if entry.value is not None),
        source=source,
        warnings=tuple(str(warning) for warning in findings.warnings),
    )


def _check_top(document: dict[str, Any], findings: Findings) -> None:
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        findings.problem("schema", f"this margind reads schema = {SCHEMA}: write it as the first line")
    for key in document:
        if key not in KNOWN:
            hint = suggestion(key, KNOWN)
            findings.problem(key_at("", key), f"unknown key in the executor's file; {hint}")


def _check(document: dict[str, Any], findings: Findings) -> None:
    store, accounts = document.get("store"), document.get("accounts")
    if not isinstance(store, dict) or "url" not in store:
        findings.problem(
            "store.url", 'is missing: the store of the monitor, "redis://HOST:PORT/0" or "unix:///path"'
        )
    if not accounts:
        findings.problem("accounts", "there is none: add an [[accounts]] with a key that may trade")
    tables = [one for one in accounts if isinstance(one, dict)] if isinstance(accounts, list) else []
    names = [f"{one.get('venue')}/{one.get('name')}" for one in tables]
    for name in {name for name in names if names.count(name) > 1}:
        findings.problem("accounts", f"{name[:200]} is there more than once")
