"""A view as the records that readers of Redis get, in the order of danger."""

from __future__ import annotations

import msgspec
import numpy as np

from monitor.domain.turn import BookView
from monitor.sinks.danger import danger_key
from monitor.sinks.state_record import StateRecord, encode_rows

_decoder = msgspec.json.Decoder(StateRecord)


def records_of(view: BookView) -> list[StateRecord]:
    """Every pool, the most dangerous first."""
    rows = np.arange(len(view.pools))
    return sorted((_decoder.decode(blob) for blob in encode_rows(view, rows)), key=danger_key)
