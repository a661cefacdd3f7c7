"""How an answer differs from what Binance's own client expects of it."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

EXTRA: Final = "additional_properties"
WRAPPED: Final = "actual_instance"  # one of several models
ROWS: Final = 3


def unknown(answer: Any, path: str = "") -> Iterator[str]:
    """Name the fields that Binance's client has never heard of."""
    if isinstance(answer, list):
        for row in answer[:ROWS]:
            yield from unknown(row, path)
    elif isinstance(answer, BaseModel):
        yield from (f"{path}{name}" for name in getattr(answer, EXTRA, None) or {})
        for name, value in _fields(answer):
            yield from unknown(value, f"{path}{name}.")


def absent(answer: Any, path: str = "") -> Iterator[str]:
    """Name the fields that Binance's client knows and did not get."""
    if isinstance(answer, list):
        for row in answer[:ROWS]:
            yield from absent(row, path)
    elif isinstance(answer, BaseModel):
        for name, value in _fields(answer):
            if value is None:
                yield f"{path}{name}"
            else:
                yield from absent(value, f"{path}{name}.")


def _fields(model: BaseModel) -> Iterator[tuple[str, Any]]:
    """Give the fields as Binance names them, of the chosen model if there is a choice."""
    fields = type(model).model_fields
    if WRAPPED in fields:
        chosen = getattr(model, WRAPPED)
        if isinstance(chosen, BaseModel):
            yield from _fields(chosen)
        return
    for name, field in fields.items():
        if name != EXTRA:
            yield field.alias or name, getattr(model, name)
