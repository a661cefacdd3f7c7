"""A line of .env that cannot be read is a mistake: passed over, a lost key would mean paper."""

from pathlib import Path

import pytest

from lib.credentials import read_credentials
from lib.mistakes import ConfError

GOOD = "BINANCE_API_TEST=true\n"
SECRET = "abcdefghijklmnop"


def read(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".env"
    path.write_text(content)
    path.chmod(0o600)
    read_credentials(path, {})


@pytest.mark.parametrize(
    "line", [f"BINANCE_API_KEY='{SECRET}\n", f"BINANCE API KEY={SECRET}\n", f"'{SECRET}\n", "=\n"]
)
def test_a_line_that_cannot_be_read_is_named_by_its_number_and_not_shown(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(ConfError) as wrong:
        read(tmp_path, GOOD + line)

    assert ".env:2:1" in str(wrong.value)
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize(
    "content", ["", "\n# a remark\n\n", GOOD, "export A=1\n", "NAME\n", GOOD[:-1]]
)
def test_what_people_write_into_such_files_is_no_mistake(tmp_path: Path, content: str) -> None:
    read(tmp_path, content)
