"""The page in a real browser: it asks nobody, complains of nothing, and shows all it should."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.backtest.ledger import FillLine
from lib.report.page import page
from lib.report.run_report import RunReport, run_report
from tests.backtest.scenes import BEGIN, DIPS, SYMBOL, ListBars, bar, conf_of, order_conf
from tests.report.browser import Window, look, needs_chromium
from tests.report.scenes import DAY, HOUR, WHOLE, ran, reported
from tests.swinging import with_small_bots

EVIL = "</script><img src=x onerror=alert(1)>"
SLOW = {**DIPS, "function": "dip_buyer", "stop": "0.05"}
BOTS = {
    "gains": {**SLOW, "dip": "0.005", "rebound": "0.004"},
    "loses": {**SLOW, "rebound": "0.0005"},
    "rests": order_conf(
        side="BUY", type="LIMIT", time_in_force="GTC", quantity="0.01", price="59000"
    ),
}
PANES = ("equity", "drawdown", "exposure", "fees", "bots", "market")
INKED = """[...document.querySelectorAll("#%s canvas")].some((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3]) seen.add(data[at] << 8 | data[at + 1]);
  return seen.size > 3;
})"""
FIGURES = (
    *("CAGR", "Volatility", "Sharpe", "Sortino", "Calmar", "Max drawdown", "Its length"),
    *("Profit factor", "Win rate", "Expectancy", "Exposure", "Turnover", "Fees"),
)
NEXT_FRAME = "new Promise((done) => setTimeout(done, 200))"
KEPT = """(() => { const own = LightweightCharts;
  window.LightweightCharts = { ...own, createChart: (box, ...rest) => {
    const chart = own.createChart(box, ...rest);
    if (box.id === "market") window.market = chart;
    return chart; } }; })()"""
RANGE = """(() => { const { from, to } = window.market.timeScale().getVisibleLogicalRange();
  return to - from; })()"""
TEXT = 'document.getElementById("%s").innerText'
ROWS = 'document.querySelectorAll("#%s tbody tr").length'
CLICK = 'document.querySelectorAll("#%s button")[%d].click()'


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def swinging_bars(days: int) -> Iterator[Any]:
    """Fall and rise by a percent, hour after hour."""
    for number in range(24 * days):
        ends = (60_000, 59_200) if number % 2 else (59_200, 60_000)
        yield bar(number, ends[0], 60_010, 59_190, ends[1], interval=HOUR)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three days."""
    found = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        with_small_bots(patch)
        report, tape = reported(BOTS, *swinging_bars(3))
    for name, text in report.texts(tape, version="0", refused=("gains: refused once",)).items():
        (found / name).write_text(text, encoding="utf-8")
    return found


@needs_chromium
@pytest.mark.slow
def test_it_opens_without_a_request_and_without_a_complaint(folder: Path) -> None:
    async def ask(window: Window) -> None:
        for width, height in ((1400, 900), (390, 800)):
            await window.resize(width, height)
        await window.value('document.getElementById("theme").click()')
        await window.value(CLICK % ("runners", 1))
        await window.value(CLICK % ("spans", 3))

    window = look(folder / "report.html", ask)

    assert window.requests == [(folder / "report.html").as_uri()]
    assert window.complaints == []


@needs_chromium
@pytest.mark.slow
def test_it_shows_every_part_of_a_run(folder: Path) -> None:
    told: dict[str, Any] = {}

    async def ask(window: Window) -> None:
        for name in ("period", "facts", "runners", "tiles", "equity-legend", "market-legend",
                     "months", "figures", "options", "refused", "trades-note"):  # fmt: skip
            told[name] = await window.value(TEXT % name)
        told["drawn"] = {name: await window.value(INKED % name) for name in PANES}
        told["rows"] = await window.value(ROWS % "trades")
        told["foot"] = await window.value('document.querySelector("footer").innerText')

    look(folder / "report.html", ask)

    result = orjson.loads((folder / "result.json").read_bytes())
    assert told["drawn"] == dict.fromkeys(PANES, True)
    assert told["period"] == "2024-08-01 00:00 to 2024-08-04 00:00 UTC"
    assert "seed 1" in told["facts"]
    assert told["runners"].split() == ["All", "gains", "loses", "rests"]
    assert "buy and hold" in told["equity-legend"]
    assert re.search(r"buy orders [1-9]", told["market-legend"])
    assert re.search(r"fills [1-9]", told["market-legend"])
    assert "Aug" in told["months"]
    for name in FIGURES:
        assert name in told["figures"]
    assert f"{result['total']['metrics']['sharpe']:.2f}" in told["figures"]
    assert told["rows"] == min(25, result["total"]["trades"]) > 3
    assert "dip_buyer" in told["options"]
    assert told["refused"] == "gains: refused once"
    assert "TradingView, Inc." in told["foot"]
    assert "www.tradingview.com" in told["foot"]


