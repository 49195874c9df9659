"""Hyperliquid perpetuals as the loopback exchange serves them."""
