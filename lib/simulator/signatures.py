"""Who asks, and whether it is really them: API keys and HMAC-SHA256 signatures.

REST signs what it sends, byte for byte: query and body without a separator, minus the signature.
The WebSocket API signs its parameters sorted by name. Refusals carry Binance's codes and texts.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.simulator.refusals import Refusal, key_refused, missing

PUBLIC_PATHS = frozenset({
    "ping",
    "time",
    "exchangeInfo",
    "executionRules",
    "depth",
    "trades",
    "historicalTrades",
    "aggTrades",
    "klines",
    "uiKlines",
    "avgPrice",
    "ticker",
    "ticker/24hr",
    "ticker/tradingDay",
    "ticker/price",
    "ticker/bookTicker",
    "referencePrice",
    "userDataStream",
})
REST_PREFIX = "/api/v3/"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the venue and the key that opens it."""

    name: str
    key: str
    secret: str = field(repr=False)


class Keyring:
    """The keys the venue knows."""

    def __init__(self, *accounts: Account, key_refusal_status: int = 401) -> None:
        self._accounts = {account.key: account for account in accounts}
        self._key_refusal_status = key_refusal_status

    def name_of(self, key: str | None, payload: str, signature: str | None) -> str:
        """Return the account that signed `payload`. Raise Refusal."""
        account = self._account_of(key)
        if not signature:
            raise missing("signature")
        expected = sign(account.secret, payload)
        if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
            raise bad_signature()
        return account.name

    def _account_of(self, key: str | None) -> Account:
        if not key:
            raise Refusal(-2014, "API-key format invalid.", status=401)
        account = self._accounts.get(key)
        if account is None:
            raise key_refused(self._key_refusal_status)
        return account


def needs_signature(path: str) -> bool:
    """Say whether a REST path is a signed one. Unknown paths are the exchange's to refuse."""
    return path.startswith(REST_PREFIX) and path.removeprefix(REST_PREFIX) not in PUBLIC_PATHS


def sign(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), "sha256").hexdigest()


def rest_payload(query: str, body: str) -> str:
    """Return what a REST request has signed, from its raw query and body."""
    return _without_signature(query) + _without_signature(body)


def socket_payload(params: Mapping[str, str]) -> str:
    """Return what a WebSocket API request has signed."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def _without_signature(part: str) -> str:
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature="))
