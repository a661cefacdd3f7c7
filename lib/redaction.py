"""Keeps secrets out of everything that is shown: a value that hides itself, and a filter for logs.

What the filter knows by value it removes wherever it stands, also percent-encoded; what it does
not know it recognises by its shape: signatures, API keys, Telegram's bot tokens, private keys.
"""

import hmac
import logging
import re
import traceback
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import quote, quote_plus

REDACTED = "<redacted>"
LENGTH_MIN = 4  # of a secret that is looked for by value: a shorter one would garble every text


class Secret:
    """A text that shows itself only when asked by name. Never pickled, never formatted."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Answer the text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return REDACTED

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(("a secret", self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class Redactor(logging.Filter):
    """Removes secrets from log records. Belongs on every handler: a logger's does not inherit."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__()
        forms = {form for secret in secrets for form in _forms(secret.reveal())}
        ordered = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def redact(self, text: str) -> str:
        """Answer the text without any secret."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message, its traceback and its stack; let every record pass."""
        record.msg, record.args = self.redact(_message(record)), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        record.exc_info = None
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        return True


_SHAPES = (
    (re.compile(r"(?i)(signature[\"']?\s*[=:]\s*[\"']?)[A-Za-z0-9%+/=_-]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)(X-MBX-APIKEY[\"']?\s*[=:]\s*[\"']?)[^\s\"',}]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)(api_?key[\"']?\s*[=:]\s*[\"']?)[A-Za-z0-9]{16,}"), rf"\1{REDACTED}"),
    (re.compile(r"[0-9]{6,12}(?::|%3A)[A-Za-z0-9_-]{30,}"), REDACTED),
    (re.compile(r"(?<![A-Za-z0-9])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{64}(?![A-Za-z0-9])"), REDACTED),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        REDACTED,
    ),
)


def _forms(text: str) -> Iterable[str]:
    """The ways a secret may be written: as it is, escaped, percent-encoded; its lines, if many."""
    lines = [line.strip() for line in text.splitlines() if "-----" not in line]
    for part in {text, text.strip(), *lines}:
        if len(part) >= LENGTH_MIN:
            yield from (part, repr(part)[1:-1], quote(part, safe=""), quote_plus(part), quote(part))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):
        return f"{record.msg} {record.args!r}"
