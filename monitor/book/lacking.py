"""Why a pool by itself can't be assessed: what its model reads, and nobody told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.book.definitions import Definitions
from monitor.book.placed import NO_POOL
from monitor.domain.assessment import Reason
from monitor.domain.event import PoolFact, PositionFact
from monitor.margin.models import MODELS, Needs


class Lacking(NamedTuple):
    """A Reason, and what is missing in words; 0 and nothing where nothing is."""

    reasons: int = 0
    words: str = ""


def lacking(
    fact: PoolFact, positions: Sequence[PositionFact], models: Sequence[str], definitions: Definitions
) -> Lacking:
    """The first thing that keeps this pool from being assessed."""
    if fact is NO_POOL:
        return Lacking(int(Reason.PARTIAL), "no snapshot has named this pool yet")
    if fact.model not in models:
        return Lacking(int(Reason.UNSUPPORTED), f"margin model {fact.model} is not supported")
    unknown = {leg.instrument for leg in positions} - definitions.instruments.keys()
    if unknown:
        return Lacking(int(Reason.PARTIAL), f"instrument not defined: {', '.join(sorted(unknown))}")
    needs = MODELS[fact.model].needs
    for leg in sorted(positions, key=lambda leg: leg.instrument):
        found = _of_leg(leg, fact.model, needs, definitions)
        if found.reasons:
            return found
    return Lacking()


def _of_leg(leg: PositionFact, model: str, needs: Needs, definitions: Definitions) -> Lacking:
    definition, name = definitions.instruments[leg.instrument], leg.instrument
    if definition.option is not None and Needs.OPTION not in needs:
        return Lacking(int(Reason.UNSUPPORTED), f"an option, of which {model} knows nothing: {name}")
    if definition.option is not None and Needs.INDEX_OF_OPTIONS in needs and not definition.index:
        return Lacking(int(Reason.PARTIAL), f"index price not told: {name}")
    if definition.option is None and leg.leverage is None and Needs.LEVERAGE in needs:
        return Lacking(int(Reason.PARTIAL), f"leverage not told: {name}")
    if Needs.UNIT in needs and not definition.unit:
        return Lacking(int(Reason.UNSUPPORTED), f"in no risk unit whose parameters are published: {name}")
    return Lacking()
