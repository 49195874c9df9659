"""Binance USD-M futures as the loopback exchange serves them."""
