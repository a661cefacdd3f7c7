"""Two runners on one account: with folders of their own, or with copies of one folder."""

import pytest

from lib.life import Standing
from tests.test_life import bot
from tests.two_runners import Home, Street

pytestmark = pytest.mark.slow

BITCOIN = {"lisa": bot("steady")}
ETHER = {"bart": bot("steady", symbol="ETHUSDT", quantity="0.01")}
LATE = {"lisa": bot("steady", every="10m")}  # acts once after its start, then long not


def tag_of(home: Home) -> str:
    return home.generations[0].installation


# --- with folders of their own


@pytest.mark.parametrize("apart", [0.0, 0.01, 40.0])
def test_two_installations_trade_side_by_side_and_each_is_told_of_the_other(apart: float) -> None:
    street = Street(1, {})
    one, other = Home("aaaaaa", BITCOIN), Home("bbbbbb", ETHER)

    street.run_together(200, one, other, apart=apart)

    assert len(one.told("trades on this account", tag_of(other))) == 1
    assert len(other.told("trades on this account", tag_of(one))) == 1
    assert not one.told(tag_of(one))
    assert one.standings == {"lisa": Standing.RUNNING}
    assert other.standings == {"bart": Standing.RUNNING}
    assert street.accepted_twice() == set()
    assert street.explained_by(one, other)


def test_two_installations_with_bots_of_one_name_on_one_symbol_keep_their_books_apart() -> None:
    street = Street(2, {})
    one, other = Home("aaaaaa", BITCOIN), Home("bbbbbb", BITCOIN)

    street.run_together(200, one, other)

    assert [len(home.told("trades on this account")) for home in (one, other)] == [1, 1]
    assert one.parked == other.parked == []
    assert min(home.generation("lisa").context["done"] for home in (one, other)) > 10
    assert street.explained_by(one, other)


def test_two_that_both_wait_for_each_other_open_nothing_until_both_are_quiet() -> None:
    street = Street(3, {})
    settings = {"other_runner": "stop"}
    one, other = Home("aaaaaa", BITCOIN, settings), Home("bbbbbb", ETHER, settings)

    street.run_together(300, one, other)
    during = len(street.orders())
    street.run_together(900, one, other)

    assert 2 <= during <= 6
    assert one.told("no bot opens anything new")
    assert other.told("no bot opens anything new")
    assert one.parked == other.parked == []
    assert street.explained_by(one, other)


# --- with copies of one folder


def copies(street: Street, home: Home) -> tuple[Home, Home]:
    """Live for a while, then be copied."""
    street.run_together(60, home)
    return home, home.copied()


def test_a_copy_that_starts_after_the_original_went_on_halts_before_its_first_order() -> None:
    street = Street(10, {})
    original, copy = copies(street, Home("aaaaaa", BITCOIN))
    street.run_together(60, original)
    before = len(street.orders())

    street.run_together(60, copy)

    assert len(street.orders()) == before
    assert "second runner is at work" in copy.parked[0]


@pytest.mark.parametrize(
    "apart",
    [0.5, 1.0, *(pytest.param(each, marks=pytest.mark.long) for each in (3.0, 7.0, 25.0))],
)
def test_of_two_copies_side_by_side_one_halts_and_no_order_is_placed_twice(apart: float) -> None:
    street = Street(11, {})
    original, copy = copies(street, Home("aaaaaa", BITCOIN))

    street.run_together(120, original, copy, apart=apart)

    assert original.parked or copy.parked
    assert street.accepted_twice() == set()
    assert street.explained_by(original) or street.explained_by(copy)


def test_two_copies_that_place_one_resting_order_in_one_instant_have_one_and_one_halts() -> None:
    street = Street(12, {})
    original, copy = copies(street, Home("aaaaaa", {"lisa": bot("steady", times=1)}))
    for home in (original, copy):
        home.bots = {"lisa": bot("steady", price="30000", times=2)}

    street.run_together(120, original, copy)

    assert len(street.open_now()) == 1
    assert street.accepted_twice() == set()
    assert any("never sent before" in reason for reason in original.parked + copy.parked)


def test_two_copies_that_buy_at_market_in_one_instant_both_halt_after_that_one_order() -> None:
    street = Street(13, {})
    original, copy = copies(street, Home("aaaaaa", BITCOIN))

    street.run_together(120, original, copy)

    assert len(street.accepted_twice()) == 1
    assert "orders" in original.parked[0]
    assert "under our id" in original.parked[0]
    assert "orders" in copy.parked[0]
    assert "under our id" in copy.parked[0]


def test_a_bot_born_in_a_copy_is_seen_by_the_original_which_leaves_its_orders_alone() -> None:
    street = Street(14, {})
    original, copy = copies(street, Home("aaaaaa", LATE, {"orphans": "cancel"}))
    original.bots = copy.bots = LATE
    copy.bots = {"bart": bot("steady", symbol="ETHUSDT", quantity="0.01", price="1500")}

    street.run_together(300, original, copy, apart=20)

    assert len(street.open_now()) == 1
    assert len(original.told("with a copy of this ctx folder")) >= 1
    assert not original.told("is being canceled")
