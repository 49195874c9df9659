"""The report of `margind tune`: one HTML file that asks nothing of anybody, and the same as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import msgspec

from monitor.alerts_command import moment
from monitor.config import RATIO_LEVELS, Levels, Threshold
from monitor.tune.candidates import IN_FORCE
from monitor.tune.outcome import Outcome
from monitor.tune.study import Study

SCHEMA = 1
STYLE = """
body{font:15px/1.5 system-ui,'DejaVu Sans',sans-serif;color:#111827;max-width:72rem;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.2rem 0 .4rem}p{margin:.4rem 0}
.take{border-left:4px solid #0f766e;background:#f0fdfa;padding:.6rem 1rem}
.doubt{border-left:4px solid #c2410c;background:#fff7ed;padding:.4rem 1rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr))}.pair svg{width:100%;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #e5e7eb;font-weight:normal}
th{color:#6b7280}td:first-child,th:first-child{text-align:left}
tr.chosen{background:#ccfbf1}tr.force{background:#ffedd5}pre{background:#f3f4f6;padding:.6rem 1rem}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(study: Study) -> str:
    """The page."""
    from monitor.tune.pictures import lead_times, trade_off  # matplotlib takes half a second

    pictures = f'<div class="pair">{trade_off(study)}{lead_times(study)}</div>' if study.outcomes else ""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>margind tune</title>",
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style>',
        "<h1>Thresholds, judged by the history</h1>",
        *(f"<p>{escape(line)}</p>" for line in summary(study)),
        f'<p class="take"><b>{escape(headline(study))}</b><br>{escape(sentence(study))}</p>',
        *(f'<p class="doubt">{escape(doubt)}</p>' for doubt in study.doubts),
        pictures,
        "<h2>Every set</h2>",
        _table(study),
        _breaches(study),
        _written(study),
    ]
    return "\n".join(part for part in parts if part)


def summary(study: Study) -> list[str]:
    """What was looked at, in sentences."""
    span, agreed = study.span, study.agreement
    hours = span.watched_ns * study.pace / 3.6e12
    found, wanted = f"{study.pools} pools, {study.evaluations:,} evaluations", study.wanted
    breaches = f"{len(study.breaches)} breaches (liquidation reached)"
    times = f"{moment(span.from_ns)} to {moment(span.to_ns)}"
    agree = f"{agreed.found} of the {agreed.told} margin pages of then within five seconds"
    lines = [
        f"{times}: {found}, {hours:.3g} hours of the market, {breaches}.",
        f"A warning is missed where no page stood {wanted.lead_minutes:g} minutes before a breach.",
        f"A page is a margin's at {wanted.level.label} or worse. In it nobody silences or acknowledges.",
        f"At what is in force the replay tells {agree}, and {agreed.more} others.",
    ]
    if study.pace != 1:
        lines.append(f"Prices went {study.pace:g} times as fast as a clock: minutes and days are theirs.")
    return lines


def headline(study: Study) -> str:
    """Which set to take."""
    name = study.choice.name
    if name is None:
        return "No recommendation"
    return "Stay with what is in force" if name == IN_FORCE else f"Recommended: {name}"


def sentence(study: Study) -> str:
    """Why, with what is in force beside it."""
    chosen, force = study.outcome(study.choice.name), study.outcome(IN_FORCE)
    text = f"{study.choice.reason[0].upper()}{study.choice.reason[1:]}."
    if chosen is None or force is None or chosen is force:
        return text
    return f"{text} In force: {_words(force)}. Recommended: {_words(chosen)}."


def _words(outcome: Outcome) -> str:
    missed = f"{outcome.missed} of {len(outcome.leads)} warnings missed"
    return f"{outcome.pages} pages, {missed}, shortest lead {minutes(outcome.shortest)}"


def minutes(lead: float | None) -> str:
    """A lead in words."""
    return "none" if lead is None else f"{lead:.1f} min"


def lines(study: Study) -> Iterator[str]:
    """The same as text."""
    yield from summary(study)
    yield from (f"doubt: {doubt}" for doubt in study.doubts)
    width = max(len(outcome.name) for outcome in study.outcomes)
    yield f"{'set':<{width}}  pages  a day    idle   open  missed  shortest    median"
    for outcome in by_pages(study):
        mark = "  <- recommended" if outcome.name == study.choice.name else ""
        figures = (
            f"{outcome.pages:>5}  {outcome.pages_a_day:>6.1f}  {outcome.idle:>5}  {outcome.standing:>5.1f}"
        )
        leads = f"{minutes(outcome.shortest):>8}  {minutes(outcome.median):>8}"
        yield f"{outcome.name:<{width}}  {figures}  {outcome.missed:>6}  {leads}{mark}"
    yield headline(study)
    yield sentence(study)


def by_pages(study: Study) -> list[Outcome]:
    """The quiet ones first."""
    return sorted(study.outcomes, key=lambda each: (each.pages, each.missed, each.name))


def document(study: Study) -> dict[str, Any]:
    """For programs; the shape is kept across releases."""
    return {
        "schema": SCHEMA,
        "from_ns": study.span.from_ns,
        "to_ns": study.span.to_ns,
        "watched_ns": study.span.watched_ns,
        "pace": study.pace,
        "lead_minutes": study.wanted.lead_minutes,
        "level": study.wanted.level.label,
        "pools": study.pools,
        "evaluations": study.evaluations,
        "breaches": [breach._asdict() for breach in study.breaches],
        "sets": [
            {
                **outcome._asdict(),
                "thresholds": [_given(threshold) for threshold in outcome.thresholds],
                "shortest_minutes": outcome.shortest,
                "median_minutes": outcome.median,
            }
            for outcome in study.outcomes
        ],
        "recommended": study.choice.name,
        "reason": study.choice.reason,
        "agreement": study.agreement._asdict(),
        "doubts": study.doubts,
    }


def _given(threshold: Threshold) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(threshold).items() if value is not None}


def _table(study: Study) -> str:
    heads = ("set", "pages", "pages a day", "idle*", "open", "missed", "shortest lead", "median lead")
    rows = [
        f"<tr{_class(study, outcome)}>"
        + "".join(
            f"<td>{escape(cell)}</td>"
            for cell in (
                outcome.name,
                str(outcome.pages),
                f"{outcome.pages_a_day:,.1f}",
                str(outcome.idle),
                f"{outcome.standing:.1f}",
                f"{outcome.missed} of {len(outcome.leads)}",
                minutes(outcome.shortest),
                minutes(outcome.median),
            )
        )
        + "</tr>"
        for outcome in by_pages(study)
    ]
    head = "".join(f"<th>{each}</th>" for each in heads)
    note = "<p>* incidents that no breach followed. Open: incidents on the average.</p>"
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{note}"


def _class(study: Study, outcome: Outcome) -> str:
    if outcome.name == study.choice.name:
        return " class=chosen"
    return " class=force" if outcome.name == IN_FORCE else ""


def _breaches(study: Study) -> str:
    chosen, force = study.outcome(study.choice.name), study.outcome(IN_FORCE)
    if not study.breaches or force is None:
        return ""
    leads = zip(study.breaches, force.leads, (chosen or force).leads, strict=True)
    rows = "".join(
        f"<tr><td>{escape(breach.pool)}</td><td>{moment(breach.at_ns)}</td><td>{minutes(before)}</td>"
        f"<td>{minutes(after)}</td></tr>"
        for breach, before, after in leads
    )
    head = "<tr><th>pool</th><th>liquidation reached</th><th>lead in force</th><th>lead recommended</th></tr>"
    return f"<h2>Every breach</h2><table>{head}{rows}</table>"


def _written(study: Study) -> str:
    chosen = study.outcome(study.choice.name)
    if chosen is None or chosen.name == IN_FORCE:
        return ""
    text = "\n\n".join(toml(threshold) for threshold in chosen.thresholds)
    return f"<h2>The recommended set, for the config</h2><pre>{escape(text)}</pre>"


def toml(threshold: Threshold) -> str:
    """An entry as the config writes it. Names of pools hold nothing that TOML would have to escape."""
    found = ["[[thresholds]]"]
    for key in ("pool", "account", "desk", "model"):
        value = getattr(threshold, key)
        if value is not None:
            found.append(f'{key} = "{value}"')
    for key in ("ratio", "distance"):
        levels: Levels | None = getattr(threshold, key)
        if levels is not None:
            inner = ", ".join(f"{name} = {getattr(levels, name):g}" for name in RATIO_LEVELS)
            found.append(f"{key} = {{ {inner} }}")
    if threshold.hysteresis is not None:
        found.append(f"hysteresis = {threshold.hysteresis:g}")
    return "\n".join(found)
