"""Where each exchange tells its own ratio. The table names all; what is not in it is UNKNOWN by name."""

from __future__ import annotations

from adapters.ccxt_venue.entry import Entry
from adapters.ccxt_venue.exchanges.binanceusdm import ENTRY as BINANCEUSDM
from adapters.ccxt_venue.exchanges.bitget import ENTRY as BITGET
from adapters.ccxt_venue.exchanges.bybit import ENTRY as BYBIT
from adapters.ccxt_venue.exchanges.deribit import ENTRY as DERIBIT
from adapters.ccxt_venue.exchanges.gate import ENTRY as GATE
from adapters.ccxt_venue.exchanges.htx import ENTRY as HTX
from adapters.ccxt_venue.exchanges.hyperliquid import ENTRY as HYPERLIQUID
from adapters.ccxt_venue.exchanges.krakenfutures import ENTRY as KRAKENFUTURES
from adapters.ccxt_venue.exchanges.kucoinfutures import ENTRY as KUCOINFUTURES
from adapters.ccxt_venue.exchanges.okx import ENTRY as OKX

ENTRIES: dict[str, Entry] = {  # by ccxt's id
    "binanceusdm": BINANCEUSDM,
    "bitget": BITGET,
    "bybit": BYBIT,
    "deribit": DERIBIT,
    "gate": GATE,
    "htx": HTX,
    "hyperliquid": HYPERLIQUID,
    "krakenfutures": KRAKENFUTURES,
    "kucoinfutures": KUCOINFUTURES,
    "okx": OKX,
}
