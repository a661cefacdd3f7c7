"""A terminal small enough to trust: it understands what the live table writes and nothing else."""

import re
from typing import Final

_TOKEN: Final = re.compile(r"\x1b\[(\d*)(?:;(\d*))?([A-Za-z])|(\r)|(\n)|([^\x1b])", re.DOTALL)


class Screen:
    """Cells as a person would see them. Raises for a sequence it does not know."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.coloured = False
        self.wrapped = False

    def feed(self, text: str) -> None:
        """Take in what a program wrote."""
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            assert token, f"not understood: {text[at : at + 12]!r}"
            at = token.end()
            first, second, command, carriage, newline, sign = token.groups()
            if command:
                self._obey(command, first, second)
            elif carriage:
                self.column = 0
            elif newline:
                self._feed_line()
            else:
                self._write(sign)

    @property
    def text(self) -> list[str]:
        """The lines, without the space at their ends."""
        return ["".join(row).rstrip() for row in self.cells]

    def _obey(self, command: str, first: str, second: str | None) -> None:
        if command == "H":
            self.row, self.column = int(first or 1) - 1, int(second or 1) - 1
            assert self.row < self.lines, f"line {self.row} is below the screen"
        elif command == "K":
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif command == "J":
            begin = 0 if first == "2" else self.row
            for row in range(begin, self.lines):
                self.cells[row] = [" "] * self.columns
        elif command == "m":
            self.coloured = first not in {"", "0"}
        else:
            raise AssertionError(f"unknown command {command}")

    def _write(self, sign: str) -> None:
        if self.column >= self.columns:
            self.wrapped = True
            self.column = 0
            self._feed_line()
        self.cells[self.row][self.column] = sign
        self.column += 1

    def _feed_line(self) -> None:
        if self.row == self.lines - 1:
            self.cells = [*self.cells[1:], [" "] * self.columns]
        else:
            self.row += 1