@needs_chromium
@pytest.mark.slow
def test_a_level_is_a_line_at_its_price_for_as_long_as_the_order_stood(folder: Path) -> None:
    lines = """(() => { window.lines = []; const own = CanvasRenderingContext2D.prototype.lineTo;
        CanvasRenderingContext2D.prototype.lineTo = function (x, y) {
          if ([0.5, 0.95].includes(this.globalAlpha)) window.lines.push([x, y]);
          return own.call(this, x, y); }; })()"""
    told: dict[str, Any] = {}

    async def ask(window: Window) -> None:
        told["all"] = await window.value(TEXT % "market-legend")
        await window.value(lines)
        await window.value(CLICK % ("runners", 3))
        await window.value("new Promise((done) => setTimeout(done, 300))")
        told["one"] = await window.value(TEXT % "market-legend")
        told["lines"] = await window.value("window.lines.splice(0)")
        told["width"] = await window.value('document.getElementById("market").clientWidth')
        await window.value(CLICK % ("runners", 1))
        await window.value("new Promise((done) => setTimeout(done, 300))")
        told["heights"] = await window.value("window.lines.map((line) => line[1])")

    look(folder / "report.html", ask)

    assert "buy orders 1" in told["one"]
    assert "fills 0" in told["one"]
    assert told["all"] != told["one"]
    assert told["lines"]
    assert all(told["width"] * 0.8 < x <= told["width"] for x, _ in told["lines"])  # to the end
    assert len({round(y) for y in told["heights"]}) > 1  # bought low, sold high


@needs_chromium
@pytest.mark.slow
def test_trades_can_be_filtered_sorted_and_found_on_the_market(folder: Path) -> None:
    told: dict[str, Any] = {}
    filtered = """(() => {{ const field = document.getElementById("filter");
        field.value = "{}"; field.dispatchEvent(new Event("input")); }})()"""
    column = '[...document.querySelectorAll("#trades tbody tr")].map((r) => r.cells[{}].innerText)'

    async def ask(window: Window) -> None:
        await window.value(KEPT)
        await window.value(CLICK % ("runners", 0))
        await window.value('document.getElementById("more").click()')
        told["all"] = await window.value(ROWS % "trades")
        await window.value(filtered.format("btcusdt win"))
        told["wins"] = await window.value(column.format(9))
        told["counts"] = [await window.value(TEXT % "trades-note")]
        await window.value(filtered.format("loss"))
        told["losses"] = await window.value(column.format(9))
        told["counts"] += [await window.value(TEXT % "trades-note")]
        await window.value(filtered.format("nobody"))
        told["nobody"] = await window.value(ROWS % "trades")
        await window.value(filtered.format(""))
        await window.value('document.getElementById("more").click()')
        await window.value(CLICK % ("trades", 9))
        told["falling"] = await window.value(column.format(9))
        await window.value(CLICK % ("trades", 9))
        told["rising"] = await window.value(column.format(9))
        await window.value(NEXT_FRAME)
        told["whole"] = await window.value(RANGE)
        await window.value('document.querySelector("#trades tbody tr").click()')
        await window.value(NEXT_FRAME)
        told["one"] = await window.value(RANGE)

    window = look(folder / "report.html", ask)

    assert told["wins"]
    assert all(float(each) > 0 for each in told["wins"])
    assert all(float(each) <= 0 for each in told["losses"])
    assert sum(int(count.split()[0]) for count in told["counts"]) == told["all"] > 50
    assert told["nobody"] == 0
    assert [float(each) for each in told["falling"]] == sorted(map(float, told["falling"]))[::-1]
    assert told["rising"] == told["falling"][::-1]
    assert told["one"] < told["whole"] / 2
    assert window.complaints == []


def evil_report() -> tuple[RunReport, dict[str, ListBars]]:
    """A run in which everything that has a name has a bad one."""
    outcome, tape = ran({"dips": BOTS["gains"]}, *swinging_bars(1))
    ledger = outcome.ledger
    ledger.lines[:] = [
        replace(line, bot=EVIL) if isinstance(line, FillLine) else line for line in ledger.lines
    ]
    renamed = replace(outcome, standings={EVIL: outcome.standings["dips"]})
    conf = conf_of({"dips": BOTS["gains"]})
    (bot,) = conf.bots
    conf = replace(conf, bots=(replace(bot, name=EVIL, raw={EVIL: EVIL}),))
    return run_report(renamed, replace(WHOLE, model=EVIL), conf, tape=tape), tape


@needs_chromium
@pytest.mark.slow
def test_a_name_that_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    report, tape = evil_report()
    file = tmp_path / "report.html"
    file.write_text(report.texts(tape, version=EVIL, refused=(EVIL,))["report.html"])
    told: dict[str, Any] = {}

    async def ask(window: Window) -> None:
        await window.value(CLICK % ("runners", 1))
        told["images"] = await window.value('document.querySelectorAll("img").length')
        told["title"] = await window.value("document.title")
        for name in ("runners", "options", "trades", "figures", "refused", "program"):
            told[name] = await window.value(f'document.getElementById("{name}").textContent')

    window = look(file, ask)

    assert told.pop("images") == 0
    assert all(EVIL in text for text in told.values()), told
    assert window.requests == [file.as_uri()]
    assert window.complaints == []


