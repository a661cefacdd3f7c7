"""Nothing a terminal is given is wider than the terminal."""

from hypothesis import given
from hypothesis import strategies as st

from lib.control.columns import Column, clip, lay_out, width_of

COLUMNS = (Column("bot"), Column("price", spare=2, right=True), Column("result", spare=1))


@given(st.lists(st.tuples(st.text(max_size=30), st.text(), st.text())), st.integers(1, 60))
def test_no_line_of_a_table_is_wider_than_allowed(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    assert all(width_of(line) <= width for line in lay_out(COLUMNS, rows, width))


def test_the_column_that_can_be_spared_most_goes_first() -> None:
    row = ("lisa", "61000.5", "+12 USDT")

    assert lay_out(COLUMNS, [row], 40)[1] == "lisa  61000.5  +12 USDT"
    assert lay_out(COLUMNS, [row], 20)[1] == "lisa  +12 USDT"
    assert lay_out(COLUMNS, [row], 5)[1] == "lisa"


def test_what_is_cut_says_so() -> None:
    assert clip("bought 0.01 BTC", 8) == "bought …"
    assert clip("bought", 6) == "bought"


def test_wide_letters_count_twice_and_marks_not_at_all() -> None:
    assert width_of("比特币") == 6
    assert width_of("e\u0301") == 1
    assert clip("比特币", 5) == "比特…"
