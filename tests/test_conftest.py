"""What conftest.py promises to every other test."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.conftest import pytest_terminal_summary
from tests.support.compiled_code import sources_hash

PHASES = ("setup", "call", "teardown")


def test_an_edit_of_a_formula_moves_the_compiled_code(tmp_path: Path) -> None:
    """The folder of compiled code is another one after any edit, new file or new name."""
    source = tmp_path / "margin" / "tiered.py"
    source.parent.mkdir()
    seen = {sources_hash(tmp_path, ("margin",))}
    for text in ("a = 1\n", "a = 2\n"):
        source.write_text(text)
        seen.add(sources_hash(tmp_path, ("margin",)))
    source.rename(source.with_name("tiers.py"))
    seen.add(sources_hash(tmp_path, ("margin",)))
    assert len(seen) == 4


def test_compiled_code_has_a_folder_of_its_own() -> None:
    """numba is told where to keep compiled code before a test can import it."""
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_dir()


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_only_loopback_is_reached() -> None:
    """An address that is not on the list, even one of this machine, is refused before a packet leaves."""
    with socket.socket() as outgoing, pytest.raises(SocketConnectBlockedError):
        outgoing.connect(("127.0.0.2", 9))


def test_loopback_is_reached() -> None:
    """Sockets on 127.0.0.1 are real."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        accepted.close()


def test_what_a_test_has_to_say_is_printed_after_the_run(
    report: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    """Once, whoever ran it: workers hand their reports on, and print nothing themselves."""
    report("so it is")
    told = [SimpleNamespace(when=when, user_properties=request.node.user_properties) for when in PHASES]
    printed: list[str] = []
    terminal = SimpleNamespace(stats={"passed": told, "warnings": ["x"]}, write_line=printed.append)
    pytest_terminal_summary(terminal)  # type: ignore[arg-type]
    assert printed == ["so it is"]
    request.node.user_properties.clear()
