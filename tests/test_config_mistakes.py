"""Each mistake is refused with the key that is wrong and with what would be right, all of them at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Template
from typing import NamedTuple

import pytest

from monitor.config_load import load
from monitor.config_problem import ConfigError
from tests.support.configs import ADDRESS, CANARY, RIGHT, changed, loaded, refusal

PRIVATE_KEY = "c0ffee" * 10 + "beef"
ALPHA, BETA = 'accounts[0] (name "alpha")', 'accounts[1] (name "beta")'
SCREEN = 'receivers[1] (name "screen")'
TABLE = Path(__file__).parent / "golden" / "config_mistakes.toml"
VALUES = {
    "RIGHT": RIGHT,
    "ADDRESS": ADDRESS,
    "BARE_ADDRESS": ADDRESS[2:],
    "PRIVATE_KEY": PRIVATE_KEY,
    "CANARY": CANARY,
}


class Mistake(NamedTuple):
    """What is written in place of what, and how the refusal begins and what it advises."""

    name: str
    old: str
    new: str
    place: str
    advice: str


MISTAKES = [
    Mistake(**{key: Template(text).safe_substitute(VALUES) for key, text in table.items()})
    for table in tomllib.loads(TABLE.read_text(encoding="utf-8"))["mistakes"]
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_names_its_key_and_what_would_be_right(tmp_path: Path, mistake: Mistake) -> None:
    """The refusal has a line for the key that was changed, with the advice, and shows no secret."""
    lines = refusal(tmp_path, changed(mistake.old, mistake.new))
    at_place = [line for line in lines if line.startswith(f"{mistake.place}: ")]
    assert at_place, lines
    assert any(mistake.advice in line for line in at_place), at_place
    assert not any("\n" in line for line in lines)
    assert CANARY not in str(lines)
    assert PRIVATE_KEY not in str(lines)


def test_the_config_that_the_mistakes_start_from_is_right(tmp_path: Path) -> None:
    """Without a mistake there is no refusal, so each refusal above is of its mistake."""
    assert refusal(tmp_path, RIGHT) == ()


@pytest.mark.parametrize("section", ["accounts", "receivers"])
def test_an_empty_list_is_refused_unless_it_is_meant(tmp_path: Path, section: str) -> None:
    """No account, or nobody who is told, is a mistake; --allow-empty says that it is none."""
    bare = {
        "accounts": RIGHT[RIGHT.index("[[receivers]]") :],
        "receivers": RIGHT[: RIGHT.index("[[receivers]]")],
    }
    text = bare[section] if section == "receivers" else "schema = 1\n" + bare[section]
    assert [line for line in refusal(tmp_path, text) if line.startswith(f"{section}: there is none")]
    assert getattr(loaded(tmp_path, text, allow_empty=True), section) == ()


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Five mistakes in five places are five lines, so that one round of repairs is enough."""
    text = changed("warning = 0.5", "warning = 50")
    for old, new in (
        ('desk = "majors"', 'desk = "majors"\nlabel = 1'),
        ('"hyperliquid"', '"hyperlquid"'),
        ('key_file = "key"', 'key_file = "nowhere"'),
        ('kind = "terminal"', 'kind = "screen"'),
    ):
        text = changed(old, new, text)
    places = [line.split(": ")[0] for line in refusal(tmp_path, text)]
    assert sorted(places) == sorted(
        [
            f"{ALPHA}.label",
            f"{ALPHA}.credentials.key_file",
            f"{BETA}.venue",
            "thresholds[0].ratio.warning",
            f"{SCREEN}.kind",
        ]
    )


def test_the_same_key_twice_is_the_same_account_twice(tmp_path: Path) -> None:
    """Two names for one key would page twice; a subaccount of its own makes it another account."""
    second = (
        '[[accounts]]\nname = "gamma"\nvenue = "binance_usdm"\ndesk = "alts"\n'
        'credentials = { key_env = "ALPHA_SECRET", secret_file = "key" }\n\n[[thresholds]]'
    )
    lines = refusal(tmp_path, changed("[[thresholds]]", second))
    assert len(lines) == 1
    assert lines[0].startswith(f'accounts[2] (name "gamma"): reads the same account as {ALPHA}')
    with_subaccount = changed("[[thresholds]]", second.replace('"alts"\n', '"alts"\nsubaccount = "hedge"\n'))
    assert refusal(tmp_path, with_subaccount) == ()


def test_the_same_address_in_other_letters_is_the_same_account(tmp_path: Path) -> None:
    """Addresses do not tell capital letters from small ones."""
    second = (
        '[[accounts]]\nname = "gamma"\nvenue = "hyperliquid"\ndesk = "alts"\n'
        f'address = "0x{ADDRESS[2:].upper()}"\n\n'
    )
    lines = refusal(tmp_path, changed("[[thresholds]]", second + "[[thresholds]]"))
    assert [line for line in lines if line.startswith('accounts[2] (name "gamma"): reads the same account')]


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    """A slip of the pen is found by line and column."""
    assert "at line 12" in refusal(tmp_path, changed("[[accounts]]", "[[accounts]"))[0]


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """No traceback and no guess: the name, and why."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "nowhere.toml")
    assert refused.value.lines() == (
        f"{tmp_path / 'nowhere.toml'}: can't read it: No such file or directory",
    )
