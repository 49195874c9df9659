"""Where secrets come from: a file, the environment, or systemd's credentials. Never the config itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from monitor.config import Secret

SOURCES = ("file", "env", "credential")
LARGEST_BYTES = 64 * 1024
PROTECTED_FOLDERS = (Path("/run/secrets"),)
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"


class SecretUnavailable(Exception):
    """The secret can't be had, or not safely; the text says from where and why, never what."""


def keys_of(field: str) -> tuple[str, ...]:
    """The keys that give a secret field: `key` is read from `key_file`, `key_env` or `key_credential`."""
    return tuple(f"{field}_{source}" for source in SOURCES)


def advice(field: str) -> str:
    """What to write in place of a secret."""
    file, variable, credential = keys_of(field)
    return (
        f"secrets come from a file, the environment or ${CREDENTIALS_VARIABLE}: "
        f'{file} = "/path", {variable} = "NAME" or {credential} = "name"'
    )


def from_environment(name: str, environment: Mapping[str, str]) -> Secret:
    """The value of a variable."""
    if name not in environment:
        raise SecretUnavailable(f"the environment has no variable {name}")
    return _secret(environment[name], f"environment variable {name}")


def from_credential(name: str, environment: Mapping[str, str]) -> Secret:
    """A file of the name in $CREDENTIALS_DIRECTORY, which systemd fills from LoadCredential=."""
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder:
        raise SecretUnavailable(
            f"${CREDENTIALS_VARIABLE} is not set: this key works under systemd's LoadCredential="
        )
    if not name or "/" in name or name in (".", ".."):
        raise SecretUnavailable(f"a credential is a plain name in ${CREDENTIALS_VARIABLE}, not a path")
    return from_file(Path(folder) / name)


def from_file(path: Path) -> Secret:
    """The text of a file, without the newline at its end; refuses one that others may change."""
    try:
        # Without O_NONBLOCK a named pipe would hold the start for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise SecretUnavailable(f"{path} is no regular file")
            if loose := what_others_may_write(path, facts.st_mode):
                raise SecretUnavailable(loose)
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SecretUnavailable(f"can't read {path}: {reason_of(error)}") from None
    if len(content) > LARGEST_BYTES:
        raise SecretUnavailable(f"{path} is larger than {LARGEST_BYTES} bytes: it is no secret")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise SecretUnavailable(f"{path} is not UTF-8 text") from None
    return _secret(text, f"file {path}")


def reason_of(error: Exception) -> str:
    """An error of the system in a few words, without the path that it repeats."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "not a valid path"


def what_others_may_write(path: Path, mode: int) -> str | None:
    """Why a file of this mode is refused, or None."""
    if not mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    who = "others" if mode & stat.S_IWOTH else "its group"
    return f"{path} may be changed by {who}: chmod go-w {path}"


def is_readable_by_all(path: Path, environment: Mapping[str, str]) -> bool:
    """Whether everybody on the machine may read the secret, and the folder is none that the system guards."""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        parents = path.resolve().parents
    except (OSError, ValueError):
        return False
    given = environment.get(CREDENTIALS_VARIABLE)
    guarded = (*PROTECTED_FOLDERS, *([Path(given).resolve()] if given else ()))
    return not any(folder in parents or folder in path.parents for folder in guarded)


def _secret(text: str, source: str) -> Secret:
    text = text.rstrip("\r\n")
    if not text.strip():
        raise SecretUnavailable(f"{source} is empty")
    return Secret(text, source)
