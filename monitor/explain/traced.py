"""A number that remembers where it came from: the same formula over these numbers writes its derivation.

A traced number is a float with a name (an input, or what the formula called it), or with the operation and
the numbers that made it. It is told in the names of its parts, down to those that have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ADD, TIMES, POWER = 1, 2, 3  # how tightly an operation binds
MINUS = "−"
HAIR = 1e-6
NOTHING = "0"  # the name of the nothing that a sum begins with


class Made(NamedTuple):
    """How a number was made: a sign between two, or a word before what it was made of."""

    sign: str
    binds: int
    parts: tuple[float, ...]


class Traced(float):
    """Arithmetic as of a float, compared as a float."""

    __slots__ = ("made", "name")

    def __new__(cls, value: float, name: str = "", made: Made | None = None) -> Traced:
        """A number with its name, or with how it was made."""
        self = super().__new__(cls, value)
        self.name = name
        self.made = made
        return self

    name: str
    made: Made | None

    def __add__(self, other: float) -> Traced:
        """Nothing added is not told."""
        if not isinstance(other, Traced) and other == 0:
            return self
        if self.name == NOTHING and isinstance(other, Traced):
            return Traced(float(other), made=Made("", POWER, (other,))) if other.name else other
        return _made("+", ADD, self, other, float.__add__)

    def __radd__(self, other: float) -> Traced:
        """As `__add__`."""
        return self if other == 0 else _made("+", ADD, other, self, float.__add__)

    def __sub__(self, other: float) -> Traced:
        """Less the other."""
        return _made(MINUS, ADD, self, other, float.__sub__)

    def __rsub__(self, other: float) -> Traced:
        """The other less this."""
        return _made(MINUS, ADD, other, self, float.__sub__)

    def __mul__(self, other: float) -> Traced:
        """Times the other; a plain 0 is how a formula writes nothing at all."""
        if not isinstance(other, Traced) and other == 0:
            return Traced(0.0, NOTHING)
        return _made("×", TIMES, self, other, float.__mul__)

    def __rmul__(self, other: float) -> Traced:
        """As `__mul__`."""
        return _made("×", TIMES, other, self, float.__mul__)

    def __truediv__(self, other: float) -> Traced:
        """Divided by the other; by nothing it is infinite or no number, as in the compiled loops."""
        return _made("/", TIMES, self, other, _quotient)

    def __rtruediv__(self, other: float) -> Traced:
        """The other divided by this."""
        return _made("/", TIMES, other, self, _quotient)

    def __pow__(self, power: int) -> Traced:  # type: ignore[override]
        """To a whole power; told as one number: ten digits of a factor near 1 would not give it back."""
        return Traced(float(self) ** power, f"{self.name}^{figure(power)}")

    def __neg__(self) -> Traced:
        """The other sign."""
        return Traced(-float(self), made=Made(MINUS, POWER, (self,)))

    def __abs__(self) -> Traced:
        """Without its sign; told only where that changes it."""
        return self if self >= 0 else Traced(-float(self), made=Made("abs", POWER, (self,)))

    def ln(self) -> Traced:
        """Natural logarithm."""
        return self._through("ln", math.log)

    def exp(self) -> Traced:
        """e to this."""
        return self._through("exp", math.exp)

    def sqrt(self) -> Traced:
        """Square root."""
        return self._through("sqrt", math.sqrt)

    def isqrt(self) -> Traced:
        """Whole square root."""
        return self._through("isqrt", lambda x: math.sqrt(x // 1) // 1)

    def normal_cdf(self) -> Traced:
        """The share of a standard normal distribution below this."""
        return self._through("N", lambda x: math.erfc(-x / math.sqrt(2)) / 2)

    def ceil_to(self, per_unit: int) -> Traced:
        """Rounded up to a multiple of 1 / `per_unit`."""
        return self._through("rounded up", lambda x: float(np.ceil(x * per_unit)) / per_unit)

    def floor_to(self, per_unit: int) -> Traced:
        """Rounded down to a multiple of 1 / `per_unit`."""
        return self._through("rounded down", lambda x: float(np.floor(x * per_unit)) / per_unit)

    def _through(self, word: str, function: Callable[[float], float]) -> Traced:
        return Traced(function(float(self)), made=Made(word, POWER, (self,)))


def _made(sign: str, binds: int, left: float, right: float, work: Callable[[float, float], float]) -> Traced:
    return Traced(work(float(left), float(right)), made=Made(sign, binds, (left, right)))


def _quotient(left: float, right: float) -> float:
    if right != 0:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


def in_names(number: float, inside: bool = False) -> str:
    """How it was made, in names: `quantity x mark`."""
    return _told(number, lambda part: part.name, inside)


def in_figures(number: float, inside: bool = False) -> str:
    """How it was made, in figures: `12.5 x 86,210.4`."""
    return _told(number, lambda part: figure(part) if part.name else "", inside)


def _told(number: float, leaf: Callable[[Traced], str], inside: bool) -> str:
    """`inside`: although it has a name, how it was made."""
    if not isinstance(number, Traced):
        return figure(number)
    if (number.name and not inside) or number.made is None:
        return leaf(number) or figure(number)
    sign, binds, parts = number.made
    if len(parts) == 1:
        within = _told(parts[0], leaf, inside=False)
        if not sign:
            return within
        is_bare = sign == MINUS and not within.startswith(("-", MINUS))
        return f"{sign}{within}" if is_bare else f"{sign}({within})"
    left = _bracketed(parts[0], leaf, binds, is_right=False)
    right = _bracketed(parts[1], leaf, binds, is_right=sign in (MINUS, "/"))
    return f"{left} {sign} {right}"


def _bracketed(part: float, leaf: Callable[[Traced], str], binds: int, is_right: bool) -> str:
    text = _told(part, leaf, inside=False)
    if not isinstance(part, Traced) or part.name or part.made is None:
        return f"({text})" if text.startswith(("-", MINUS)) else text
    looser = part.made.binds < binds or (is_right and part.made.binds == binds)
    return f"({text})" if looser else text


def figure(value: float) -> str:
    """At most ten digits, thousands parted; of a factor a hair from 1 (a fee of a second) all that it has."""
    if value != value or math.isinf(value):
        return str(float(value))
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{float(value):,.16g}" if abs(value - 1) < HAIR else f"{float(value):,.10g}"
