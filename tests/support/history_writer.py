"""A process that keeps a history as fast as it can, until it is killed: `python -m ... FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.histories import Kept, a_label


def main() -> None:
    """Says each number after the flush that has it returned."""
    kept = Kept(Path(sys.argv[1]), [a_label(f"bybit/a{number}/unified") for number in range(200)])
    number = 0
    while True:
        number += 1
        kept.saw(equity=1000.0 + 5 * number)
        print(number, flush=True)


if __name__ == "__main__":
    main()
