"""The conf that the page of back-tests tries the sample bots with."""

from pathlib import Path

from lib.conf import read_conf

ROOT = Path(__file__).parents[2]


def test_the_conf_of_the_page_has_the_bots_of_the_sample_and_is_whole() -> None:
    sample, ours = (read_conf(ROOT / name) for name in ("conf.json", "docs/backtest_conf.json"))

    assert not ours.held_back
    assert [(bot.name, bot.module, bot.conf.symbols) for bot in ours.bots] == [
        (bot.name, bot.module, bot.conf.symbols) for bot in sample.bots
    ]
