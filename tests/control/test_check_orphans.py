"""`check` names the open orders of this installation that no context knows."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

import lib.control.check
from lib.control.exits import Exit
from lib.control.rulebook import Rulebook
from lib.credentials import Credentials
from lib.exchange import AccountState, OrderRecord, OrderStatus
from lib.ids import make_id
from lib.money import SymbolRules
from lib.orders import OrderState
from lib.ownership.orphans import OPEN_FOR_MS
from tests.control.folder import BIRTH, TAG, command, conf_file, folder, generation, order

NOW = BIRTH + 86_400_000
OLD = NOW - OPEN_FOR_MS - 1


def own(bot: str = "gone", *, birth: int = 5, counter: int = 3, place: str = TAG) -> str:
    return make_id(installation=place, bot=bot, birth=birth, counter=counter, leg="a")


def resting(client_order_id: str, created_at: int = OLD) -> OrderRecord:
    return OrderRecord(
        symbol="BTCUSDT",
        order_id=17,
        client_order_id=client_order_id,
        side="BUY",
        type="LIMIT",
        status=OrderStatus.NEW,
        quantity=Decimal("0.01"),
        created_at=created_at,
    )


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_TEST"):
        monkeypatch.delenv(name, raising=False)
    env = tmp_path / ".env"
    env.write_text("BINANCE_API_KEY=abc\nBINANCE_API_SECRET=def\nBINANCE_API_TEST=true\n")
    env.chmod(0o600)


def checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *shown: OrderRecord, exit_code: Exit
) -> str:
    """Run `check` on an account that has these orders open."""

    def read(venue: str, credentials: Credentials, symbols: Iterable[str]) -> Rulebook:
        rules = {"BTCUSDT": SymbolRules("BTCUSDT", "BTC", "USDT")}
        account = AccountState({}, NOW, "7")
        return Rulebook(rules, {"BTCUSDT": Decimal(60_000)}, account, shown, NOW)

    monkeypatch.setattr(lib.control.check, "read_rulebook", read)
    result = command(tmp_path, "check")
    assert result.exit_code == exit_code, result.output
    return result.output


def test_an_order_that_no_context_knows_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf_file(tmp_path)
    folder(tmp_path)

    text = checked(tmp_path, monkeypatch, resting(own()), exit_code=Exit.ATTENTION)

    assert f"open order 17 (BUY 0.01 BTCUSDT, id {own()}) is ours, but no bot knows it" in text
    assert "cancel it there if you do not want it" in text


@pytest.mark.parametrize(
    "shown",
    [
        resting("web_1234567890"),
        resting(own(place="0f0f0f")),
        resting(own(), created_at=NOW - 5_000),
        resting(order(OrderState.OPEN).id),
    ],
    ids=["by hand", "another installation", "a moment old", "known"],
)
def test_orders_that_are_no_orphans_are_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: OrderRecord
) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), venue="testnet"))

    text = checked(tmp_path, monkeypatch, shown, exit_code=Exit.FINE)

    assert "no bot knows it" not in text


@pytest.mark.parametrize(
    ("client_order_id", "willing"),
    [(own(), True), (own("lisa"), True), (own("lisa", birth=BIRTH), False)],
    ids=["of no bot", "of an earlier life", "of this life"],
)
def test_says_what_the_runner_will_do_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client_order_id: str, *, willing: bool
) -> None:
    conf_file(tmp_path)
    sections = (tmp_path / "conf.json").read_text()
    (tmp_path / "conf.json").write_text(f'{{"orphans": "cancel", "bots": {sections}}}')
    folder(tmp_path, generation("lisa", venue="testnet"))

    text = checked(tmp_path, monkeypatch, resting(client_order_id), exit_code=Exit.ATTENTION)

    assert "no bot knows it" in text
    assert ("the runner will cancel it" in text) == willing
