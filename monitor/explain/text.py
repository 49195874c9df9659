"""An explanation as a page that a quant can redo by hand."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.explain.derivation import Line
from monitor.explain.document import Explanation, Token
from monitor.explain.traced import figure


def lines(found: Explanation) -> Iterator[str]:
    """Head, inputs, derivation, result, and the venue's figures beside ours."""
    yield f"{found.pool}   {found.model}, in {found.unit}, as of {found.as_of:%Y-%m-%d %H:%M:%S} UTC"
    yield found.formula
    yield ""
    yield "inputs"
    width = max((len(given.name) for given in found.inputs), default=0)
    for given in found.inputs:
        age = "" if given.age_s is None else f", {given.age_s:.1f} s old"
        yield f"  {given.name:{width}}  {figure(given.value):>16}  {given.source}{age}"
    if not found.lines:
        yield ""
        yield f"{found.band}: {found.why}"
        return
    yield ""
    yield "derivation"
    yield from _derivation(found.lines)
    yield ""
    yield from _result(found)


def _derivation(told: tuple[Line, ...]) -> Iterator[str]:
    section = ""
    for line in told:
        if line.section != section:
            section = line.section
            yield f"  {section}"
        within = f"{line.within}: " if line.within else ""
        if line.name == "tier":
            yield f"    tier {line.names}: {line.figures}"
            continue
        yield f"    {within}{line.name} = {line.names}"
        result = figure(line.value)
        yield f"        = {line.figures}" + ("" if line.figures == result else f" = {result}")


def _result(found: Explanation) -> Iterator[str]:
    rows = [
        ("equity", found.equity),
        ("initial margin", found.initial_margin),
        ("maintenance margin", found.maintenance_margin),
    ]
    for name, value in rows:
        yield f"{name:19}{'not computed for this model' if value is None else figure(value):>20}"
    ratio = "none: equity is not above zero" if found.margin_ratio is None else f"{found.margin_ratio:.6f}"
    yield f"{'margin ratio':19}{ratio:>20}  maintenance / equity; 1 is liquidation"
    yield f"{found.band}: {found.why}"
    if found.venue_figure is not None and found.venue_figure_name:
        yield f"in the venue's words: {found.venue_figure_name} {figure(found.venue_figure)}"
    for token in found.tokens:
        yield from _token(token)
    for beside in found.beside:
        yield f"the venue says {beside.what} {figure(beside.venues)}: ours is {figure(beside.apart)} apart"


def _token(token: Token) -> Iterator[str]:
    spans = f"its issuer keeps it from {token.lowest:g} to {token.highest:g}"
    if token.leverage is None:
        yield f"{token.symbol}: nothing is left of its fund since it was published"
        return
    yield f"{token.symbol}: effective leverage {token.leverage:.4f}; {spans}"
    if token.fall_percent == token.rise_percent == 0:
        yield "  a rebalance is due"
    else:
        after = [
            f"{move:+.2f} % (leverage {leverage:.4g})"
            for move, leverage in (
                (token.fall_percent, token.leverage_after_fall),
                (token.rise_percent, token.leverage_after_rise),
            )
            if move is not None and leverage is not None
        ]
        yield f"  it leaves that range when its underlying has moved by {' or '.join(after)}"
    if token.decay_percent_a_day is not None:
        yield f"  decay of a day at this variance {token.decay_percent_a_day:+.4f} %"
