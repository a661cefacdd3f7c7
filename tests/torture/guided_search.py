"""Looks for bytes that a reader does not survive, led by which branches they reach.

python -m tests.torture.guided_search MODULE READER FOLDER [libFuzzer's flags]

FOLDER/corpus has examples; the branches are those of lib and of the reader's own module.
"""

import sys
from importlib import import_module
from pathlib import Path

import atheris


class Misread(Exception):
    """A reader did what it may not."""


def main() -> None:
    """Search until libFuzzer's flags say it is enough, or something is found."""
    module, name, folder, *flags = sys.argv[1:]
    with atheris.instrument_imports(include=["lib", module]):
        read = getattr(import_module(module), name)
    place = Path(folder)

    def try_out(raw: bytes) -> None:
        for wrong in read(raw, place):
            raise Misread(wrong)

    atheris.Setup([sys.argv[0], str(place / "corpus"), *flags], try_out)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
