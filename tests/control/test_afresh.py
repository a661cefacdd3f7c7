"""`afresh` begins a new life, and never over an order that is out."""

from decimal import Decimal
from pathlib import Path

import pytest

from lib.atomic_json import read_generations
from lib.context_file.generation import FormerId, Memory, decode, decode_context
from lib.control.exits import Exit
from lib.orders import FINAL, OrderState
from lib.shelf import Shelf
from tests.control.folder import (
    BIRTH,
    TAG,
    command,
    conf_file,
    folder,
    generation,
    newest,
    order,
    parked,
)

FUTURE = 9_000_000_000_000


def test_a_new_life_has_a_later_birth_and_an_empty_mind(tmp_path: Path) -> None:
    memory = Memory(ids_given=9, net={"USDT": Decimal(-3)}, doubts_accepted_until=5)
    old = generation("lisa", order(OrderState.FILLED), memory=memory, parked=parked("Halt"))
    ctx = folder(tmp_path, old)

    result = command(tmp_path, "afresh", "lisa", "--yes")

    new = newest(ctx, "lisa")
    assert result.exit_code == Exit.FINE
    assert new.birth > BIRTH
    assert (new.memory, new.context, new.parked, new.finished) == (Memory(), {}, None, False)
    assert (new.venue, new.account, new.installation) == ("paper", "7", TAG)


def test_the_old_life_is_kept_aside_to_the_byte(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa", order(OrderState.CANCELED)))
    before = (ctx / "lisa.json").read_bytes()

    command(tmp_path, "afresh", "lisa", "--yes")

    assert (ctx / f"lisa.{BIRTH}.json").read_bytes() == before
    assert Shelf.open(ctx, allow_volatile=True).names() == ["lisa"]


@pytest.mark.parametrize("state", sorted(set(OrderState) - FINAL - {OrderState.PLANNED}))
def test_refused_while_an_order_is_out_or_may_be(tmp_path: Path, state: OrderState) -> None:
    ctx = folder(tmp_path, generation("lisa", order(state)))
    before = (ctx / "lisa.json").read_bytes()

    result = command(tmp_path, "afresh", "lisa", "--yes")

    assert result.exit_code == Exit.ATTENTION
    assert f"BUY 0.01 BTCUSDT at 60000: {state}" in result.stderr
    assert order(state).id in result.stderr
    assert (ctx / "lisa.json").read_bytes() == before
    assert list(ctx.glob("lisa.*.json")) == []


@pytest.mark.parametrize("state", [*sorted(FINAL), OrderState.PLANNED])
def test_granted_once_every_order_is_final_or_was_never_sent(
    tmp_path: Path, state: OrderState
) -> None:
    folder(tmp_path, generation("lisa", order(state)))

    assert command(tmp_path, "afresh", "lisa", "--yes").exit_code == Exit.FINE


def test_a_clock_that_went_back_does_not_bring_back_an_old_birth(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(birth=FUTURE, saved_at=FUTURE + 5))

    command(tmp_path, "afresh", "lisa", "--yes")
    first = newest(ctx, "lisa").birth
    command(tmp_path, "afresh", "lisa", "--yes")

    assert FUTURE < first < newest(ctx, "lisa").birth


def test_ids_given_up_in_the_old_life_are_still_watched_for(tmp_path: Path) -> None:
    former = FormerId(id="a7", symbol="BTCUSDT", since=1)
    ctx = folder(tmp_path, generation(memory=Memory(former=[former], ids_given=4)))

    command(tmp_path, "afresh", "lisa", "--yes")

    assert newest(ctx, "lisa").memory == Memory(former=[former])


def test_the_new_context_is_one_the_bot_can_begin_with(tmp_path: Path) -> None:
    from bots.dip_buyer import Ctx

    ctx = folder(tmp_path, generation("lisa", order(OrderState.FILLED)))

    command(tmp_path, "afresh", "lisa", "--yes")

    assert decode_context(Ctx, newest(ctx, "lisa")) == Ctx(version=1)


def test_without_a_yes_nothing_changes(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(memory=Memory(net={"BTC": Decimal("0.01")})))

    result = command(tmp_path, "afresh", "lisa", answer="n\n")

    assert result.exit_code == Exit.ATTENTION
    assert "+0.01 BTC" in result.stdout
    assert newest(ctx, "lisa").birth == BIRTH


def test_over_a_corrupt_file_a_yes_is_needed_and_nothing_can_be_listed(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation("bart"))
    (ctx / "lisa.json").write_bytes(b"rubbish")

    result = command(tmp_path, "afresh", "lisa", answer="y\n")

    assert result.exit_code == Exit.ATTENTION
    assert "cannot be listed" in result.stderr
    assert "`afresh lisa --yes`" in result.stderr
    assert (ctx / "lisa.json").read_bytes() == b"rubbish"


def test_a_corrupt_file_is_kept_and_the_new_life_is_as_its_neighbours(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation("bart", venue="testnet", account="12"))
    (ctx / "lisa.json").write_bytes(b"rubbish")

    assert command(tmp_path, "afresh", "lisa", "--yes").exit_code == Exit.FINE

    new = newest(ctx, "lisa")
    assert (new.venue, new.account, new.installation) == ("testnet", "12", TAG)
    assert [path.read_bytes() for path in ctx.glob("lisa.corrupt-*.json")] == [b"rubbish"]


def test_a_corrupt_file_alone_takes_the_venue_that_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    conf_file(tmp_path)
    ctx = folder(tmp_path)
    (ctx / "lisa.json").write_bytes(b"rubbish")

    assert command(tmp_path, "afresh", "lisa", "--yes").exit_code == Exit.FINE
    assert newest(ctx, "lisa").venue == "paper"


def test_a_corrupt_file_of_a_removed_bot_is_left_to_the_person(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation("bart"))
    (ctx / "homer.json").write_bytes(b"rubbish")

    result = command(tmp_path, "afresh", "homer", "--yes")

    assert result.exit_code == Exit.ATTENTION
    assert "move its file away" in result.stderr
    assert (ctx / "homer.json").read_bytes() == b"rubbish"


def test_a_runner_at_work_is_not_written_under(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation())
    shelf = Shelf.open(ctx, allow_volatile=True)

    result = command(tmp_path, "afresh", "lisa", "--yes")

    shelf.close()
    assert result.exit_code == Exit.BUSY
    assert decode(read_generations(ctx / "lisa.json")).birth == BIRTH
