import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import ECC

from lib.mistakes import ConfError
from lib.simulator.paper.accounts_file import read_accounts
from lib.simulator.server.signatures import EVERYTHING, Permission, Scheme

HMAC = {"key": "k1", "secret": "s1"}


def written(folder: Path, content: Any) -> Path:
    path = folder / "accounts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def account(name: str = "alice", *keys: dict[str, Any], **balances: Any) -> dict[str, Any]:
    return {"name": name, "balances": balances, "keys": list(keys)}


def test_accounts_have_exact_balances_and_keys_of_every_type(tmp_path: Path) -> None:
    public = ECC.generate(curve="Ed25519").public_key().export_key(format="PEM")
    looks = {"key": "k2", "type": "Ed25519", "secret": public, "permissions": ["read"]}
    path = written(
        tmp_path, {"accounts": [account("alice", HMAC, looks, USDT="0.1"), account("bob", BTC=1)]}
    )

    alice, bob = read_accounts(path)

    assert alice.balances == {"USDT": Decimal("0.1")}
    assert [key.scheme for key in alice.keys] == [Scheme.HMAC, Scheme.ED25519]
    assert [key.permissions for key in alice.keys] == [EVERYTHING, {Permission.READ}]
    assert {key.name for key in alice.keys} == {"alice"}
    assert (bob.name, bob.keys) == ("bob", ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1"),
        ("[]", 'must hold an object: {"accounts"'),
        ({"accounts": []}, "accounts"),
        ({"accounts": [account("a b")]}, "a b"),
        ({"accounts": [account("alice", USDT="-1")]}, "USDT"),
        ({"accounts": [account("alice", USDT="ten")]}, "USDT"),
        ({"accounts": [account("alice"), account("alice")]}, "given twice: alice"),
        ({"accounts": [account("a", HMAC), account("b", HMAC)]}, "already one of somebody's"),
        ({"accounts": [account("a", {**HMAC, "type": "RSA"})]}, "k1 says RSA, but is HMAC"),
        ({"accounts": [account("a", {**HMAC, "permissions": ["fly"]})]}, "fly"),
        ({"accounts": [account("a", {**HMAC, "key": "no key"})]}, "no API key can look like"),
        ({"accounts": [account("a", {**HMAC, "secret": "-----BEGIN x"})]}, "a:"),
        ({"accounts": [account("a", {**HMAC, "secret": ""})]}, "keys[0].secret"),
        ({"accounts": [account("a", {**HMAC, "addresses": ["home"]})]}, "addresses[0]"),
        ({"accounts": [account("a", USDT="0.000000001")]}, "at most 8 decimals"),
    ],
)
def test_a_mistake_in_the_file_is_said(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(ConfError) as wrong:
        read_accounts(written(tmp_path, content))

    assert said in str(wrong.value)
    assert "s1" not in str(wrong.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match="cannot be read"):
        read_accounts(tmp_path / "none.json")
