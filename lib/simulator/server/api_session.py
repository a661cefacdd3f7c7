"""Who is logged on to one WebSocket API connection, and whose events it hears."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lib.simulator.calls.parameters import SIGNING, check_names
from lib.simulator.calls.timing import check_receipt
from lib.simulator.refusals import Refusal, missing
from lib.simulator.server.signatures import Account, Keyring, Permission, Scheme, socket_payload

SUBSCRIPTIONS_MAX: Final = 65_535
ACTIVE_MAX: Final = 1_000
WEIGHT: Final = 2  # of each method here, and of connecting

Params: TypeAlias = Mapping[str, str]
Result: TypeAlias = dict[str, Any] | list[dict[str, Any]]

SESSION: Final = frozenset({"returnRateLimits"})
SIGNED: Final = SESSION | SIGNING


@dataclass(frozen=True, slots=True)
class Subscription:
    """One account's events, heard thanks to one key."""

    number: int
    account: str
    key: str
    by_logon: bool


class Session:
    """What one connection knows of its client. Its methods answer those of the same names."""

    def __init__(
        self,
        keyring: Keyring,
        *,
        address: str,
        clock: Callable[[], int],
        shows_limits: bool,
        logon_refusal_code: int = -4056,
    ) -> None:
        self._keyring = keyring
        self._address = address
        self._clock = clock
        self._shows_limits = shows_limits
        self._logon_refusal_code = logon_refusal_code
        self._connected_since = clock()
        self._key: Account | None = None
        self._authorized_since: int | None = None
        self._subscriptions: dict[int, Subscription] = {}
        self._subscribed = 0
        self.on_end: Callable[[Subscription], None] = _nobody_hears
        self._calls: dict[str, tuple[Callable[[Params], Result], frozenset[str]]] = {
            "session.logon": (self._log_on, SIGNED),
            "session.status": (self._status, SESSION),
            "session.logout": (self._log_out, SESSION),
            "session.subscriptions": (self._list, SESSION),
            "userDataStream.subscribe": (self._subscribe, SESSION),
            "userDataStream.subscribe.signature": (self._subscribe_signed, SIGNED),
            "userDataStream.unsubscribe": (self._unsubscribe, SESSION | {"subscriptionId"}),
        }

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(self._subscriptions.values())

    def knows(self, method: str) -> bool:
        """Say whether a method is answered here."""
        return method in self._calls

    def answer(self, method: str, params: Params) -> Result:
        """Answer a method of the session or the user data stream. Raise Refusal."""
        call, known = self._calls[method]
        check_names(known, tuple(params))
        return call(params)

    def account_of(self, params: Params, needed: Permission) -> str:
        """Say whom a signed request is for: who signed it, or else who is logged on."""
        if "apiKey" not in params and "signature" not in params and self._key is not None:
            return self._keyring.admit(self._key.key, address=self._address, needed=needed).name
        return self._verify(params, needed).name

    def lost_its_key(self) -> bool:
        """Say whether the key that is logged on has died; if so it is forgotten."""
        if self._key is None or self._keyring.holds(self._key.key, self._address):
            return False
        self._forget_key()
        return True

    def end_of_keys(self) -> None:
        """End what is heard thanks to keys that are no longer good."""
        for subscription in self.subscriptions:
            if not self._keyring.holds(subscription.key, self._address):
                self._end(subscription)

    def leave(self) -> None:
        self._subscriptions.clear()

    # --- the methods

    def _log_on(self, params: Params) -> Result:
        account = self._verify(params, Permission.READ)
        check_receipt(params, self._clock())
        if account.scheme is not Scheme.ED25519:
            name = "HMAC_SHA256" if account.scheme is Scheme.HMAC else account.scheme
            raise Refusal(self._logon_refusal_code, f"{name} API key is not supported.")
        self._key = account
        self._authorized_since = self._clock()
        return self._shown()

    def _log_out(self, _params: Params) -> Result:
        self._forget_key()
        return self._shown()

    def _status(self, _params: Params) -> Result:
        return self._shown()

    def _list(self, _params: Params) -> Result:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe(self, _params: Params) -> Result:
        if self._key is None:
            raise self._keyring.refusal()
        account = self._keyring.admit(self._key.key, address=self._address)
        return self._begin(account, by_logon=True)

    def _subscribe_signed(self, params: Params) -> Result:
        account = self._verify(params, Permission.READ)
        check_receipt(params, self._clock())
        return self._begin(account, by_logon=False)

    def _unsubscribe(self, params: Params) -> Result:
        asked = params.get("subscriptionId")
        ended = self.subscriptions
        if asked is not None:
            number = int(asked) if asked.isdecimal() and len(asked) <= 5 else -1
            if number not in self._subscriptions:
                raise Refusal(-2036, "User Data Stream subscription not active.")
            ended = (self._subscriptions[number],)
        for subscription in ended:
            self._end(subscription)
        return {}

    # --- what they share

    def _verify(self, params: Params, needed: Permission) -> Account:
        key = params.get("apiKey")
        if key is None:
            raise missing("apiKey")
        return self._keyring.verify(
            key,
            socket_payload(params),
            params.get("signature"),
            address=self._address,
            needed=needed,
        )

    def _begin(self, account: Account, *, by_logon: bool) -> Result:
        if any(other.account == account.name for other in self.subscriptions):
            raise Refusal(-2035, "User Data Stream subscription already active.")
        if self._subscribed >= SUBSCRIPTIONS_MAX or len(self._subscriptions) >= ACTIVE_MAX:
            raise Refusal(-2042, "Maximum subscription ID reached for this connection.")
        number = self._subscribed
        self._subscribed += 1
        self._subscriptions[number] = Subscription(number, account.name, account.key, by_logon)
        return {"subscriptionId": number}

    def _end(self, subscription: Subscription) -> None:
        del self._subscriptions[subscription.number]
        self.on_end(subscription)

    def _forget_key(self) -> None:
        self._key = self._authorized_since = None
        for subscription in self.subscriptions:
            if subscription.by_logon:
                self._end(subscription)

    def _shown(self) -> dict[str, Any]:
        return {
            "apiKey": self._key.key if self._key is not None else None,
            "authorizedSince": self._authorized_since,
            "connectedSince": self._connected_since,
            "returnRateLimits": self._shows_limits,
            "serverTime": self._clock(),
            "userDataStream": bool(self._subscriptions),
        }


def _nobody_hears(_subscription: Subscription) -> None:
    """Tell nobody that a subscription has ended."""
