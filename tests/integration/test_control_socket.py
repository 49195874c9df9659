"""The control socket of a whole daemon: what it explains and exports is what it assesses."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.control_client import NAME, NobodyAnswers, NotKnown, ask
from monitor.explain.document import Explanation
from tests.support.fault_stage import VENUES, stage

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


async def test_a_running_daemon_explains_and_exports_its_pools(tmp_path: Path) -> None:
    """Every pool of three venues: the explanation's figures are the daemon's, and the exported book,
    assessed at a desk, has the same ratio."""
    async with stage(tmp_path, *VENUES) as on:
        data_dir = Path(on.running.daemon.config.daemon.data_dir)
        assert stat.S_IMODE((data_dir / NAME).stat().st_mode) == 0o600
        names: list[str] = msgspec.json.decode(await ask(data_dir, "/pools"))
        assert set(names) == set(on.running.watcher.bands)
        for name in names:
            told = msgspec.json.decode(await ask(data_dir, f"/pools/{name}/explain"), type=Explanation)
            assert (told.pool, told.band) == (name, "clear")
            assert told.lines
            path = tmp_path / "exported.json"
            path.write_bytes(await ask(data_dir, f"/pools/{name}/book"))
            ((assessed,),) = (book.pools for book in assess_files([path], USUAL))
            # Marks wobble between the two questions.
            assert assessed.margin_ratio == pytest.approx(told.margin_ratio, rel=0.05)
        with pytest.raises(NotKnown):
            await ask(data_dir, "/pools/binance_usdm/nobody/cross/explain")
    assert not (data_dir / NAME).exists()
    with pytest.raises(NobodyAnswers):
        await ask(data_dir, "/pools")
