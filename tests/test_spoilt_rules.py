"""The exchange's rules with a part of another kind: refused by the symbol's name, never guessed."""

from typing import Any

import orjson
import pytest

from lib.binance.payloads import Unreadable, rules
from lib.filters import exact
from tests.world import RULES

SYMBOL: dict[str, Any] = next(each for each in RULES["symbols"] if each["symbol"] == "BTCUSDT")


def told(**changes: Any) -> dict[str, Any]:
    return {"symbols": [{**orjson.loads(orjson.dumps(SYMBOL)), **changes}]}


def test_the_rules_as_they_are_can_be_read() -> None:
    assert set(rules(told())) == {"BTCUSDT"}


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": []},
        {"symbol": ""},
        {"symbol": "9" * 2_000_000},
        {"baseAsset": None},
        {"status": 1},
        {"orderTypes": [["LIMIT"]]},
        {"baseAssetPrecision": 10**13},
        {"baseAssetPrecision": 0.5},
        {"quoteAssetPrecision": True},
        {"quoteCommissionPrecision": -1},
        {"ocoAllowed": "true"},
        {"isSpotTradingAllowed": None},
    ],
)
def test_a_part_of_another_kind_is_refused_in_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as refused:
        rules(told(**changes))

    assert len(str(refused.value)) <= 200


@pytest.mark.parametrize("value", ["1_000", "\u0661", "1e400", " 1", "NaN", "", True, 0.5, None])
def test_a_filter_s_amount_is_digits_and_a_point(value: object) -> None:
    with pytest.raises(TypeError):
        exact(value)


def test_a_symbol_that_cannot_be_read_costs_no_other_its_rules() -> None:
    spoilt = told(symbol="ETHUSDT", status=1)["symbols"]

    found = rules({"symbols": told()["symbols"] + spoilt})

    assert list(found) == ["BTCUSDT"]
    assert "ETHUSDT" in found.why_unread("ETHUSDT")
    assert not found.why_unread("BTCUSDT")
    assert not found.why_unread("DOGEUSDT")


def test_a_symbol_whose_name_cannot_be_read_may_be_any() -> None:
    found = rules({"symbols": told()["symbols"] + told(symbol=5)["symbols"]})

    assert found.why_unread("ETHUSDT")
    assert not found.why_unread("BTCUSDT")


@pytest.mark.parametrize("lot", [{"stepSize": "10"}, {"minQty": "10"}])
def test_a_lot_that_allows_no_quantity_is_no_rule(lot: dict[str, str]) -> None:
    size = {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9", "stepSize": "0.1", **lot}

    with pytest.raises(Unreadable, match="allows no quantity"):
        rules(told(filters=[size]))
