"""What nobody caught is shown free of secrets, by the real program in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lib.torture.processes import clean_environment
from tests.control.folder import ROOT

KEY = "CANARYkeyCANARYkeyCANARYkey0000000000"
SECRET = "CANARYsecretCANARYsecretCANARY000000000"
TOKEN = "110201543:CANARYtokenCANARYtokenCANARYtok00"
SIGNED = "https://api.binance.com/api/v3/order?symbol=X&signature=CAFEcanary%2Bsignature%3D%3D"
LISTEN_KEY = "CANARYlistenKey0000000000000000000000000000000000000000000000000"[:64]
CANARIES = (KEY, SECRET, TOKEN, "CAFEcanary", LISTEN_KEY, "CANARYtoken")
TEXT = f"{KEY} {SECRET} {TOKEN} {SIGNED} {LISTEN_KEY}"

HEAD = f"""
import asyncio, gc, logging, sys, threading, warnings
from lib.control.last_words import keep_secrets_to_the_end
keep_secrets_to_the_end()
TEXT = {TEXT!r}
"""
AS_A_RUNNER = """
import os
from lib.conf import LogFormat
from lib.control.log_copy import open_copy
from lib.control.spoken import known_secrets
from lib.control.terminal import open_terminal
from lib.conf import RunnerSettings
log_format = LogFormat(os.environ["LOG_FORMAT"])
settings = RunnerSettings.model_validate({"log_file": {"path": "runner.log"}})
copy = open_copy(settings, log_format)
terminal = open_terminal(1, os.environ, known_secrets(), log_format, copy)
terminal.take_logging()
"""
ACCIDENTS = {
    "an error of the program": "raise RuntimeError(TEXT)",
    "an error with a cause": """
        try:
            raise KeyError(TEXT)
        except KeyError as inner:
            raise RuntimeError("outer") from inner
    """,
    "an error with a note": """
        wrong = RuntimeError("outer")
        wrong.add_note(TEXT)
        raise wrong
    """,
    "a group of errors": "raise ExceptionGroup('many', [ValueError(TEXT), OSError(5, TEXT)])",
    "a thread": """
        def fail():
            raise RuntimeError(TEXT)
        thread = threading.Thread(target=fail, name="a thread")
        thread.start()
        thread.join()
    """,
    "a destructor": """
        class Broken:
            def __del__(self):
                raise RuntimeError(TEXT)
        Broken()
        gc.collect()
    """,
    "a warning": "warnings.warn(TEXT)",
    "a log record": "logging.getLogger('aiohttp').error('%s failed: %r', TEXT, {'key': TEXT})",
    "a log record with wrong arguments": "logging.getLogger('x').error('%d', TEXT)",
    "a log record with a traceback": """
        try:
            raise OSError(TEXT)
        except OSError:
            logging.getLogger('x').exception('failed')
    """,
    "a task that nobody awaits": """
        async def fail():
            raise RuntimeError(TEXT)
        async def main():
            asyncio.get_running_loop().create_task(fail())
            await asyncio.sleep(0.01)
            gc.collect()
        asyncio.run(main())
    """,
    "a callback of the loop": """
        def fail():
            raise RuntimeError(TEXT)
        async def main():
            asyncio.get_running_loop().call_soon(fail)
            await asyncio.sleep(0.01)
        asyncio.run(main())
    """,
    "an error of aiohttp with the address": """
        import aiohttp
        from yarl import URL
        from multidict import CIMultiDict, CIMultiDictProxy
        headers = CIMultiDictProxy(CIMultiDict({"X-MBX-APIKEY": TEXT}))
        about = aiohttp.RequestInfo(URL(TEXT.split()[3]), "GET", headers, URL(TEXT.split()[3]))
        raise aiohttp.ClientResponseError(about, (), status=500, message=TEXT, headers=headers)
    """,
    "a stack of the watchdog": """
        import faulthandler
        faulthandler.enable()
        def hang(key):
            faulthandler.dump_traceback()
        hang(TEXT)
        print("shown", flush=True)
    """,
}


def accident(tmp_path: Path, program: str, log_format: str) -> tuple[str, str]:
    """Have it happen; answer what was shown, and what the log file keeps."""
    env = tmp_path / ".env"
    env.write_text(
        f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}\nBINANCE_API_TEST=true\n"
        f"TELEGRAM_TOKEN={TOKEN}\nTELEGRAM_CHAT_ID=1\n"
    )
    env.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=clean_environment() | {"PYTHONPATH": str(ROOT), "LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    file = tmp_path / "runner.log"
    return done.stdout + done.stderr, file.read_text() if file.exists() else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ACCIDENTS)
@pytest.mark.parametrize("log_format", ["lines", "json"])
def test_no_accident_of_a_runner_shows_a_secret_on_screen_or_in_the_log_file(
    tmp_path: Path, name: str, log_format: str
) -> None:
    body = textwrap.indent(textwrap.dedent(ACCIDENTS[name]), "    ")
    leave = "try:\n" + body + "\nfinally:\n    gc.collect()\n    terminal.leave()\n"

    shown, kept = accident(tmp_path, HEAD + AS_A_RUNNER + leave, log_format)

    assert [each for each in CANARIES if each in shown + kept] == []
    assert "redacted" in shown + kept or name == "a stack of the watchdog"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["an error of the program", "a thread", "a destructor"])
def test_no_accident_of_a_command_shows_a_secret(tmp_path: Path, name: str) -> None:
    shown, _ = accident(tmp_path, HEAD + textwrap.dedent(ACCIDENTS[name]), "lines")

    assert [each for each in CANARIES if each in shown] == []
    assert "RuntimeError" in shown
    assert "redacted" in shown


@pytest.mark.slow
def test_without_the_hooks_the_same_accident_would_show_them(tmp_path: Path) -> None:
    bare = HEAD.replace("keep_secrets_to_the_end()\nTEXT", "TEXT")

    shown, _ = accident(tmp_path, bare + "raise RuntimeError(TEXT)", "lines")

    assert [each in shown for each in CANARIES] == [True] * len(CANARIES)


def test_the_program_itself_has_the_hooks() -> None:
    program = (ROOT / "auto_trading.py").read_text(encoding="utf-8")

    assert "keep_secrets_to_the_end()\n    sys.exit(main())" in program
    assert os.access(ROOT / "auto_trading.py", os.R_OK)
