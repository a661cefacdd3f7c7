"""The REST API over HTTP: parameters, keys and signatures; the rest is the exchange's.

Parameters may stand in the query or in the body, whatever the verb; the query wins.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from lib.simulator.gate import Gate, Reply, refusal_reply
from lib.simulator.protocol import Request
from lib.simulator.refusals import Refusal
from lib.simulator.signatures import Keyring, needs_signature, rest_payload

KEY_HEADER = "X-MBX-APIKEY"
HIDDEN = frozenset({"signature"})


@dataclass(frozen=True, slots=True)
class _Sent:
    """What arrived, before anything is believed."""

    method: str
    path: str
    query: str
    body: str
    key: str | None
    received_at: int


class Rest:
    """Serves everything below /api/."""

    def __init__(self, gate: Gate, keyring: Keyring, clock: Callable[[], int]) -> None:
        self._gate = gate
        self._keyring = keyring
        self._clock = clock

    async def serve(self, http: web.Request) -> web.StreamResponse:
        path, _, query = http.raw_path.partition("?")
        body = (await http.read()).decode("utf-8", "replace")
        key = http.headers.get(KEY_HEADER)
        sent = _Sent(http.method, path, query, body, key, self._clock())
        try:
            request = self._request(sent)
        except Refusal as refusal:
            return _response(refusal_reply(refusal))
        return await self._answer(http, request)

    async def _answer(self, http: web.Request, request: Request) -> web.StreamResponse:
        fault = self._gate.decide(request)
        if fault is None:
            return _response(self._gate.answer(request))
        reply = await self._gate.fail(request, fault)
        return _hang_up(http) if reply is None else _response(reply)

    def _request(self, sent: _Sent) -> Request:
        params = {**_params(sent.body), **_params(sent.query)}
        account = None
        if needs_signature(sent.path):
            payload = rest_payload(sent.query, sent.body)
            account = self._keyring.name_of(sent.key, payload, params.get("signature"))
        asked = {name: value for name, value in params.items() if name not in HIDDEN}
        return Request(sent.method, sent.path, asked, account, sent.received_at)


def _params(part: str) -> Mapping[str, str]:
    pairs = parse_qsl(part, keep_blank_values=True)
    params = dict(pairs)
    if len(params) != len(pairs):
        raise Refusal(-1101, "Duplicate values for a parameter detected.")
    return params


def _response(reply: Reply) -> web.Response:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return web.Response(status=reply.status, body=reply.content, headers=headers)


def _hang_up(http: web.Request) -> web.Response:
    if isinstance(http.transport, asyncio.Transport):
        http.transport.abort()
    return web.Response(status=500)
