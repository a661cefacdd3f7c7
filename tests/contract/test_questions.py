"""The open questions: the simulator can be set to each answer; the testnet's answer is printed."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from lib.simulator.options import Options
from tests.contract.conftest import ASKED, UNASKED, connect
from tests.contract.engine import EngineClient
from tests.contract.questions import QUESTIONS
from tests.contract.trader import Trader

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("reused_id", "open"),
        ("reused_id", "newest"),
        ("reused_id", "oldest"),
        ("id_scope", "symbol"),
        ("id_scope", "account"),
        ("waiting_stop_holds_id", True),
        ("waiting_stop_holds_id", False),
        ("canceled_id", "original"),
        ("canceled_id", "cancel"),
        ("announce_refusals", True),
        ("announce_refusals", False),
        ("filter_order", "fixed"),
    ],
)
async def test_an_option_is_recognized_by_what_the_venue_does(option: str, value: Any) -> None:
    change: dict[str, Any] = {option: value}
    client = EngineClient(replace(Options(), **change))

    seen = await QUESTIONS[option](await Trader.at(client))

    assert value in seen


@pytest.mark.skipif(not ASKED, reason=UNASKED)
@pytest.mark.parametrize("option", QUESTIONS)
async def test_the_answer_of_the_testnet_is_printed(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        trader = await Trader.at(await connect("testnet", Options(), stack))
        seen = await QUESTIONS[option](trader)
        await trader.clean_up()

    ours = getattr(Options(), option)
    verdict = "agrees with" if ours in seen else "CONTRADICTS"
    with capsys.disabled():
        print(f"\n{option}: the testnet shows {sorted(map(str, seen))}, which {verdict} {ours!r}")
