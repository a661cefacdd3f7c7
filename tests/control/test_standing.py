"""Results are exact and orders are named shortly."""

from decimal import Decimal

from lib.context_file.generation import Memory
from lib.control.rulebook import read_rulebook
from lib.control.standing import brought, in_short, worth
from lib.credentials import Credentials
from lib.orders import OrderState
from tests.control.folder import order

RULES = read_rulebook("paper", Credentials(), []).rules["BTCUSDT"]


def test_a_result_by_asset_has_its_fees_taken_off() -> None:
    memory = Memory(
        net={"BTC": Decimal("0.01"), "USDT": Decimal(-600)},
        fees={"BTC": Decimal("0.00001"), "BNB": Decimal("0.002")},
    )

    assert brought(memory) == "-0.002 BNB, +0.00999 BTC, -600 USDT"


def test_coins_are_valued_at_the_last_price() -> None:
    memory = Memory(
        net={"BTC": Decimal("0.01"), "USDT": Decimal(-600)}, fees={"BTC": Decimal("0.00001")}
    )

    assert worth(memory, RULES, Decimal(61_000)) == "+9.39 USDT"


def test_fees_in_another_coin_stand_beside_the_value() -> None:
    memory = Memory(net={"USDT": Decimal("1.5")}, fees={"BNB": Decimal("0.002")})

    assert worth(memory, RULES, Decimal(61_000)) == "+1.5 USDT, less 0.002 BNB"


def test_a_bot_of_several_symbols_is_not_valued_at_one_price() -> None:
    memory = Memory(net={"ETH": Decimal(1), "USDT": Decimal(-3_000)})

    assert worth(memory, RULES, Decimal(61_000)) == "+1 ETH, -3000 USDT"


def test_several_orders_are_counted_and_final_ones_are_not() -> None:
    out, done = order(OrderState.OPEN), order(OrderState.FILLED)

    assert in_short([done]) == "-"
    assert in_short([out, done]) == "buy 60000"
    assert in_short([out, out]) == "2: buy 60000 …"
