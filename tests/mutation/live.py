"""Puts a mutant into the running process, so that everybody who has imported the function sees it."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any


def put(code: CodeType, module: ModuleType) -> None:
    """The functions, defaults and constants of `module` become those of `code`, the whole module's text.

    A function keeps its identity and its globals: only its code is exchanged. A constant is bound anew
    wherever the old one is known by its name. There is no way back: it is done in a process that ends.
    """
    fresh: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, fresh)  # noqa: S102  the project's own text with one thing changed
    for name, new in fresh.items():
        old = vars(module).get(name)
        if isinstance(old, FunctionType) and old.__module__ == module.__name__:
            old.__code__, old.__defaults__, old.__kwdefaults__ = (
                new.__code__,
                new.__defaults__,
                new.__kwdefaults__,
            )
        elif inspect.isclass(old) and old.__module__ == module.__name__ and hasattr(old, "_field_defaults"):
            old.__new__.__defaults__ = new.__new__.__defaults__
        elif not name.startswith("__") and not callable(old) and new != old:
            _rebind(name, old, new)


def _rebind(name: str, old: Any, new: Any) -> None:
    for module in list(sys.modules.values()):
        if vars(module).get(name) is old:
            setattr(module, name, new)
