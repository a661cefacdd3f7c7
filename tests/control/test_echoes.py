"""An exchange that answers with every secret it was sent gets none of them shown or kept."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.control.echoing import WAYS, Echo, echoing
from tests.control.program import Program
from tests.control.simulated import SECRET, TRADES, Simulated, simulated, write_keys

pytestmark = pytest.mark.slow

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"}
SAID = r" (weather|warning|parked|doubt|order)|\"(weather|warning|parked|doubt|order)\""
FORMATS = ["lines", "json"]
REST = ["refused", "unauthorised", "page", "redirect", "no answer at all"]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("exchange")) as found:
        yield found


def everything_kept(folder: Path) -> str:
    """Read whatever the program wrote: its output, its log, its contexts, its journal."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".env"]
    return "".join(path.read_bytes().decode(errors="replace") for path in files)


SUBSCRIBE = "userDataStream.subscribe.signature"
CASES = [
    *(("exchangeInfo", how, "lines") for how in REST),
    *(("account", how, "lines") for how in REST),
    *(
        (path, "refused", log_format)
        for path in ("account", "openOrders")
        for log_format in FORMATS
    ),
]


def write_conf(folder: Path, log_format: str) -> None:
    write_keys(folder)
    conf = {
        "bots": [{"once": {"function": "add_order", "order": BUY}}],
        "log_file": {"path": "runner.log"},
        "log_format": log_format,
    }
    (folder / "conf.json").write_bytes(orjson.dumps(conf))


def secrets_in(text: str, echo: Echo) -> list[str]:
    secrets = {TRADES, SECRET, quote(SECRET), *echo.signatures}
    return [secret for secret in secrets if secret in text]


@pytest.mark.parametrize(("path", "how", "log_format"), list(dict.fromkeys(CASES)))
def test_no_secret_of_an_echoed_request_is_shown_or_kept(
    tmp_path: Path, exchange: Simulated, path: str, how: str, log_format: str
) -> None:
    write_conf(tmp_path, log_format)
    with (
        echoing(exchange.address, path, how) as echo,
        Program(tmp_path, "--venue", echo.address) as program,
    ):
        assert echo.echoed.wait(15), program.output
        program.until(SAID, 10)
        with Program(tmp_path, "logs") as logs:
            logs.ended()
            shown = program.output + logs.output

    text = shown + everything_kept(tmp_path)
    assert echo.signatures or path == "exchangeInfo"
    assert secrets_in(text, echo) == []
    assert len(text) > 100


@pytest.mark.parametrize("log_format", FORMATS)
def test_no_secret_of_an_echoed_frame_is_shown_or_kept(
    tmp_path: Path, exchange: Simulated, log_format: str
) -> None:
    write_conf(tmp_path, log_format)
    with (
        echoing(exchange.address, SUBSCRIBE, "in every way") as echo,
        Program(tmp_path, "--venue", echo.address) as program,
    ):
        assert echo.echoed.wait(120), program.output
        program.until("error that answers nothing|no known kind", 10)

    text = everything_kept(tmp_path)
    assert len(echo.signatures) >= len(WAYS)
    assert secrets_in(text, echo) == []
