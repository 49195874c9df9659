"""The assessment of a book file as a table for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.bookfile.document import Coming, Document, Pool, Position

LEFT = ("POOL", "MODEL", "BAND", "UNIT", "VENUE'S FIGURE")
POOL_HEADINGS = (
    "POOL",
    "MODEL",
    "BAND",
    "RATIO",
    "EQUITY",
    "INITIAL",
    "MAINTENANCE",
    "UNIT",
    "DISTANCE",
    "MARKET",
    "VENUE'S FIGURE",
)
LEG_HEADINGS = (
    "SYMBOL",
    "QUANTITY",
    "MARK",
    "MAINTENANCE",
    "PROFIT",
    "LIQUIDATION",
    "DISTANCE",
    "BANKRUPTCY",
)


def lines(document: Document) -> Iterator[str]:
    """One table of all pools, then the positions of each, and what brings it to the target."""
    yield f"as of {document.as_of:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    yield from _table(POOL_HEADINGS, [_pool_cells(pool) for pool in document.pools])
    for pool in document.pools:
        if pool.positions:
            yield ""
            yield f"{pool.pool} ({pool.model})"
            yield from _table(LEG_HEADINGS, [_leg_cells(held) for held in pool.positions])
        for event in pool.coming:
            before, after = (_ratio(ratio) for ratio in (event.ratio_before, event.ratio_after))
            yield f"  {event.at:%Y-%m-%d %H:%M} UTC {event.kind}: ratio {before} to {after}, " + _flow(event)
        for option in pool.rescue:
            amount = number(option.amount)
            yield f"  {option.action} {amount} {option.target}: ratio {option.ratio_after:.4f}"


def number(value: float | None) -> str:
    """Readable at any size: two decimals for money, six digits for what is small."""
    if value is None:
        return "-"
    return f"{value:,.2f}" if abs(value) >= 100 or value == 0 else f"{value:,.6g}"


def _flow(event: Coming) -> str:
    who = ", ".join(event.symbols)
    return f"{'receives' if event.received >= 0 else 'pays'} {number(abs(event.received))} ({who})"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _pool_cells(pool: Pool) -> list[str]:
    market = [f"{move:+.2f} %" for move in (pool.market_lower_percent, pool.market_upper_percent) if move]
    return [
        pool.pool,
        pool.model,
        pool.band + (" (deficit)" if pool.deficit else ""),
        _ratio(pool.margin_ratio),
        number(pool.equity),
        number(pool.initial_margin),
        number(pool.maintenance_margin),
        pool.unit,
        _percent(pool.distance_percent),
        " ".join(market) or "-",
        f"{pool.venue_figure_name} {number(pool.venue_figure)}" if pool.venue_figure_name else "-",
    ]


def _leg_cells(held: Position) -> list[str]:
    return [
        f"{held.symbol}/{held.side}" if held.side else held.symbol,
        number(held.quantity),
        number(held.mark),
        number(held.maintenance_margin),
        number(held.unrealised_profit),
        number(held.liquidation_price),
        _percent(held.distance_percent),
        number(held.bankruptcy_price),
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} %"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = (
            cell.ljust(width) if heading in LEFT or heading == "SYMBOL" else cell.rjust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        )
        yield "  ".join(cells).rstrip()