@needs_chromium
@pytest.mark.slow
def test_a_script_that_was_smuggled_in_does_not_run_and_reaches_nobody(
    folder: Path, tmp_path: Path
) -> None:
    told: dict[str, Any] = {}
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.setblocking(False)
        address = f"http://127.0.0.1:{outside.getsockname()[1]}"
        smuggled = f'<script>window.ran = 1</script><img src="{address}/x.png">'
        file = tmp_path / "report.html"
        text = (folder / "report.html").read_text()
        file.write_text(text.replace("<footer>", f"<footer>{smuggled}"))

        async def ask(window: Window) -> None:
            told["ran"] = await window.value("window.ran")
            told["fetched"] = await window.value(
                f'fetch("{address}").then(() => "yes", (wrong) => wrong.name)'
            )

        window = look(file, ask)
        with pytest.raises(BlockingIOError):
            outside.accept()  # nobody came

    assert told == {"ran": None, "fetched": "TypeError"}
    assert any("Content Security Policy" in complaint for complaint in window.complaints)


@needs_chromium
@pytest.mark.slow
def test_a_run_without_a_trade_has_a_page_too(tmp_path: Path) -> None:
    bots = {"rests": BOTS["rests"]}
    report, tape = reported(bots, bar(0, 60_000, 60_000, 60_000, 60_000, interval=HOUR))
    file = tmp_path / "report.html"
    file.write_text(report.texts(tape, version="0")["report.html"])
    told: dict[str, Any] = {}

    async def ask(window: Window) -> None:
        told["rows"] = await window.value(ROWS % "trades")
        told["hidden"] = await window.value('document.getElementById("refused-card").hidden')

    window = look(file, ask)

    assert told == {"rows": 0, "hidden": True}
    assert window.complaints == []


# --- without a browser


def test_the_vendored_library_is_the_one_that_its_note_names() -> None:
    from hashlib import sha256

    from lib.report.page import FOLDER, LIBRARY

    kept = FOLDER / "lightweight-charts"
    digest = sha256((FOLDER / LIBRARY).read_bytes()).hexdigest()
    assert digest in (kept / "README.md").read_text()
    assert "Apache License" in (kept / "LICENSE").read_text()
    assert "TradingView" in (kept / "NOTICE").read_text()


def test_no_name_can_end_the_element_that_holds_it() -> None:
    text = page({"name": EVIL, "and": "<!--<script>"}, title=EVIL)

    assert EVIL not in text
    assert text.count("</script>") == 3
    assert "<!--" not in text.split('id="run">')[1].split("</script>")[0]


def test_the_page_stays_small_however_long_the_run() -> None:
    """Half a megabyte beside the library, after a thousand days of hours."""
    report, tape = reported({"rests": BOTS["rests"]}, *swinging_bars(1))
    long = tuple(swinging_bars(200))
    outcome = replace(report.outcome, period=replace(report.outcome.period, ends=BEGIN + 200 * DAY))
    longer = run_report(
        outcome, WHOLE, conf_of({"rests": BOTS["rests"]}),
        tape={SYMBOL: ListBars(*long, interval=HOUR)},
    )  # fmt: skip

    size = len(longer.texts({SYMBOL: ListBars(*long, interval=HOUR)}, version="0")["report.html"])

    assert size < 700_000
    assert tape


@needs_chromium
@pytest.mark.slow
def test_a_trade_on_another_symbol_is_found_there(folder: Path, tmp_path: Path) -> None:
    text = (folder / "report.html").read_text()
    view = orjson.loads(text.split('id="run">')[1].split("</script>")[0])
    view["charts"].append({**view["charts"][0], "symbol": "OTHER"})
    view["trades"] = [[bot, "OTHER", *rest] for bot, _, *rest in view["trades"]]
    file = tmp_path / "report.html"
    file.write_text(page(view, title="two symbols"))
    told: dict[str, Any] = {}

    async def ask(window: Window) -> None:
        await window.value(KEPT)
        await window.value('document.querySelector("#trades tbody tr").click()')
        await window.value(NEXT_FRAME)
        told["range"] = await window.value(RANGE)
        told["spans"] = await window.value(
            'document.querySelectorAll("#spans [aria-pressed=true]").length'
        )
        told["symbol"] = await window.value(
            'document.querySelector("#symbols [aria-pressed=true]").innerText'
        )

    look(file, ask)

    assert told["symbol"] == "OTHER"
    assert told["spans"] == 0  # no stretch of the market is chosen any more
    assert told["range"] < len(view["charts"][0]["candles"]) / 2
