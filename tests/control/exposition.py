"""A strict reader of Prometheus' text format 0.0.4: whatever it is not sure of is an error.

After prometheus.io/docs/instrumenting/exposition_formats: HELP and TYPE once and before all samples
of a family, families in one piece, no sample twice, escapes where they are allowed, a line feed at
the end; and histograms whose buckets grow, end with +Inf, and agree with their count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\\\|\\n)+)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SUFFIXES = ("_bucket", "_sum", "_count")

Labels = frozenset[tuple[str, str]]


@dataclass
class Family:
    """One metric and its samples, by the name of the sample and its labels."""

    name: str
    help: str
    type: str = ""
    samples: dict[tuple[str, Labels], Decimal] = field(default_factory=dict)

    def value(self, suffix: str = "", **labels: str) -> Decimal:
        return self.samples[f"{self.name}{suffix}", frozenset(labels.items())]


def read(text: str) -> dict[str, Family]:
    """Read a page. Raises AssertionError for whatever is not as it must be."""
    assert text.endswith("\n"), "the last line has no end"
    families: dict[str, Family] = {}
    current: Family | None = None
    for line in text.removesuffix("\n").split("\n"):
        if found := HELP.fullmatch(line):
            assert found[1] not in families, f"{found[1]} is announced twice"
            current = families[found[1]] = Family(found[1], found[2])
        elif found := TYPE.fullmatch(line):
            assert current is not None
            assert (current.name, current.type) == (found[1], ""), line
            assert not current.samples, line
            current.type = found[2]
        else:
            assert current is not None, line
            _take_sample(current, line)
    for family in families.values():
        _check(family)
    return families


def _take_sample(family: Family, line: str) -> None:
    found = SAMPLE.fullmatch(line)
    assert found, f"no sample: {line!r}"
    assert family.type, f"no type before {line}"
    suffixes = SUFFIXES if family.type == "histogram" else ("",)
    assert found[1] in {f"{family.name}{suffix}" for suffix in suffixes}, line
    pairs = PAIR.findall(found[2] or "")
    assert len({name for name, _ in pairs}) == len(pairs), f"a label twice: {line}"
    key = found[1], frozenset((name, unescaped(text)) for name, text in pairs)
    assert key not in family.samples, f"a sample twice: {line}"
    family.samples[key] = Decimal(found[3])


def unescaped(text: str) -> str:
    meant: Mapping[str, str] = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
    return re.sub(r'\\[\\"n]', lambda found: meant[found[0]], text)


def _check(family: Family) -> None:
    assert family.type, f"{family.name} has no type"
    if family.type == "counter":
        assert family.name.endswith("_total"), family.name
        assert all(value >= 0 for value in family.samples.values())
    if family.type == "histogram":
        _check_histogram(family)


def _check_histogram(family: Family) -> None:
    series: dict[Labels, list[tuple[Decimal, Decimal]]] = {}
    for (name, labels), value in family.samples.items():
        rest = frozenset(pair for pair in labels if pair[0] != "le")
        found = series.setdefault(rest, [])
        if name.endswith("_bucket"):
            bound = dict(labels)["le"]
            found.append((Decimal("Infinity" if bound == "+Inf" else bound), value))
    for labels, buckets in series.items():
        assert buckets == sorted(buckets), "buckets out of order, or shrinking"
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1][0] == Decimal("Infinity")
        assert family.samples[f"{family.name}_count", labels] == buckets[-1][1]
        assert family.samples[f"{family.name}_sum", labels] >= 0
