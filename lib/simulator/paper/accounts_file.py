"""The accounts of a paper exchange as a file tells them: balances, keys, what each key may do.

    {"accounts": [{
      "name": "alice",
      "balances": {"USDT": 10000, "BTC": "0.5"},
      "keys": [
        {"key": "alice-trades", "type": "HMAC", "secret": "…"},
        {"key": "alice-looks", "type": "Ed25519", "secret": "-----BEGIN PUBLIC KEY-----…",
         "permissions": ["read"], "addresses": ["127.0.0.1"]}
      ]}]}

Comments and trailing commas are welcome, as in conf.json. Every mistake is told at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from lib.commented_json import NotJson, parse
from lib.conf_words import Page, validated
from lib.mistakes import ConfError, Mistake
from lib.settings import Settings
from lib.simulator.server.signatures import EVERYTHING, Account, Keyring, Permission, Scheme

Asset = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Amount = Annotated[Decimal, Field(ge=0, decimal_places=8)]
Entry = TypeVar("Entry")


def _address(written: str) -> str:
    return str(ip_address(written))


def _some(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not entries:
        raise ValueError("expected at least one")
    return entries


Address = Annotated[str, AfterValidator(_address)]


class KeyGrant(Settings):
    """One key. `secret` is the shared one of HMAC, or the public key as PEM."""

    key: str
    secret: str = Field(min_length=1, repr=False)
    type: Scheme = Scheme.HMAC
    permissions: tuple[Permission, ...] = tuple(EVERYTHING)
    addresses: tuple[Address, ...] = ()


class AccountEntry(Settings):
    """One account as written."""

    name: Name
    balances: dict[Asset, Amount]
    keys: tuple[KeyGrant, ...]


class AccountsFile(Settings):
    """The whole file."""

    accounts: Annotated[tuple[AccountEntry, ...], AfterValidator(_some)]


@dataclass(frozen=True, slots=True)
class AccountGrant:
    """An account, what it begins with, and the keys that open it."""

    name: str
    balances: Mapping[str, Decimal]
    keys: tuple[Account, ...]


def read_accounts(path: Path) -> tuple[AccountGrant, ...]:
    """Read the file. Raises ConfError with every mistake in it."""
    try:
        document = parse(path.read_bytes())
    except OSError as wrong:
        raise _mistaken(path, f"cannot be read: {wrong.strerror or wrong}") from wrong
    except NotJson as wrong:
        raise _mistaken(path, f"line {wrong.position.line}: {wrong.found}") from wrong
    if not isinstance(document.value, dict):
        raise _mistaken(path, 'must hold an object: {"accounts": […]}')
    page = Page(str(path), document, top=())
    found, mistakes = validated(page, (), AccountsFile, document.value)
    if found is None:
        raise ConfError(mistakes)
    grants = tuple(_granted(entry) for entry in found.accounts)
    _check(path, found, grants)
    return grants


def _granted(entry: AccountEntry) -> AccountGrant:
    keys = tuple(
        Account(
            entry.name,
            grant.key,
            grant.secret,
            permissions=frozenset(grant.permissions),
            addresses=frozenset(grant.addresses),
        )
        for grant in entry.keys
    )
    return AccountGrant(entry.name, entry.balances, keys)


def _check(path: Path, found: AccountsFile, grants: tuple[AccountGrant, ...]) -> None:
    """Refuse what does not fit together: names or keys given twice, a key of another type."""
    names = [grant.name for grant in grants]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise _mistaken(path, f"accounts given twice: {', '.join(sorted(twice))}")
    keyring = Keyring()
    for entry, grant in zip(found.accounts, grants, strict=True):
        for written, account in zip(entry.keys, grant.keys, strict=True):
            try:
                keyring.add(account)
            except ValueError as wrong:
                raise _mistaken(path, f"{entry.name}: {wrong}") from None
            if account.scheme is not written.type:
                words = f"{entry.name}: {written.key} says {written.type}, but is {account.scheme}"
                raise _mistaken(path, words)


def _mistaken(path: Path, words: str) -> ConfError:
    return ConfError([Mistake(str(path), 0, 0, "", "", words)])
