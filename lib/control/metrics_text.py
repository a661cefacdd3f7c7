"""Prometheus' text format, version 0.0.4: what a page of metrics looks like."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from lib.histogram import BOUNDS, Histogram
from lib.money import plain

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """What a number does: a counter only grows while a runner lives."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A name, and what it means."""

    name: str
    kind: Kind
    help: str


Labels: TypeAlias = Mapping[str, str]
Value: TypeAlias = int | Decimal | Histogram
Samples: TypeAlias = Iterable[tuple[Labels, Value]]


def page(families: Iterable[tuple[Metric, Samples]]) -> str:
    """Write all of them; one without samples is announced all the same."""
    return "".join(f"{line}\n" for metric, samples in families for line in _family(metric, samples))


def _family(metric: Metric, samples: Samples) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.help)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in samples:
        if isinstance(value, Histogram):
            yield from _buckets(metric.name, labels, value)
        else:
            yield _sample(metric.name, labels, value)


def _buckets(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    counts = list(histogram.counts)  # saves go on meanwhile, in other threads
    below = 0
    for bound, count in zip((*BOUNDS, None), counts, strict=True):
        below += count
        limit = "+Inf" if bound is None else plain(seconds(bound, -6))
        yield _sample(f"{name}_bucket", {**labels, "le": limit}, below)
    yield _sample(f"{name}_sum", labels, seconds(histogram.total, -6))
    yield _sample(f"{name}_count", labels, below)


def _sample(name: str, labels: Labels, value: int | Decimal) -> str:
    pairs = ",".join(f'{key}="{_quoted(text)}"' for key, text in labels.items())
    written = plain(value) if isinstance(value, Decimal) else str(value)
    return f"{name}{{{pairs}}} {written}" if pairs else f"{name} {written}"


def seconds(number: int, exponent: int) -> Decimal:
    """Answer so many milliseconds (-3) or microseconds (-6) in seconds, exactly."""
    return Decimal(number).scaleb(exponent)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
