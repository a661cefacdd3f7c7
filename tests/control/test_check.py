"""`check` says beforehand what a start would do; for paper without any network."""

import re
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bots.dip_buyer import Conf
from lib.control.exits import Exit
from lib.orders import OrderState
from tests.control.folder import DIPS, ROOT, command, conf_file, folder, generation, order, parked

UNCHANGED = Conf.model_validate(DIPS).model_dump(mode="json")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nothing reach a network, and no .env be found."""

    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("check asked a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_TEST"):
        monkeypatch.delenv(name, raising=False)


def checked(tmp_path: Path, exit_code: Exit, *words: str) -> str:
    result = command(tmp_path, *words, "check")
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.mark.slow
def test_the_sample_is_fine_and_each_bot_says_its_plan(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text((ROOT / "conf.json").read_text())

    text = checked(tmp_path, Exit.FINE)

    assert "venue paper: no real money" in text
    assert "bitcoin_dips: Buys 0.01 of BTCUSDT" in text
    assert "new: it begins with the next start" in text
    assert not (tmp_path / "ctx").exists()


@pytest.mark.slow
def test_a_changed_parameter_is_named_and_counts_from_the_next_lap(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa={"function": "dip_buyer", **DIPS, "dip": "0.05"})
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), conf=UNCHANGED))

    text = checked(tmp_path, Exit.FINE)

    assert 'changed: dip: "0.02" → "0.05"' in text
    assert "counts from the next lap" in text


@pytest.mark.slow
def test_a_section_as_it_was_says_nothing_of_changes(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), conf=UNCHANGED))

    assert "changed" not in checked(tmp_path, Exit.FINE)


@pytest.mark.slow
def test_a_symbol_may_not_change_under_an_open_order(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa={"function": "dip_buyer", **DIPS, "symbol": "ETHUSDT", "quantity": 1})
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), conf=UNCHANGED))

    assert "its symbol may not change" in checked(tmp_path, Exit.NOTHING_STARTS)


@pytest.mark.slow
def test_one_wrong_section_holds_back_its_bot_alone(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa={"function": "dip_buyer", **DIPS}, bart={"function": "dip_buyer"})

    text = checked(tmp_path, Exit.ATTENTION)

    assert re.search(r"bart\n +does not run: .*conf\.json:1:\d+: ", text)
    assert "lisa: Buys 0.01 of BTCUSDT" in text


@pytest.mark.slow
def test_where_every_bot_is_held_back_nothing_would_start(tmp_path: Path) -> None:
    conf_file(tmp_path, bart={"function": "dip_buyer"})

    checked(tmp_path, Exit.NOTHING_STARTS)


def test_every_mistake_of_the_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text('{"pol": 1, "on_doubt": "hope", "bots": [{"a": {}}]}')

    text = checked(tmp_path, Exit.NOTHING_STARTS)

    assert "did you mean" in text
    assert "on_doubt" in text
    assert "bots[0].a" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"symbol": "DOGEUSDT"}, "the venue does not trade DOGEUSDT"),
        ({"quantity": "0.00000001"}, "BTCUSDT: "),
        ({"quantity": "0.00002"}, "BTCUSDT: "),
    ],
)
def test_what_the_exchange_would_refuse_is_found_beforehand(
    tmp_path: Path, section: dict[str, str], complaint: str
) -> None:
    conf_file(tmp_path, lisa={"function": "dip_buyer", **DIPS, **section})

    assert f"does not run: {complaint}" in checked(tmp_path, Exit.NOTHING_STARTS)


@pytest.mark.slow
def test_a_rule_broken_inside_a_soak_test_is_found_too(tmp_path: Path) -> None:
    inner = {**DIPS, "quantity": "0.00000001"}
    conf_file(tmp_path, soak={"function": "infinite", "bot": "dip_buyer", "conf": inner})

    assert "does not run: BTCUSDT: " in checked(tmp_path, Exit.NOTHING_STARTS)


@pytest.mark.slow
def test_parked_corrupt_and_foreign_contexts_hold_their_bots_back(tmp_path: Path) -> None:
    sections = {name: {"function": "dip_buyer", **DIPS} for name in ("a", "b", "c", "d")}
    conf_file(tmp_path, **sections)
    ctx = folder(tmp_path, generation("a", parked=parked("Halt")), generation("b", venue="live"))
    (ctx / "c.json").write_bytes(b"rubbish")

    text = checked(tmp_path, Exit.ATTENTION)

    assert "`release a` lets it go on" in text
    assert "belongs to venue live, not to paper" in text
    assert "CorruptContext" in text


@pytest.mark.slow
def test_a_removed_bot_is_named_with_the_orders_it_leaves(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation("bart", order(OrderState.OPEN)), generation("homer"))

    text = checked(tmp_path, Exit.ATTENTION)

    assert "it leaves BUY 0.01 BTCUSDT at 60000" in text
    assert "homer: it is not in conf.json" in text


@pytest.mark.slow
def test_a_finished_bot_says_how_it_begins_anew(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation(finished=True, conf=UNCHANGED))

    assert "`afresh` lets it begin anew" in checked(tmp_path, Exit.FINE)


def keys(tmp_path: Path, test: str) -> None:
    env = tmp_path / ".env"
    env.write_text(f"BINANCE_API_KEY=abc\nBINANCE_API_SECRET=def\nBINANCE_API_TEST={test}\n")
    env.chmod(0o600)


def test_the_sample_as_shipped_never_goes_live(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text((ROOT / "conf.json").read_text())
    keys(tmp_path, "false")

    assert "the sample as it was shipped" in checked(tmp_path, Exit.NOTHING_STARTS)


def test_keys_that_do_not_say_what_for_start_nothing(tmp_path: Path) -> None:
    conf_file(tmp_path)
    keys(tmp_path, "")

    assert "BINANCE_API_TEST" in checked(tmp_path, Exit.NOTHING_STARTS)


@pytest.mark.parametrize("venue", ["backtest", "mars", "live", "http://api.binance.com"])
def test_a_venue_that_cannot_be_is_a_sentence(tmp_path: Path, venue: str) -> None:
    conf_file(tmp_path)

    text = checked(tmp_path, Exit.NOTHING_STARTS, "--venue", venue)

    assert "Traceback" not in text


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa={"function": "sesame-open-now"})
    env = tmp_path / ".env"
    env.write_text("BINANCE_API_KEY=k-e-y-1-2-3\nBINANCE_API_SECRET=sesame-open-now\n")
    env.chmod(0o600)

    assert "sesame" not in checked(tmp_path, Exit.NOTHING_STARTS)
