"""A model of one's own from a file: used where it answers, and blamed by file and line."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.backtest.backtest import Outcome
from lib.backtest.latency import Latency, Ways
from lib.backtest.own_model import BadModel
from lib.backtest.settings import BacktestSettings
from tests.backtest.scenes import flat, order_conf, staged
from tests.backtest.test_backtest import WHOLE
from tests.swinging import with_small_bots
from tests.test_documents import blocks

BARS = [flat(0, 60_000), flat(1, 60_000)]
BUY = {"buyer": order_conf(side="BUY", type="MARKET", quantity="0.01")}
MODEL = '''
from decimal import Decimal


class Wall:
    """One level a side, ten dollars away."""

    def __init__(self, symbol, grid):
        self.lot = grid.lot

    def enter(self, bar):
        pass

    def around(self, step):
        away = Decimal(10)
        return [(step.price - away, 100 * self.lot)], [(step.price + away, 2000 * self.lot)]


class Whole:
    def liquidity(self, symbol, grid):
        return Wall(symbol, grid)

    def fees(self, symbol):
        return Decimal("0.0001"), Decimal("0.0003")

    def latency(self, way, time):
        return {"there": 3_000, "back": 10, "prices": 10}[way]


whole = Whole()
number = 7
'''
BROKEN = """class Whole:
    def __init__(self):
        raise OSError("no luck")
"""


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def with_model(folder: Path, name: str, text: str = MODEL) -> Outcome:
    file = folder / "my_model.py"
    file.write_text(text)
    return staged(BUY, BARS, replace(WHOLE, model=f"{file}:{name}")).run()


@pytest.mark.parametrize("name", ["Wall", "Whole", "whole"])
def test_a_model_answers_what_stands_in_the_book(tmp_path: Path, name: str) -> None:
    outcome = with_model(tmp_path, name)

    assert [(fill.price, fill.quantity) for fill in outcome.ledger.fills] == [
        ("60010.00000000", "0.01000000")
    ]


def test_a_model_answers_what_an_order_costs(tmp_path: Path) -> None:
    plain, dear = with_model(tmp_path, "Wall"), with_model(tmp_path, "Whole")

    assert [Decimal(fill.fee) for fill in plain.ledger.fills] == [Decimal("0.00001")]
    assert [Decimal(fill.fee) for fill in dear.ledger.fills] == [Decimal("0.000003")]


def test_a_model_answers_how_long_requests_take(tmp_path: Path) -> None:
    quick, slow = with_model(tmp_path, "Wall"), with_model(tmp_path, "Whole")

    times = [next(outcome.ledger.fills).time for outcome in (quick, slow)]

    assert times[1] - times[0] > 3_000 * 3  # the start alone asks several questions


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "Wall",
            MODEL.replace("Decimal(10)", "Decimal(10) / 0"),
            r"my_model\.py:15: in around",
        ),
        ("Wall", MODEL.replace("self.lot = grid.lot", "grid.nothing"), r"my_model\.py:9: in __in"),
        ("Wall", MODEL.replace("def around(", "def round("), r"Wall: what it makes has no around"),
        ("Wall", MODEL.replace("Decimal(10)", "Decimal('0.001')"), "off the ticks of 0.01"),
        ("Wall", MODEL.replace("- away", "+ 3 * away"), "outwards from the best, bids below asks"),
        ("Wall", MODEL.replace("2000 * self.lot", "0.02"), "which are not Decimals"),
        ("Wall", MODEL.replace("return [(", "return 7, [("), "no levels|not unpack|too many"),
        ("Whole", MODEL.replace('"there": 3_000', '"there": 0.5'), "not whole ms"),
        (
            "Whole",
            MODEL.replace('"prices": 10', '"price": 10'),
            r"my_model\.py:27: in latency",
        ),
        ("Whole", MODEL.replace('Decimal("0.0003")', "2"), r"not \(maker, taker\)"),
        ("Wall", MODEL + "\nraise OSError('no luck')", r"my_model\.py:33: in <module>: OSError"),
        ("Wall", MODEL + "\ndef (", r"my_model\.py:33: invalid syntax"),
        ("Whole", MODEL.replace("class Whole:", BROKEN), r"my_model\.py:21: in __init__: OSErr"),
        ("Ghost", MODEL, "has no Ghost"),
        ("number", MODEL, "has none of liquidity, fees, latency"),
    ],
)
def test_what_a_model_does_wrong_is_said_with_file_and_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(BadModel, match=said):
        with_model(tmp_path, name, text)


@pytest.mark.parametrize("place", ["model", "model.py", "nowhere.py:Wall", "model.py:two words"])
def test_a_place_that_names_no_model_is_refused(place: str) -> None:
    with pytest.raises(BadModel, match=r"FILE\.py:NAME"):
        staged(BUY, BARS, BacktestSettings(model=place))


def test_the_model_in_the_documents_is_one_that_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/backtest.md").read_text(encoding="utf-8")
    (text,) = blocks(page, "python")

    outcome = with_model(tmp_path, "Model", text)

    assert [(fill.price, fill.fee) for fill in outcome.ledger.fills] == [
        ("60000.50000000", "0.00000400")
    ]


# --- latency without a model


def test_there_and_back_take_their_own_times() -> None:
    ways = Ways(Latency(30, 70), seed=1)

    assert (ways.there(0), ways.back(0), ways.prices_ms) == (30, 70, 70)


def test_chance_adds_up_to_the_jitter_and_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[int]:
        ways = Ways(Latency(30, 30, 20), seed=seed)
        return [ways.there(0) for _ in range(300)]

    assert set(drawn(1)) == set(range(30, 51))
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_with_jitter_the_same_seed_gives_the_same_ledger_and_another_one_other_times() -> None:
    def ledger(seed: int) -> bytes:
        settings = BacktestSettings(latency=Latency(20, 20, 500), seed=seed)
        return staged(BUY, BARS, settings).run().ledger.as_json_lines()

    assert ledger(1) == ledger(1)
    assert ledger(1) != ledger(2)
