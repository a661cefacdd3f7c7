from base64 import b64encode
from collections.abc import Callable

import pytest
from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa, pkcs1_15

from lib.simulator.refusals import Refusal
from lib.simulator.server.signatures import (
    Account,
    Keyring,
    Permission,
    Scheme,
    rest_payload,
    sign,
    socket_payload,
)

RSA_PAIR = RSA.generate(2048)
ED25519_PAIR = ECC.generate(curve="Ed25519")
RSA_KEY = Account("alice", "by-rsa", RSA_PAIR.public_key().export_key().decode())
ED25519_KEY = Account("alice", "by-ed", ED25519_PAIR.public_key().export_key(format="PEM"))
HMAC_KEY = Account("alice", "by-hmac", "secret")

# The secret of the examples in Binance's documentation.
EXAMPLE_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
EXAMPLE_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
ORDER = (
    "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559"
)


def by_rsa(payload: str) -> str:
    return b64encode(pkcs1_15.new(RSA_PAIR).sign(SHA256.new(payload.encode()))).decode()


def by_ed25519(payload: str) -> str:
    return b64encode(eddsa.new(ED25519_PAIR, "rfc8032").sign(payload.encode())).decode()


def by_hmac(payload: str) -> str:
    return sign("secret", payload)


EVERY_SCHEME = pytest.mark.parametrize(
    ("account", "signer"),
    [(HMAC_KEY, by_hmac), (RSA_KEY, by_rsa), (ED25519_KEY, by_ed25519)],
    ids=["HMAC", "RSA", "Ed25519"],
)


@EVERY_SCHEME
def test_the_owner_of_a_key_of_any_kind_is_known_by_the_signature(
    account: Account, signer: Callable[[str], str]
) -> None:
    keyring = Keyring(HMAC_KEY, RSA_KEY, ED25519_KEY)

    assert keyring.name_of(account.key, "a=1&b=2", signer("a=1&b=2")) == "alice"


@EVERY_SCHEME
@pytest.mark.parametrize(
    "spoil", [str.swapcase, lambda text: text[:-8], lambda _: "é", lambda _: "x"]
)
def test_a_signature_of_something_else_or_of_nobody_is_refused(
    account: Account, signer: Callable[[str], str], spoil: Callable[[str], str]
) -> None:
    keyring = Keyring(account)
    spoiled = spoil(signer("a=1"))
    told = refused(keyring, account.key, "a=2", signer("a=1"))

    assert told == (-1022, 400)
    if account is HMAC_KEY and spoil is str.swapcase:
        assert keyring.name_of(account.key, "a=1", spoiled) == "alice"
    else:
        assert refused(keyring, account.key, "a=1", spoiled) == (-1022, 400)


def test_the_kind_of_a_key_is_read_from_what_it_is() -> None:
    assert [key.scheme for key in (HMAC_KEY, RSA_KEY, ED25519_KEY)] == [
        Scheme.HMAC,
        Scheme.RSA,
        Scheme.ED25519,
    ]


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----", "cannot be read"),
        (ECC.generate(curve="P-256").public_key().export_key(format="PEM"), "the curve"),
    ],
    ids=["garbage", "another curve"],
)
def test_a_public_key_that_signs_nothing_is_not_taken(secret: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Keyring(Account("alice", "key", secret))


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_the_documented_rest_examples_are_accepted(symbol: str, signature: str) -> None:
    keyring = Keyring(Account("example", EXAMPLE_KEY, EXAMPLE_SECRET))
    query = f"symbol={symbol}&{ORDER}&signature={signature}"

    assert keyring.name_of(EXAMPLE_KEY, rest_payload(query, ""), signature) == "example"


@pytest.mark.parametrize(
    ("changes", "signature"),
    [
        (
            {"symbol": "BTCUSDT", "side": "SELL", "price": "52000.00", "recvWindow": "100"},
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            {"symbol": "１２３４５６", "side": "BUY", "price": "0.10000000", "recvWindow": "5000"},
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ],
)
def test_the_documented_websocket_examples_are_accepted(
    changes: dict[str, str], signature: str
) -> None:
    params = {
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000" if changes["side"] == "SELL" else "1.00000000",
        "timestamp": "1645423376532",
        "apiKey": EXAMPLE_KEY,
        "signature": signature,
        **changes,
    }
    keyring = Keyring(Account("example", EXAMPLE_KEY, EXAMPLE_SECRET))

    assert keyring.name_of(EXAMPLE_KEY, socket_payload(params), signature) == "example"


def test_what_was_signed_before_it_was_percent_encoded_is_refused() -> None:
    keyring = Keyring(HMAC_KEY)
    sent = "symbols=%5B%22BTCUSDT%22%5D"

    assert keyring.name_of("by-hmac", rest_payload(sent, ""), by_hmac(sent)) == "alice"
    assert refused(keyring, "by-hmac", rest_payload(sent, ""), by_hmac('symbols=["BTCUSDT"]')) == (
        -1022,
        400,
    )


def test_letters_that_were_sent_raw_count_as_percent_encoded() -> None:
    assert rest_payload("symbol=１", "note=é") == "symbol=%EF%BC%91note=%C3%A9"
    assert rest_payload("a=%C3%A9&signature=x", "") == "a=%C3%A9"


@pytest.mark.parametrize("key", [None, "", "with space", "é", "x" * 129])
def test_what_can_be_no_key_is_told_apart_from_an_unknown_one(key: str | None) -> None:
    keyring = Keyring(HMAC_KEY)

    assert refused(keyring, key, "a=1", "x") == (-2014, 401)
    assert refused(keyring, "unknown", "a=1", "x") == (-2015, 401)


def test_a_key_that_may_only_read_does_not_trade() -> None:
    reader = Account("alice", "reader", "secret", permissions=frozenset({Permission.READ}))
    keyring = Keyring(reader)

    assert keyring.admit("reader").name == "alice"
    with pytest.raises(Refusal) as refusal:
        keyring.admit("reader", needed=Permission.TRADE)
    assert refusal.value.code == -2015


def test_a_key_bound_to_addresses_is_good_from_there_alone() -> None:
    bound = Account("alice", "bound", "secret", addresses=frozenset({"10.0.0.1"}))
    keyring = Keyring(bound)

    assert keyring.admit("bound", address="10.0.0.1").name == "alice"
    with pytest.raises(Refusal) as refusal:
        keyring.admit("bound", address="10.0.0.2")
    assert refusal.value.code == -2015


def test_a_revoked_key_is_refused_until_it_is_restored() -> None:
    keyring = Keyring(HMAC_KEY, ED25519_KEY)

    keyring.revoke("by-hmac")
    assert refused(keyring, "by-hmac", "a=1", by_hmac("a=1")) == (-2015, 401)
    assert keyring.name_of("by-ed", "a=1", by_ed25519("a=1")) == "alice"

    keyring.restore("by-hmac")
    assert keyring.name_of("by-hmac", "a=1", by_hmac("a=1")) == "alice"
    with pytest.raises(KeyError):
        keyring.revoke("unknown")


def test_no_two_accounts_share_a_key() -> None:
    with pytest.raises(ValueError, match="already one of somebody"):
        Keyring(HMAC_KEY, Account("bob", "by-hmac", "other"))


def test_a_secret_is_never_shown() -> None:
    assert "secret" not in repr(HMAC_KEY).replace("'by-hmac'", "")


def refused(keyring: Keyring, key: str | None, payload: str, signature: str) -> tuple[int, int]:
    with pytest.raises(Refusal) as refusal:
        keyring.name_of(key, payload, signature)
    return refusal.value.code, refusal.value.status
