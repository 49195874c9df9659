"""Bybit v5, unified trading account, as the loopback exchange serves it."""
