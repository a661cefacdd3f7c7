"""Secrets do not come out: not in texts, not in log records, not in tracebacks."""

import io
import json
import logging
import pickle
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.redaction import REDACTED, Redactor, Secret

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
API_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
BOT_TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"

KNOWING = Redactor([Secret(API_KEY), Secret(API_SECRET), Secret("pässword / 1+1")])
STRANGER = Redactor()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a logger with a redacting handler wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(KNOWING)
    logger = logging.getLogger("test of redaction")
    logger.addHandler(handler)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)


LOG = logging.getLogger("test of redaction")


def test_a_secret_shows_itself_only_when_asked_by_name() -> None:
    secret = Secret(API_SECRET)

    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % (secret,), str([secret])]  # noqa: UP031

    assert API_SECRET not in "".join(shown)
    assert secret.reveal() == API_SECRET


def test_a_secret_is_neither_pickled_nor_written_as_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(API_SECRET))
    with pytest.raises(TypeError):
        json.dumps(Secret(API_SECRET))


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("é") == Secret("é")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


@pytest.mark.parametrize(
    "form",
    [
        API_KEY,
        API_SECRET,
        "pässword / 1+1",
        quote("pässword / 1+1", safe=""),
        quote_plus("pässword / 1+1"),
    ],
)
def test_a_known_secret_is_removed_wherever_and_however_it_is_written(form: str) -> None:
    for text in (form, f"x{form}y", f'{{"a": "{form}"}}', f"{form}{form}"):
        assert form not in KNOWING.redact(text)
        assert REDACTED in KNOWING.redact(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET /api/v3/account?timestamp=1&signature={SIGNATURE}", SIGNATURE),
        (f"{{'signature': '{SIGNATURE}'}}", SIGNATURE),
        (f'{{"signature":"{SIGNATURE}"}}', SIGNATURE),
        ("signature=ab%2Bcd%2F%3D%3D", "ab%2Bcd"),
        (f"headers {{'X-MBX-APIKEY': '{API_KEY}'}}", API_KEY),
        (f"X-MBX-APIKEY: {API_KEY}", API_KEY),
        (f'{{"apiKey": "{API_KEY}", "method": "x"}}', API_KEY),
        (f"key {API_KEY}.", API_KEY),
        (f"https://api.telegram.org/bot{BOT_TOKEN}/getMe", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        (f"bot{quote(BOT_TOKEN, safe='')}/getMe", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----\n",
            "MC4CAQAwBQYDK2VwBCIE",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE", "MC4CAQAwBQYDK2VwBCIE"),
    ],
)
def test_an_unknown_secret_is_recognised_by_its_shape(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in STRANGER.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "bought 0.5 BTC at 60000.10 (order 28457, id x-ab12cd-3f-1700000000-17a)",
        f"the hash {SIGNATURE} does not match",
        "12345:30 is no token",
        "signature missing",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert STRANGER.redact(text) == text


@settings(deadline=None)
@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = KNOWING.redact(text)

    assert KNOWING.redact(once) == once


def test_a_private_key_of_many_lines_is_removed_line_by_line() -> None:
    pem = (
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIJ+DYvh6SEqV\n-----END PRIVATE KEY-----"
    )
    redactor = Redactor([Secret(pem)])

    for text in (pem, repr(pem), "BCIEIJ+DYvh6SEqV", quote("BCIEIJ+DYvh6SEqV", safe="")):
        assert "DYvh6SEqV" not in redactor.redact(text)


def test_a_tiny_secret_does_not_garble_every_text() -> None:
    assert Redactor([Secret("a")]).redact("a plain text") == "a plain text"


def test_log_records_lose_their_secrets_in_message_and_arguments(written: io.StringIO) -> None:
    LOG.warning("key %s and %r", API_KEY, {"secret": API_SECRET})
    LOG.warning("raw " + API_KEY)  # noqa: G003

    assert API_KEY not in written.getvalue()
    assert API_SECRET not in written.getvalue()
    assert written.getvalue().count("\n") == 2


def fail() -> None:
    raise ValueError(f"inner {API_KEY}")


def fail_twice() -> None:
    try:
        fail()
    except ValueError as inner:
        raise RuntimeError(f"?signature={SIGNATURE}") from inner


def test_tracebacks_lose_their_secrets_with_their_causes(written: io.StringIO) -> None:
    try:
        fail_twice()
    except RuntimeError:
        LOG.exception("failed")

    text = written.getvalue()
    assert "RuntimeError" in text
    assert "ValueError: inner" in text
    assert API_KEY not in text
    assert SIGNATURE not in text


def test_a_stack_loses_its_secrets(written: io.StringIO) -> None:
    record = LOG.makeRecord(LOG.name, logging.INFO, __file__, 1, "here", (), None)
    record.stack_info = f"Stack: {API_KEY}"

    LOG.handle(record)

    assert "Stack: " in written.getvalue()
    assert API_KEY not in written.getvalue()


def test_a_later_handler_gets_the_record_without_its_secrets(written: io.StringIO) -> None:
    kept: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record)

    keeper = Keeper()
    keeper.addFilter(KNOWING)
    LOG.addHandler(keeper)
    try:
        fail()
    except ValueError:
        LOG.exception("x %s", API_KEY)
    finally:
        LOG.removeHandler(keeper)

    (record,) = kept
    assert API_KEY not in repr(vars(record))
    assert API_KEY not in written.getvalue()


def test_a_record_with_wrong_arguments_is_written_and_redacted_all_the_same(
    written: io.StringIO,
) -> None:
    LOG.warning("%d %d", API_KEY)

    assert "%d %d" in written.getvalue()
    assert API_KEY not in written.getvalue()
