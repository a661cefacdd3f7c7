"""`status` tells how bots stand from their files alone, whatever is in them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.context_file.generation import Memory
from lib.control.exits import Exit
from lib.orders import OrderState
from lib.shelf import Shelf
from tests.control.folder import command, conf_file, folder, generation, order, parked


def bots(tmp_path: Path) -> dict[str, dict[str, Any]]:
    found = orjson.loads(command(tmp_path, "status", "--json").stdout)
    return {bot["name"]: bot for bot in found["bots"]}


def test_a_bot_nobody_runs_is_stopped_and_one_under_a_runner_runs(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation())

    assert bots(tmp_path)["lisa"]["stands"] == "stopped"
    shelf = Shelf.open(ctx, allow_volatile=True)
    assert bots(tmp_path)["lisa"]["stands"] == "running"
    shelf.close()


def test_looking_never_keeps_a_runner_from_starting(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation())

    command(tmp_path, "status")

    Shelf.open(ctx, allow_volatile=True).close()


@pytest.mark.parametrize("state", [OrderState.SUBMITTING, OrderState.IN_DOUBT])
def test_an_order_that_may_have_arrived_is_being_asked_for(
    tmp_path: Path, state: OrderState
) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation("lisa", order(state)))
    shelf = Shelf.open(ctx, allow_volatile=True)

    lisa = bots(tmp_path)["lisa"]

    shelf.close()
    assert lisa["stands"] == "asking Binance"
    assert lisa["orders"][0]["state"] == state.value


def test_a_parked_bot_needs_you_and_says_why(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation(parked=parked("BooksDisagree")))

    result = command(tmp_path, "status")

    assert result.exit_code == Exit.ATTENTION
    assert "needs you" in result.stdout
    assert "BooksDisagree: the books differ" in result.stdout
    assert bots(tmp_path)["lisa"]["parked"]["kind"] == "BooksDisagree"


def test_all_is_well_where_nobody_is_needed(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation(finished=True))

    assert command(tmp_path, "status").exit_code == Exit.FINE
    assert bots(tmp_path)["lisa"]["stands"] == "finished"


def test_a_removed_bot_is_shown_with_the_orders_it_left(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation("bart", order(OrderState.OPEN, order_id=12)))

    text = command(tmp_path, "status").stdout

    assert "it is not in conf.json and does not run" in text
    assert "BUY 0.01 BTCUSDT at 60000: open" in text
    assert bots(tmp_path)["bart"]["in_conf"] is False


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 5000, b"\x00" * 32768, b"\xff\xfe", b"[null,null]", b'{"a": NaN}'],
    ids=["empty", "an object", "brackets", "zeros", "no text", "nulls", "no number"],
)
def test_a_corrupt_file_is_told_of_its_bot_and_hides_no_other(
    tmp_path: Path, content: bytes
) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation())
    (ctx / "bart.json").write_bytes(content)

    result = command(tmp_path, "status")

    assert result.exit_code == Exit.ATTENTION
    assert "Traceback" not in result.output
    assert bots(tmp_path)["bart"]["problem"].startswith("CorruptContext")
    assert bots(tmp_path)["bart"]["orders"] == []
    assert bots(tmp_path)["lisa"]["stands"] == "stopped"


def test_a_torn_slot_leaves_the_generation_before(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation())
    content = bytearray((ctx / "lisa.json").read_bytes())
    content[len(content) // 2 + 5] ^= 1
    (ctx / "lisa.json").write_bytes(content)

    assert bots(tmp_path)["lisa"]["stands"] == "stopped"


def test_a_file_that_is_a_folder_is_no_traceback(tmp_path: Path) -> None:
    conf_file(tmp_path)
    (folder(tmp_path) / "bart.json").mkdir()

    assert "IsADirectoryError" in bots(tmp_path)["bart"]["problem"]


def test_a_context_of_another_installation_needs_you(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation(installation="aaaaaa"))

    assert "ForeignContext" in bots(tmp_path)["lisa"]["problem"]


def test_another_bots_file_under_this_name_needs_you(tmp_path: Path) -> None:
    conf_file(tmp_path)
    ctx = folder(tmp_path, generation("bart"))
    (ctx / "bart.json").rename(ctx / "lisa.json")

    assert "belongs to bot bart" in bots(tmp_path)["lisa"]["problem"]


def test_a_wrong_section_needs_you_and_a_new_bot_waits(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa={"function": "dip_buyer"}, new={"function": "nobody"})
    folder(tmp_path, generation())

    found = bots(tmp_path)

    assert "expected a value for" in found["lisa"]["problem"]
    assert "nobody" in found["new"]["problem"]


def test_without_a_readable_conf_nothing_is_said_of_who_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text("[{")
    folder(tmp_path, generation())

    assert bots(tmp_path)["lisa"]["in_conf"] is None


def test_without_a_folder_there_is_nothing_and_nothing_is_made(tmp_path: Path) -> None:
    assert "no bot has ever run here" in command(tmp_path, "status").stdout
    assert not (tmp_path / "ctx").exists()


def test_amounts_are_strings_without_exponents(tmp_path: Path) -> None:
    conf_file(tmp_path)
    memory = Memory(net={"BTC": Decimal("3E-7")}, fees={"USDT": Decimal("0.10")}, orders_done=2)
    folder(tmp_path, generation("lisa", order(OrderState.OPEN), memory=memory))

    lisa = bots(tmp_path)["lisa"]

    assert {key: lisa["result"][key] for key in ("net", "fees", "orders_done")} == {
        "net": {"BTC": "0.0000003"},
        "fees": {"USDT": "0.1"},
        "orders_done": 2,
    }
    assert lisa["orders"][0]["price"] == "60000"
    assert lisa["orders"][0]["stop_price"] is None


def test_the_shape_for_programs_is_the_documented_one(tmp_path: Path) -> None:
    conf_file(tmp_path)
    folder(tmp_path, generation("lisa", order(OrderState.OPEN)))
    page = (Path(__file__).parents[2] / "docs/status.md").read_text()

    found = orjson.loads(command(tmp_path, "status", "--json").stdout)

    (lisa,) = found["bots"]
    for key in (*found, *lisa, *lisa["orders"][0], *lisa["result"], *lisa["wallet"]):
        assert f"`{key}`" in page, f"{key} is not documented"
