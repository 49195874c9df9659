"""What must hold of [[transfers]]: both ends are accounts of one desk, and no way is there twice."""

from __future__ import annotations

from monitor.config import Account
from monitor.config_check import Entry, Known, check_account, id_of
from monitor.config_problem import Findings, key_at, shown
from monitor.config_read import Rule
from monitor.config_rules import is_name, within
from monitor.config_transfers import Transfer

LONGEST_S = 7 * 86_400
TRANSFER_RULES: dict[tuple[type, str], Rule] = {
    (Transfer, "asset"): is_name,
    (Transfer, "takes_s"): within(1, LONGEST_S, "seconds"),
    (Transfer, "cost"): within(0, 1e6),
}


def check_transfers(
    entries: list[Entry[Transfer]], accounts: list[Entry[Account]], known: Known, findings: Findings
) -> None:
    """Each way leads from one account to another of the same desk."""
    desks = {id_of(entry.value): entry.value.desk for entry in accounts if entry.value is not None}
    seen: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        for key in ("from", "to"):
            check_account(entry.table.get(key), key_at(entry.place, key), known, findings)
        way = entry.value
        if way is None:
            continue
        ends = (way.from_account, way.to_account)
        if ends[0] == ends[1]:
            findings.problem(key_at(entry.place, "to"), "is where it comes from: name another account")
        elif len({desks[end] for end in ends if end in desks}) > 1:  # type: ignore[index]
            text = f"is of another desk than {shown(ends[0])}: a desk moves only its own collateral"
            findings.problem(key_at(entry.place, "to"), text)
        way_key = (*ends, way.asset)
        if way_key in seen:
            findings.problem(entry.place, f"is the same way as {seen[way_key]}: keep one of the two")
        seen.setdefault(way_key, entry.place)
