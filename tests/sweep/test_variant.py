"""Values at their place in the conf, judged by the bot's own Conf."""

from decimal import Decimal
from typing import Any

import pytest

from lib.conf import RunnerSettings
from lib.sweep.axes import read_axis
from lib.sweep.variant import Bots, ValueRefused, check_names, varied
from tests.sweep.scenes import DIPS

SOAK: dict[str, Any] = {"function": "infinite", "bot": "dip_buyer", "conf": {**DIPS, "laps": 1}}
TRADE = Bots(
    {
        "trade": {
            "function": "smart_trade",
            "symbol": "BTCUSDT",
            "total": 50,
            "mode": "MARKET",
            "take_profit": [{"price": "3%", "share": "50%"}, {"price": "6%"}],
        }
    },
    RunnerSettings(),
)
BOTS = Bots({"dip_buyer": DIPS, "soak": SOAK}, RunnerSettings())


def with_value(text: str, bots: Bots = BOTS) -> Any:
    axis = read_axis(text)
    conf = varied(bots, [(axis, axis.values[0])])
    return {bot.name: bot for bot in conf.bots}


def test_a_value_is_set_in_its_bot_and_no_other() -> None:
    bots = with_value("dip_buyer.dip=0.005")

    assert bots["dip_buyer"].conf.dip == Decimal("0.005")
    assert bots["soak"].raw == SOAK
    assert DIPS["dip"] == Decimal("0.002"), "what was read stays as it is"


def test_a_nested_value_is_set_at_its_path() -> None:
    assert with_value("soak.conf.dip=0.005")["soak"].raw["conf"]["dip"] == Decimal("0.005")
    assert SOAK["conf"]["dip"] == Decimal("0.002")


def test_an_item_of_a_list_is_set_by_its_number() -> None:
    for text in ("trade.take_profit[1].price=9%", "trade.take_profit.1.price=9%"):
        conf = with_value(text, TRADE)["trade"].conf

        assert [each.price.amount for each in conf.take_profit] == [
            Decimal("0.03"),
            Decimal("0.09"),
        ]
    with pytest.raises(ValueRefused, match="the list has 2 items"):
        with_value("trade.take_profit[2].price=9%", TRADE)


def test_a_whole_list_can_be_a_value_and_so_can_nothing() -> None:
    one = with_value('trade.take_profit=[[{"price": "4%"}]]', TRADE)["trade"].conf
    none = with_value("trade.stop_loss=null", TRADE)["trade"].conf

    assert [each.price.amount for each in one.take_profit] == [Decimal("0.04")]
    assert none.stop_loss is None


def test_an_object_on_the_way_that_is_not_there_is_made() -> None:
    conf = with_value("trade.stop_loss.price=-3%..-1%/1%", TRADE)["trade"].conf

    assert conf.stop_loss.price.amount == Decimal("-0.03")


def test_terms_that_every_bot_has_can_be_varied() -> None:
    assert with_value("dip_buyer.budget=500")["dip_buyer"].terms.budget == 500


def test_the_function_can_be_varied() -> None:
    with pytest.raises(ValueRefused, match="a module in bots/"):
        with_value("dip_buyer.function=dap_buyer")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dip_buyer.dip=2", "dip_buyer.dip: found 2, expected less than 1"),
        ("dip_buyer.dip=-1", "expected more than 0"),
        ("dip_buyer.dip=ten", "an amount like"),
        ("dip_buyer.drip=0.1", "did you mean"),
        ("dip_buyer.dip.deep=0.1", "nothing can be set in it"),
        ("dip_buyer.dip[0]=0.1", "nothing can be set in it"),
    ],
)
def test_a_value_that_the_bot_refuses_is_refused_with_its_reason(text: str, said: str) -> None:
    with pytest.raises(ValueRefused, match=said):
        with_value(text)


def test_a_bot_that_is_not_there_is_named_with_the_likely_one() -> None:
    with pytest.raises(ValueError, match="did you mean dip_buyer"):
        check_names(BOTS, [read_axis("dip_bayer.dip=0.1")])
