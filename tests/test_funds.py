"""No coin is promised twice."""

from decimal import Decimal

from lib.exchange import Balance
from lib.funds import Funds


class Account:
    def __init__(self) -> None:
        self.free = Decimal(100)
        self.heard = 10

    def funds(self) -> Funds:
        return Funds(lambda _: Balance(self.free, Decimal(0)), lambda _: self.heard)


def test_an_intent_is_counted_before_the_exchange_knows_of_it() -> None:
    funds = Account().funds()

    funds.commit("one", "USDT", Decimal(60))

    assert funds.free("USDT") == 40


def test_an_accepted_order_is_counted_until_the_balance_includes_it() -> None:
    account = Account()
    funds = account.funds()
    funds.commit("one", "USDT", Decimal(60))

    funds.accepted("one", at=20)
    before = funds.free("USDT")
    account.free, account.heard = Decimal(40), 20

    assert before == 40
    assert funds.free("USDT") == 40


def test_a_refused_intent_is_free_again() -> None:
    funds = Account().funds()
    funds.commit("one", "USDT", Decimal(60))

    funds.release("one")

    assert funds.free("USDT") == 100


def test_assets_do_not_mix() -> None:
    funds = Account().funds()

    funds.commit("one", "BTC", Decimal(60))

    assert funds.free("USDT") == 100
