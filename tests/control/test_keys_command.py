"""`keys` asks without showing, tries what it was told, and writes a file nobody else can read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.control.env_file import with_values, write_env_file
from lib.control.exits import Exit
from lib.credentials import read_credentials
from tests.control.folder import command
from tests.control.simulated import LOOKS, SECRET, TRADES, Simulated, simulated


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("exchange")) as found:
        yield found


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("BINANCE_", "TELEGRAM_")):
            monkeypatch.delenv(name)


@pytest.mark.slow
def test_a_key_that_trades_is_written_for_its_owner_alone_and_never_shown(
    tmp_path: Path, exchange: Simulated
) -> None:
    answered = f"{TRADES}\n{SECRET}\n"

    result = command(tmp_path, "keys", "--venue", exchange.address, answer=answered)

    assert result.exit_code == Exit.FINE, result.output
    assert TRADES not in result.output
    assert SECRET not in result.output
    env = tmp_path / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    found = read_credentials(env, environ={})
    assert found.api_key is not None
    assert found.api_secret is not None
    assert (found.api_key.reveal(), found.api_secret.reveal()) == (TRADES, SECRET)
    assert found.test == "true"


@pytest.mark.slow
@pytest.mark.parametrize("key", [LOOKS, "unknown"])
def test_a_key_that_cannot_trade_is_not_written(
    tmp_path: Path, exchange: Simulated, key: str
) -> None:
    result = command(tmp_path, "keys", "--venue", exchange.address, answer=f"{key}\n{SECRET}\n")

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "stays as it was" in result.output
    assert SECRET not in result.output
    assert list(tmp_path.glob(".env*")) == []


def test_a_key_with_a_space_in_it_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    result = command(tmp_path, "keys", "--venue", "testnet", answer="a key\nsecret\n")

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "a letter that no key has" in result.output
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(("answer", "test"), [("y", "false"), ("n", "true"), ("", "true")])
def test_real_money_is_meant_only_by_a_yes(tmp_path: Path, answer: str, test: str) -> None:
    result = command(tmp_path, "keys", "--untried", answer=f"k\ns\n{answer}\n")

    assert result.exit_code == Exit.FINE, result.output
    assert read_credentials(tmp_path / ".env", environ={}).test == test


def test_other_lines_stay_and_old_values_go_even_if_written_twice_or_in_files() -> None:
    old = "# mine\nTELEGRAM_TOKEN=t\nBINANCE_API_KEY=old\n"
    old += "BINANCE_API_KEY_FILE=/k\nBINANCE_API_KEY=x\n"

    text = with_values(old, {"BINANCE_API_KEY": "new", "BINANCE_API_TEST": "true"})

    assert text == "# mine\nTELEGRAM_TOKEN=t\nBINANCE_API_KEY=new\nBINANCE_API_TEST=true\n"


@pytest.mark.parametrize("value", ["a#b", "a$b", 'a"b', "plain", "a=b/c+d"])
def test_what_is_written_is_what_is_read(tmp_path: Path, value: str) -> None:
    env = tmp_path / ".env"

    write_env_file(env, with_values("", {"BINANCE_API_KEY": value, "BINANCE_API_SECRET": "s"}))

    found = read_credentials(env, environ={}).api_key
    assert found is not None
    assert found.reveal() == value


def test_a_file_that_others_could_read_is_closed_to_them_by_the_writing(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("old")
    env.chmod(0o644)

    write_env_file(env, "new\n")

    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert env.read_text() == "new\n"


def test_a_link_still_leads_to_the_file_that_was_written(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    kept, env = tmp_path / "kept/secrets", tmp_path / ".env"
    kept.write_text("old\n")
    env.symlink_to(kept)

    write_env_file(env, "new\n")

    assert env.is_symlink()
    assert kept.read_text() == "new\n"


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_writing_that_fails_leaves_the_old_file_and_no_secret_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    env = tmp_path / ".env"
    env.write_text("old\n")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", lambda *_: fail(0))
    with pytest.raises(OSError, match="No space"):
        write_env_file(env, "new\n")

    assert env.read_text() == "old\n"
    assert [path.name for path in tmp_path.glob(".env*")] == [".env"]
