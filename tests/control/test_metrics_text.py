"""A page of metrics is what Prometheus' grammar asks for, whatever stands in it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.control.metrics_text import Kind, Metric, page
from lib.histogram import BOUNDS, Histogram
from tests.control.exposition import read

COUNT = Metric("a_total", Kind.COUNTER, "How many.")
LEVEL = Metric("b", Kind.GAUGE, 'A "level",\nwith a \\.')
TIME = Metric("c_seconds", Kind.HISTOGRAM, "How long.")

amounts = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12
) | st.integers(-(10**18), 10**18)


def test_counters_gauges_and_histograms_are_read_as_they_are_meant() -> None:
    histogram = Histogram()
    histogram.add(700)
    histogram.add(20_000_000)

    found = read(page([(COUNT, [({"a": "x"}, 3)]), (LEVEL, []), (TIME, [({}, histogram)])]))

    assert found["a_total"].value(a="x") == 3
    assert found["b"].samples == {}
    assert found["c_seconds"].value("_bucket", le="0.0005") == 0
    assert found["c_seconds"].value("_bucket", le="0.001") == 1
    assert found["c_seconds"].value("_bucket", le="+Inf") == 2
    assert found["c_seconds"].value("_sum") == Decimal("20.0007")
    assert len(found["c_seconds"].samples) == len(BOUNDS) + 3


@given(st.dictionaries(st.text(), amounts))
def test_every_label_and_every_amount_comes_through_exactly(
    values: dict[str, Decimal | int],
) -> None:
    found = read(page([(LEVEL, [({"name": name}, value) for name, value in values.items()])]))

    assert {dict(labels)["name"]: value for (_, labels), value in found["b"].samples.items()} == {
        name: Decimal(value) for name, value in values.items()
    }


@pytest.mark.parametrize(
    "page",
    [
        "a 1",
        "a 1\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a x\na 1\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a gauge\na NaN\n",
        "# HELP a x\n# TYPE a gauge\na 1e5\n",
        '# HELP a x\n# TYPE a gauge\na{b="\\x"} 1\n',
        '# HELP a x\n# TYPE a gauge\na{b="1",b="2"} 1\n',
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE a gauge\n\na 1\n",
        "# HELP a x\n# TYPE a gauge\n# HELP a x\n# TYPE a gauge\n",
        '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
        '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\n'
        "a_count 1\n",
    ],
)
def test_the_reader_of_these_tests_refuses_what_is_not_so(page: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        read(page)
