"""Who asks, whether it is really them, and what they may: API keys and their signatures.

REST signs what it sends, byte for byte: query and body without a separator, minus the signature,
and whatever is not ASCII percent-encoded. The WebSocket API signs its parameters sorted by name, as
plain text. A key is an HMAC secret, or the public half of an RSA or Ed25519 pair.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa, pkcs1_15

from lib.simulator.refusals import Refusal, key_refused, missing

REST_PREFIX = "/api/v3/"
PEM_BEGINS: Final = "-----BEGIN "
KEY_FORM: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))


class Permission(StrEnum):
    """What a key may do. Every key may read."""

    READ = "read"
    TRADE = "trade"


class Scheme(StrEnum):
    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "Ed25519"


EVERYTHING: Final = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Account:
    """One key to an account of the venue. An account may have several."""

    name: str  # of the account
    key: str
    secret: str = field(repr=False)  # for HMAC; or a public key as PEM, RSA or Ed25519
    permissions: frozenset[Permission] = EVERYTHING
    addresses: frozenset[str] = frozenset()  # whence it may be used; none = from everywhere

    @property
    def scheme(self) -> Scheme:
        return _scheme(self.secret)

    def signed(self, payload: str, signature: str) -> bool:
        """Say whether this key's owner signed the payload."""
        match self.scheme:
            case Scheme.HMAC:
                expected = sign(self.secret, payload)
                return hmac.compare_digest(expected.encode(), signature.lower().encode())
            case Scheme.RSA:
                return _signed_rsa(self.secret, payload, signature)
            case Scheme.ED25519:
                return _signed_ed25519(self.secret, payload, signature)


class Keyring:
    """The keys the venue knows. Keys may come, be revoked and be restored while it runs."""

    def __init__(self, *accounts: Account, key_refusal_status: int = 401) -> None:
        self._accounts: dict[str, Account] = {}
        self._revoked: set[str] = set()
        self._key_refusal_status = key_refusal_status
        for account in accounts:
            self.add(account)

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._accounts.values()))

    def add(self, account: Account) -> None:
        """Let a key in. Raise ValueError if it, or its public key, cannot be one."""
        if not KEY_FORM.fullmatch(account.key):
            raise ValueError(f"no API key can look like {account.key!r}")
        if account.key in self._accounts:
            raise ValueError(f"the key of {account.name} is already one of somebody's")
        _ = account.scheme
        self._accounts[account.key] = account

    def revoke(self, key: str) -> None:
        """Make a key invalid, as if it had been deleted. Raise KeyError if there is none."""
        self._revoked.add(self._accounts[key].key)

    def restore(self, key: str) -> None:
        self._revoked.discard(self._accounts[key].key)

    def holds(self, key: str, address: str = "") -> bool:
        """Say whether a key is good now, from this address."""
        account = self._accounts.get(key)
        return account is not None and key not in self._revoked and _welcome(account, address)

    def name_of(self, key: str | None, payload: str, signature: str | None) -> str:
        """Return the account that signed `payload`. Raise Refusal."""
        return self.verify(key, payload, signature).name

    def verify(
        self,
        key: str | None,
        payload: str,
        signature: str | None,
        *,
        address: str = "",
        needed: Permission = Permission.READ,
    ) -> Account:
        """Return whose key signed `payload`, if it may do what is asked. Raise Refusal."""
        account = self.admit(key, address=address, needed=needed)
        if not signature:
            raise missing("signature")
        if not account.signed(payload, signature):
            raise bad_signature()
        return account

    def admit(
        self, key: str | None, *, address: str = "", needed: Permission = Permission.READ
    ) -> Account:
        """Return whose key it is, if it is good and may do what is asked. Raise Refusal."""
        if not key or not KEY_FORM.fullmatch(key):
            raise Refusal(-2014, "API-key format invalid.", status=401)
        if not self.holds(key, address):
            raise self.refusal()
        account = self._accounts[key]
        if needed is not Permission.READ and needed not in account.permissions:
            raise self.refusal()
        return account

    def refusal(self) -> Refusal:
        """Give what is said of a key that is unknown, revoked, used elsewhere or not allowed."""
        return key_refused(self._key_refusal_status)


def needed_permission(method: str) -> Permission:
    """Say what a signed REST call takes: whatever is no question is trading."""
    return Permission.READ if method == "GET" else Permission.TRADE


def sign(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), "sha256").hexdigest()


def rest_payload(query: str, body: str) -> str:
    """Return what a REST request has signed, from its raw query and body."""
    return quote(_without_signature(query) + _without_signature(body), safe=ASCII)


def socket_payload(params: Mapping[str, str]) -> str:
    """Return what a WebSocket API request has signed."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def _welcome(account: Account, address: str) -> bool:
    return not account.addresses or address in account.addresses


def _without_signature(part: str) -> str:
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature="))


@lru_cache(maxsize=1024)
def _scheme(secret: str) -> Scheme:
    if not secret.startswith(PEM_BEGINS):
        return Scheme.HMAC
    try:
        RSA.import_key(secret)
    except (ValueError, IndexError, TypeError):
        return _scheme_of_curve(secret)
    return Scheme.RSA


def _scheme_of_curve(secret: str) -> Scheme:
    try:
        curve = ECC.import_key(secret).curve
    except (ValueError, IndexError, TypeError) as wrong:
        raise ValueError(f"a public key that cannot be read: {wrong}") from wrong
    if curve != Scheme.ED25519:
        raise ValueError(f"a key on the curve {curve} signs nothing at Binance")
    return Scheme.ED25519


@lru_cache(maxsize=256)
def _rsa_key(public: str) -> RSA.RsaKey:
    return RSA.import_key(public)


@lru_cache(maxsize=256)
def _curve_key(public: str) -> ECC.EccKey:
    return ECC.import_key(public)


def _signed_rsa(public: str, payload: str, signature: str) -> bool:
    try:
        verifier = pkcs1_15.new(_rsa_key(public))
        verifier.verify(SHA256.new(payload.encode()), _decoded(signature))
    except (ValueError, binascii.Error):
        return False
    return True


def _signed_ed25519(public: str, payload: str, signature: str) -> bool:
    try:
        verifier = eddsa.new(_curve_key(public), "rfc8032")
        verifier.verify(payload.encode(), _decoded(signature))
    except (ValueError, binascii.Error):
        return False
    return True


def _decoded(signature: str) -> bytes:
    return base64.b64decode(signature.encode(), validate=True)
