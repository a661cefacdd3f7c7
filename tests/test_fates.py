"""Each call that the program makes, met by each fate: the books agree afterwards."""

from decimal import Decimal

import pytest

from lib.life import Standing
from tests.fated import CHANGES, QUESTIONS, Fate, FatedWorld, lived, parked

Patch = pytest.MonkeyPatch

ENDED = {Standing.FINISHED}

ONE_PURCHASE = [("MARKET", "0.01")]
ONE_PAIR = [  # given up in the end: what it was to sell is sold at market
    ("LIMIT_MAKER", "0"),
    ("MARKET", "0.01"),
    ("STOP_LOSS", "0"),
]
WANTED = {
    "place": ONE_PURCHASE,
    "place LIMIT": [("LIMIT", "0")],
    "place STOP_LOSS": [("STOP_LOSS", "0")],
    "cancel": [("LIMIT", "0")],
    "cancel of a list": ONE_PAIR,
    "place_list": ONE_PAIR,
    "place_list OTO": [("LIMIT", "0"), ("STOP_LOSS", "0")],
    "place_list OTOCO": [("LIMIT", "0"), ("LIMIT_MAKER", "0"), ("STOP_LOSS", "0")],
}


def accepted(world: FatedWorld) -> list[tuple[str, str]]:
    """What the exchange took: type and executed quantity of every order."""
    executed = ((order["type"], Decimal(order["executedQty"])) for order in world.orders())
    return sorted((kind, f"{quantity.normalize():f}") for kind, quantity in executed)


def verify(world: FatedWorld) -> None:
    assert world.struck > 0, "the story never made this call"
    assert parked(world) == []
    assert set(world.standings.values()) == ENDED
    world.check()
    assert world.locked() == {}


@pytest.mark.parametrize("fate", list(Fate), ids=str)
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_any_fate_delays_its_bot_and_changes_nothing(
    name: str, fate: Fate, monkeypatch: Patch
) -> None:
    world = lived(QUESTIONS[name], fate, monkeypatch)

    verify(world)
    assert accepted(world) == (ONE_PAIR if name == "find_list" else ONE_PURCHASE)


@pytest.mark.parametrize(
    ("name", "fate"),
    [
        (name, fate)
        for name in CHANGES
        for fate in Fate
        if not (name.startswith("place") and fate in {Fate.REPEATED, Fate.REFUSED})
    ],
)
def test_a_change_of_any_fate_happens_once(name: str, fate: Fate, monkeypatch: Patch) -> None:
    world = lived(CHANGES[name], fate, monkeypatch)

    verify(world)
    if name == "amend":
        executed = sum(Decimal(quantity) for _, quantity in accepted(world))
        assert executed in {Decimal("0.08"), Decimal("0.1")}
        assert world.most_live == 1
    else:
        assert accepted(world) == WANTED[name]
