"""A person and a program are told what each bot has and what it brought, from the files alone."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from bots.dip_buyer import Conf
from lib.conf import BotConf, read_conf
from lib.context_file.generation import Generation, Memory
from lib.control.promises import excesses, unclear_budget
from lib.exchange import AccountState, Balance, Fill
from lib.money import SymbolRules
from lib.orders import Order, OrderState
from lib.wallet import book
from tests.control.folder import BIRTH, DIPS, command, conf_file, folder, generation, order

BTC = ("BTC", "USDT")
RULES = {"BTCUSDT": SymbolRules("BTCUSDT", "BTC", "USDT")}
AT = BIRTH + 6


def fill(quantity: str, price: str, fee: str, asset: str) -> Fill:
    amount = Decimal(quantity)
    return Fill(
        trade_id=int(AT),
        price=Decimal(price),
        quantity=amount,
        quote=amount * Decimal(price),
        commission=Decimal(fee),
        commission_asset=asset,
        time=AT,
    )


def filled(state: OrderState, each: Fill, **facts: Any) -> Order:
    done = {"executed": each.quantity, "executed_quote": each.quote, "fills": [each]}
    return order(state, order_id=5, spends_at_most=Decimal(600), **done, **facts)


def traded() -> Memory:
    """Remember a hundredth bitcoin bought, half of it sold dearer, a fee in BNB."""
    memory = Memory(orders_done=2)
    buy = filled(OrderState.FILLED, fill("0.01", "60000", "0.001", "BNB"))
    sale = filled(OrderState.FILLED, fill("0.005", "62000", "0.31", "USDT"))
    sale.side = "SELL"
    book(memory, buy, BTC)
    book(memory, sale, BTC)
    return memory


def with_budget(memory: Memory, *orders: Order, **facts: Any) -> Generation:
    return generation("lisa", *orders, memory=memory, conf={"budget": "700"}, **facts)


def status(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(command(tmp_path, "status", "--json").stdout)
    return found


def test_a_program_is_told_wallet_and_results_exactly(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, with_budget(traded()))

    (lisa,) = status(tmp_path)["bots"]

    assert lisa["wallet"] == {
        "budget": {"USDT": "700"},
        "total": {"BNB": "-0.001", "BTC": "0.005", "USDT": "409.69"},
        "in_orders": {},
    }
    assert lisa["result"]["realised"] == {"USDT": "9.69"}
    assert lisa["result"]["unrealised"] == {"USDT": "10"}
    assert lisa["result"]["positions"] == [
        {
            "symbol": "BTCUSDT",
            "quantity": "0.005",
            "cost": "300",
            "realised": "9.69",
            "unrealised": "10",
            "price": "62000",
            "priced_at": AT,
        }
    ]


def test_a_part_that_was_filled_counts_and_the_rest_is_in_orders(tmp_path: Path) -> None:
    conf_file(tmp_path)
    memory = Memory(assets={"BTCUSDT": BTC})
    part = filled(OrderState.OPEN, fill("0.004", "60000", "0.000004", "BTC"))
    folder(tmp_path, with_budget(memory, part))

    (lisa,) = status(tmp_path)["bots"]

    assert lisa["wallet"]["total"] == {"BTC": "0.003996", "USDT": "460"}
    assert lisa["wallet"]["in_orders"] == {"USDT": "360"}
    assert lisa["result"]["net"] == {}


def test_the_results_of_all_bots_are_added_up_by_venue(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(
        tmp_path,
        with_budget(traded()),
        generation("bart", memory=traded()),
        generation("homer", memory=traded(), venue="testnet"),
    )

    totals = status(tmp_path)["totals"]

    assert totals["paper"] == {
        "realised": {"USDT": "19.38"},
        "unrealised": {"USDT": "20"},
        "fees": {"BNB": "0.002", "USDT": "0.62"},
    }
    assert totals["testnet"]["realised"] == {"USDT": "9.69"}


def test_a_person_is_told_wallet_result_and_what_is_held(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, with_budget(traded()))

    text = command(tmp_path, "status").stdout

    assert "wallet: -0.001 BNB, 0.005 BTC, 409.69 USDT, of a budget of 700 USDT" in text
    assert "result: realised +9.69 USDT; unrealised +10 USDT; fees 0.001 BNB, 0.31 USDT" in text
    assert "holds: 0.005 BTC for 300 USDT; its last trade was at 62000" in text
    assert "paper: realised +9.69 USDT" in text


def test_of_a_bot_that_never_traded_nothing_is_said(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation())

    text = command(tmp_path, "status").stdout

    assert "wallet" not in text
    assert "realised" not in text


def test_a_context_that_keeps_no_positions_shows_what_it_brought(tmp_path: Path) -> None:
    conf_file(tmp_path)
    former = Memory(net={"BTC": Decimal("0.01"), "USDT": Decimal(-600)}, orders_done=1)
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), memory=former))

    (lisa,) = status(tmp_path)["bots"]

    assert lisa["wallet"]["total"] == {"BTC": "0.01", "USDT": "-600"}
    assert lisa["result"]["positions"] == []


def test_the_command_for_one_bot_says_it_beside_the_file(tmp_path: Path) -> None:
    folder(tmp_path, with_budget(traded()))

    result = command(tmp_path, "bot", "lisa")

    assert "of a budget of 700 USDT" in result.stderr
    assert "realised +9.69 USDT" in result.stderr
    assert orjson.loads(result.stdout)["bot"] == "lisa"


# --- what is promised


def bots(tmp_path: Path, **budgets: Any) -> tuple[BotConf, ...]:
    sections = {
        name: {"function": "dip_buyer", **DIPS, "budget": budget}
        for name, budget in budgets.items()
    }
    return read_conf(conf_file(tmp_path, **sections)).bots


def account(**amounts: int) -> AccountState:
    halves = {a: Balance(Decimal(n) / 2, Decimal(n) / 2) for a, n in amounts.items()}
    return AccountState(halves, time=1)


def test_budgets_beyond_the_account_are_named_with_their_sums(tmp_path: Path) -> None:
    found = bots(tmp_path, lisa=700, bart={"USDT": 400, "BNB": 1})

    texts = excesses(found, {}, RULES, account(USDT=1000))

    assert texts[0].startswith("the bots' budgets promise 1 BNB (bart 1), the account has 0")
    assert "promise 1100 USDT (lisa 700, bart 400), the account has 1000" in texts[1]


def test_what_a_budget_was_turned_into_is_not_promised_again(tmp_path: Path) -> None:
    from lib.control.ctx_folder import Page

    page = Page("lisa", with_budget(traded()))

    assert excesses(bots(tmp_path, lisa=700), {"lisa": page}, RULES, account(USDT=410)) == []
    assert excesses(bots(tmp_path, lisa=700), {}, RULES, account(USDT=410)) != []


def test_an_amount_in_a_symbol_nobody_knows_has_no_asset(tmp_path: Path) -> None:
    (lisa,) = bots(tmp_path, lisa=700)

    assert unclear_budget(lisa, RULES) == []
    assert "of which asset" in unclear_budget(lisa, {})[0]


@pytest.mark.slow
def test_a_changed_budget_is_named_by_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    conf_file(tmp_path, lisa={"function": "dip_buyer", **DIPS, "budget": 900})
    before = {**Conf.model_validate(DIPS).model_dump(mode="json"), "budget": "700"}
    folder(tmp_path, generation(conf=before))

    assert 'changed: budget: "700" → "900"' in command(tmp_path, "check").output
