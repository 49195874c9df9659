"""An exchange for tests and the demo: venues' own REST and websocket formats on real sockets of 127.0.0.1."""

from __future__ import annotations

from adapters.loopback.faults import Faults as Faults
from adapters.loopback.holdings import Account as Account
from adapters.loopback.holdings import Cause as Cause
from adapters.loopback.server import LoopbackExchange as LoopbackExchange
from adapters.loopback.server import standard_world as standard_world
from adapters.loopback.world import World as World
