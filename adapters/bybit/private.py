"""Bybit's private messages as events: what one message changes is one delta."""

from __future__ import annotations

import msgspec

from adapters.bybit.codec import MILLISECOND_NS, VENUE
from adapters.bybit.frames import Other, Position, PositionMessage, WalletMessage
from adapters.bybit.state import (
    Terms,
    isolated_balance,
    position_fact,
    unsupported,
)
from adapters.bybit.wallet import wallet_balances, wallet_prices
from adapters.numbers import BadNumber, fact
from adapters.venue import BadFrame, Decoded, Ignored
from monitor.domain.assessment import Reason
from monitor.domain.event import AccountDelta, AccountRefused, StreamAlive, StreamGap
from monitor.domain.identity import AccountId, BadName, checked_part

IGNORED_TOPICS = frozenset({"order", "execution", "greeks", "dcp"})
ALIVE = frozenset({"ping", "pong", "auth", "subscribe"})


class BybitPrivateCodec:
    """Decodes `/v5/private` of one account."""

    def __init__(self, account: AccountId, terms: Terms) -> None:
        self._account = account
        self._terms = terms
        self._other = msgspec.json.Decoder(Other)
        self._wallet = msgspec.json.Decoder(WalletMessage)
        self._position = msgspec.json.Decoder(PositionMessage)

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        try:
            other = self._other.decode(frame)
            topic = other.topic.split(".", 1)[0]
            if topic == "wallet":
                return self._wallets(self._wallet.decode(frame), received_ns)
            if topic == "position":
                return self._positions(self._position.decode(frame), received_ns)
        except (msgspec.DecodeError, UnicodeError):
            return BadFrame("shape")
        except BadNumber as fault:
            return BadFrame(str(fault))
        except BadName:
            return BadFrame("impossible name")
        if topic:
            return Ignored(topic) if topic in IGNORED_TOPICS else BadFrame("unknown topic")
        return self._answer(other, received_ns)

    def _answer(self, other: Other, received_ns: int) -> Decoded:
        if other.op not in ALIVE:
            return BadFrame("unknown message")
        if other.success is False:
            # Without it this connection tells nothing; a key that is no longer good shows at the snapshot.
            detail = f"the venue refused the private stream's {other.op}"
            return [StreamGap(VENUE, self._account, detail, received_ns)]
        return [StreamAlive(self._account, received_ns)]

    def _wallets(self, message: WalletMessage, received_ns: int) -> Decoded:
        wallets = [wallet for wallet in message.data if wallet.accountType == "UNIFIED"]
        if not wallets:
            return Ignored("wallet of another account type")
        venue_ns = message.creationTime * MILLISECOND_NS
        balances = [fact for wallet in wallets for fact in wallet_balances(wallet, self._terms)]
        delta = AccountDelta(self._account, tuple(balances), (), venue_ns, received_ns, "wallet")
        if self._terms.is_isolated:
            return [delta]
        return [delta, *(p for wallet in wallets for p in wallet_prices(wallet, venue_ns, received_ns))]

    def _positions(self, message: PositionMessage, received_ns: int) -> Decoded:
        for position in message.data:
            if position.category != "linear" and fact(position.size):
                why = unsupported(position.category, checked_part(position.symbol))
                return [AccountRefused(self._account, Reason.UNSUPPORTED, why, received_ns)]
        linear = [position for position in message.data if position.category == "linear"]
        if not linear:
            return Ignored("empty position of another category")
        delta = AccountDelta(
            self._account,
            tuple(isolated_balance(p, self._terms) for p in linear) if self._terms.is_isolated else (),
            tuple(position_fact(p, self._terms) for p in linear),
            message.creationTime * MILLISECOND_NS,
            received_ns,
            _cause(linear),
        )
        return [delta]


def _cause(positions: list[Position]) -> str:
    """ADL and liquidation in the venue's word; a position that is normal changed by an order."""
    told = {p.positionStatus.upper() for p in positions} - {"", "NORMAL"}
    return ", ".join(sorted(told)) if told else "position"
