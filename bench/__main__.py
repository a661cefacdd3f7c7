"""Measures everything, one ratio a line: `make bench`, or `make bench ARGS="save wire"`.

Each file of this folder that has a `measure()` answers names and ratios by it, and says in its
first line what they are ratios to. Figures of two machines may be compared, seconds may not.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import bench


def modules() -> Iterator[str]:
    """List what there is to measure."""
    return (each.name for each in pkgutil.iter_modules(bench.__path__) if each.name != "__main__")


def show(name: str) -> None:
    """Measure one file and print its lines."""
    module = importlib.import_module(f"bench.{name}")
    if not hasattr(module, "measure"):
        return
    print(f"\n{name}: {(module.__doc__ or '').partition(chr(10))[0]}", flush=True)
    for what, ratio in module.measure():
        print(f"  {what:48} {ratio:10.3f}", flush=True)


def main(wanted: list[str]) -> None:
    """Measure what was named, or everything."""
    known = list(modules())
    if unknown := set(wanted) - set(known):
        sys.exit(f"there is no {', '.join(sorted(unknown))}: there is {', '.join(known)}")
    for name in wanted or known:
        show(name)


if __name__ == "__main__":
    main(sys.argv[1:])
