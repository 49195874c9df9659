"""What a mutant changes: for one node of a formula, the other nodes that might have been written by mistake.

The operators are the usual ones (mutmut, PIT), and two that this code asks for: a column read for its
neighbour, and min for max.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from copy import copy
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")  # the text of a Decimal
BINARY: dict[type, type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type, tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
# Columns that stand beside each other in a row and are of the same kind, so that a slip would go unseen.
PAIRS = (
    ("maintenance_rate", "initial_rate"),
    ("wallet", "borrowed"),
    ("bids", "asks"),
    ("bid_buffer", "ask_buffer"),
    ("mark", "index"),
    ("entry_price", "leverage"),
    ("tier_first", "liability_first"),
    ("tier_last", "liability_last"),
    ("gain_rate", "gain_initial"),
    ("category_rate", "category_initial"),
    ("short_power", "long_power"),
    ("initial_factor", "maintenance_factor"),
    ("lower_volatility", "upper_volatility"),
    ("told_equity", "told_maintenance"),
)
NEIGHBOURS = dict(PAIRS) | {other: one for one, other in PAIRS}
SWAPPED_CALLS = {"min": "max", "max": "min"}


def alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """What might stand in the place of this node."""
    for kind, of in OPERATORS.items():
        if isinstance(node, kind):
            yield from of(node)


def _with(node: Any, **fields: Any) -> Any:
    other = copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    if type(node.op) in BINARY:
        yield _with(node, op=BINARY[type(node.op)]())


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for place, op in enumerate(node.ops):
        for other in COMPARISONS[type(op)]:
            yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def _call(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in SWAPPED_CALLS:
        yield _with(node, func=_with(node.func, id=SWAPPED_CALLS[name]))
    if name == "abs":
        yield node.args[0]


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield _with(node, value=not node.value)
    elif isinstance(node.value, int | float):
        yield _with(node, value=node.value + 1)
    elif isinstance(node.value, str) and NUMBER.fullmatch(node.value):
        yield _with(node, value=str(Decimal(node.value) + 1))


def _attribute(node: ast.Attribute) -> Iterator[ast.AST]:
    if node.attr in NEIGHBOURS:
        yield _with(node, attr=NEIGHBOURS[node.attr])


def _condition(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    for always in (True, False):
        yield _with(node, test=ast.copy_location(ast.Constant(always), node.test))


def _added(node: ast.AugAssign) -> Iterator[ast.AST]:
    if type(node.op) in BINARY:
        yield _with(node, op=BINARY[type(node.op)]())
    yield ast.copy_location(ast.Pass(), node)


def _called(node: ast.Expr) -> Iterator[ast.AST]:
    if isinstance(node.value, ast.Call):
        yield ast.copy_location(ast.Pass(), node)


OPERATORS: dict[Any, Callable[[Any], Iterator[ast.AST]]] = {
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.If | ast.While | ast.IfExp: _condition,
    ast.AugAssign: _added,
    ast.Expr: _called,
}
