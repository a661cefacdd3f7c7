"""Where secrets come from, and which venue they lead to."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.credentials import VENUES, Credentials, choose_venue, read_credentials
from lib.mistakes import ConfError
from lib.redaction import Secret

KEY, SECRET = "k" * 64, "s" * 64
KEYS = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}


def with_keys(test: str) -> Credentials:
    return Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET), test=test)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_without_any_source_there_are_no_credentials(env_file: Path) -> None:
    found = read_credentials(env_file, {})

    assert found == Credentials()
    assert not found.keys


def test_env_file_is_read_without_touching_the_environment(env_file: Path) -> None:
    write(
        env_file,
        f"""# mine
        export BINANCE_API_KEY={KEY}
        BINANCE_API_SECRET="{SECRET}"  # comment
        BINANCE_API_TEST=True
        TELEGRAM_TOKEN=110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw
        TELEGRAM_CHAT_ID=-100123
        ANYTHING=else
        """,
    )

    before = dict(os.environ)
    found = read_credentials(env_file, {})

    assert found.keys
    assert found.api_key == Secret(KEY)
    assert found.api_secret == Secret(SECRET)
    assert found.test == "true"
    assert found.telegram_token == Secret("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
    assert found.telegram_chat_id == "-100123"
    assert dict(os.environ) == before


def test_a_dollar_in_a_secret_stays_a_dollar(env_file: Path) -> None:
    write(env_file, "BINANCE_API_KEY=a${HOME}b\nBINANCE_API_SECRET='x$y'\n")

    found = read_credentials(env_file, {"HOME": "/root"})

    assert found.api_key == Secret("a${HOME}b")
    assert found.api_secret == Secret("x$y")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o606, 0o601])
def test_an_env_file_that_others_can_read_is_refused_with_what_mends_it(
    env_file: Path, mode: int
) -> None:
    write(env_file, f"BINANCE_API_KEY={KEY}", mode)

    with pytest.raises(ConfError, match=f"chmod 600 {env_file}") as refused:
        read_credentials(env_file, {})

    assert KEY not in str(refused.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_an_env_file_of_its_owner_alone_is_taken(env_file: Path, mode: int) -> None:
    write(env_file, f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}", mode)

    assert read_credentials(env_file, {}).keys


def test_the_environment_comes_before_the_file(env_file: Path) -> None:
    write(env_file, "BINANCE_API_KEY=file\nBINANCE_API_SECRET=file\nBINANCE_API_TEST=false")

    found = read_credentials(env_file, {"BINANCE_API_KEY": "environ", "BINANCE_API_TEST": ""})

    assert found.api_key == Secret("environ")
    assert found.api_secret == Secret("file")
    assert found.test == "false"


def test_a_named_file_comes_before_the_environment(env_file: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret", f"{SECRET}\n")
    environ = {**KEYS, "BINANCE_API_SECRET": "other"}

    found = read_credentials(
        env_file, {**environ, "BINANCE_API_SECRET_FILE": str(tmp_path / "secret")}
    )

    assert found.api_secret == Secret(SECRET)


def test_env_file_may_name_files_too(env_file: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret", SECRET)
    write(env_file, f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET_FILE={tmp_path}/secret")

    assert read_credentials(env_file, {}).api_secret == Secret(SECRET)


@pytest.mark.parametrize("name", ["BINANCE_API_KEY", "binance_api_key"])
def test_the_credentials_directory_comes_first(env_file: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "from systemd\n".replace(" ", "-"))

    found = read_credentials(env_file, {**KEYS, "CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert found.api_key == Secret("from-systemd")
    assert found.api_secret == Secret(SECRET)


def test_a_named_file_that_is_not_there_is_a_mistake(env_file: Path) -> None:
    with pytest.raises(ConfError, match="/nowhere/at/all: cannot be read: No such file"):
        read_credentials(env_file, {**KEYS, "TELEGRAM_TOKEN_FILE": "/nowhere/at/all"})


def test_an_env_file_that_is_a_folder_or_no_text_is_a_mistake(env_file: Path) -> None:
    env_file.mkdir()
    with pytest.raises(ConfError, match="cannot be read: Is a directory"):
        read_credentials(env_file, {})

    env_file.rmdir()
    env_file.write_bytes(b"BINANCE_API_KEY=\xff\xfe")
    env_file.chmod(0o600)
    with pytest.raises(ConfError, match="is no UTF-8 text"):
        read_credentials(env_file, {})


@pytest.mark.parametrize("one", ["BINANCE_API_KEY", "BINANCE_API_SECRET"])
def test_half_a_pair_of_keys_is_a_mistake(env_file: Path, one: str) -> None:
    with pytest.raises(ConfError, match="go together"):
        read_credentials(env_file, {one: KEY})


@pytest.mark.parametrize("value", ["two words", "new\nline", "né", "tab\tbed"])
def test_a_key_that_no_key_can_be_is_a_mistake_and_is_not_shown(env_file: Path, value: str) -> None:
    with pytest.raises(ConfError, match="BINANCE_API_KEY contains") as refused:
        read_credentials(env_file, {**KEYS, "BINANCE_API_KEY": value})

    assert value not in str(refused.value)


def test_a_private_key_in_pem_form_is_taken(env_file: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----"

    found = read_credentials(env_file, {**KEYS, "BINANCE_API_SECRET": pem})

    assert found.api_secret == Secret(pem)


@pytest.mark.parametrize("word", ["yes", "1", "testnet", "ture"])
def test_binance_api_test_is_true_or_false(env_file: Path, word: str) -> None:
    with pytest.raises(ConfError, match="it must be true or false"):
        read_credentials(env_file, {**KEYS, "BINANCE_API_TEST": word})


def test_a_misspelt_name_in_the_env_file_is_a_mistake(env_file: Path) -> None:
    write(env_file, f"BINANCE_APIKEY={KEY}\nBINANCE_API_SECRET={SECRET}")

    with pytest.raises(ConfError, match="did you mean BINANCE_API_KEY") as refused:
        read_credentials(env_file, {})

    assert KEY not in str(refused.value)


def test_every_mistake_is_told_at_once(env_file: Path) -> None:
    environ = {"BINANCE_API_KEY": KEY, "BINANCE_API_TEST": "x", "TELEGRAM_CHAT_ID": "me & you"}

    with pytest.raises(ConfError) as refused:
        read_credentials(env_file, environ)

    assert len(refused.value.mistakes) == 3


def test_credentials_show_none_of_their_secrets() -> None:
    shown = repr(with_keys("true"))

    assert KEY not in shown
    assert SECRET not in shown


def test_the_redactor_of_credentials_knows_their_secrets() -> None:
    found = Credentials(Secret("short-key"), Secret("short-secret"), "", Secret("short-token"))

    text = found.redactor.redact("short-key short-secret short-token chat")

    assert "short" not in text
    assert text.endswith("chat")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary() | st.text().map(lambda text: f"BINANCE_API_KEY={text}\n".encode()))
def test_any_env_file_is_read_or_refused(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)
    env_file.chmod(0o600)
    try:
        found = read_credentials(env_file, {})
    except ConfError as refused:
        found = Credentials()
        told = refused.mistakes
    else:
        told = ()
    assert told or not found.keys


# --- which venue


def test_without_keys_and_without_a_word_it_is_paper() -> None:
    assert choose_venue(None, Credentials()) == "paper"
    assert choose_venue(None, Credentials(test="false")) == "paper"


def test_with_keys_binance_api_test_chooses_between_testnet_and_live() -> None:
    assert choose_venue(None, with_keys("true")) == "testnet"
    assert choose_venue(None, with_keys("false")) == "live"


def test_with_keys_and_no_word_nothing_starts() -> None:
    with pytest.raises(ConfError, match="BINANCE_API_TEST does not say what for"):
        choose_venue(None, with_keys(""))


@pytest.mark.parametrize("venue", ["live", "testnet", "demo"])
def test_an_exchange_needs_keys(venue: str) -> None:
    with pytest.raises(ConfError, match=f"{venue} needs BINANCE_API_KEY"):
        choose_venue(venue, Credentials())


@pytest.mark.parametrize("test", ["", "true", "false"])
@pytest.mark.parametrize("venue", ["paper", "backtest"])
def test_the_simulated_venues_need_none(venue: str, test: str) -> None:
    assert choose_venue(venue, Credentials()) == venue
    assert choose_venue(venue, with_keys(test)) == venue


@pytest.mark.parametrize(
    ("venue", "test"),
    [("live", ""), ("live", "false"), ("testnet", ""), ("testnet", "true"), ("demo", "true")],
)
def test_a_venue_asked_for_is_taken_if_the_keys_are_not_another_ones(venue: str, test: str) -> None:
    assert choose_venue(venue, with_keys(test)) == venue


@pytest.mark.parametrize(
    ("venue", "test"), [("live", "true"), ("testnet", "false"), ("demo", "false")]
)
def test_a_venue_that_contradicts_binance_api_test_is_refused(venue: str, test: str) -> None:
    with pytest.raises(ConfError, match="BINANCE_API_TEST says"):
        choose_venue(venue, with_keys(test))


@pytest.mark.parametrize("venue", ["", "Live", "LIVE", "real", "production", "ftp://x"])
def test_an_unknown_venue_is_refused_with_those_there_are(venue: str) -> None:
    with pytest.raises(ConfError, match=", ".join(VENUES)):
        choose_venue(venue, with_keys("false"))


def test_an_address_is_a_simulator() -> None:
    assert choose_venue("http://localhost:8080", Credentials()) == "http://localhost:8080"
