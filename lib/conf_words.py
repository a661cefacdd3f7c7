"""Says in plain words, and at its place in the file, what pydantic finds wrong in a section."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lib.commented_json import Document, Position
from lib.mistakes import Mistake, Path, likely, shown, written
from lib.settings import Settings

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed file under its name, where mistakes get their place. `top` leads its paths."""

    file: str
    document: Document
    top: Path = ()

    def mistake(self, path: Path, *, found: str, expected: str, likely: str = "") -> Mistake:
        """A mistake in the value at a path."""
        place = self.document.values.get(path)
        return self._at(place, path, found, expected, likely)

    def mistaken_key(self, path: Path, *, found: str, expected: str, likely: str = "") -> Mistake:
        """A mistake in the key itself."""
        place = self.document.keys.get(path, self.document.values.get(path))
        return self._at(place, path, found, expected, likely)

    def _at(
        self, place: Position | None, path: Path, found: str, expected: str, likely: str
    ) -> Mistake:
        place = place or Position(0, 0)
        full = written((*self.top, *path))
        return Mistake(self.file, place.line, place.column, full, found, expected, likely)


def validated(
    page: Page,
    path: Path,
    kind: type[S],
    section: Mapping[str, Any],
    *,
    beside: Collection[str] = (),
) -> tuple[S | None, list[Mistake]]:
    """Make a section into its Settings, or say every mistake in it. `path` is the section's.

    `beside` are keys that the section may have and another reads: one of them may be meant.
    """
    try:
        return kind.model_validate(section), []
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
    except (ValueError, ArithmeticError, TypeError, LookupError) as wrong:
        words = f"the values do not fit together: {wrong}"
        return None, [page.mistake(path, found="", expected=words)]
    return None, list(_mistakes(page, path, kind, section, errors, beside))


def _mistakes(
    page: Page,
    path: Path,
    kind: type[Settings],
    section: Mapping[str, Any],
    errors: Iterable[ErrorDetails],
    beside: Collection[str],
) -> Iterator[Mistake]:
    by_place: dict[tuple[Path, str], list[ErrorDetails]] = {}
    for error in errors:
        place = _place(section, error)
        by_place.setdefault((place, _sort(error)), []).append(error)
    missing = {place for place, sort in by_place if sort == "missing"}
    guesses = {
        place: _guess(place, _keys(kind, place[:-1], section), missing, beside)
        for place, sort in by_place
        if sort == "unknown"
    }
    meant = {(*place[:-1], guess) for place, guess in guesses.items()}
    for (place, sort), found in by_place.items():
        if sort == "unknown":
            yield _unknown(page, (*path, *place), _keys(kind, place[:-1], section), guesses[place])
        elif sort != "missing":
            yield _wrong_value(page, (*path, *place), _written(section, place), found)
        elif place not in meant:
            yield _absent(page, (*path, *place))


def _sort(error: ErrorDetails) -> str:
    return {"missing": "missing", "extra_forbidden": "unknown"}.get(error["type"], "wrong")


def _place(section: object, error: ErrorDetails) -> Path:
    """Follow an error's path through the section, past pydantic's names for members of a union."""
    path: list[str | int] = []
    for step in error["loc"]:
        try:
            section = section[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(step)
    if error["type"] == "missing" or (not path and error["type"] == "extra_forbidden"):
        path.append(error["loc"][-1])
    return tuple(path)


def _unknown(page: Page, path: Path, keys: Iterable[str], guess: str) -> Mistake:
    key = str(path[-1])
    if _SECRET.search(key):
        words = "no secrets in this file: they belong in .env"
        return page.mistaken_key(path, found=f"the key {shown(key)}", expected=words)
    return page.mistaken_key(
        path,
        found=f"the unknown key {shown(key)}",
        expected=f"one of {', '.join(keys)}",
        likely=shown(guess) if guess else "",
    )


_SECRET = re.compile(r"secret|passw|token|api_?key|private", re.IGNORECASE)


def _absent(page: Page, path: Path) -> Mistake:
    return page.mistake(path[:-1], found="nothing", expected=f"a value for {shown(path[-1])}")


def _written(section: Any, place: Path) -> object:
    """Look up a value as it stands in the file, not as some validator made it."""
    for step in place:
        section = section[step]
    return section


def _wrong_value(page: Page, path: Path, value: object, errors: list[ErrorDetails]) -> Mistake:
    first = errors[0]
    if first["type"] in {"value_error", "assertion_error"}:
        reason = str(first.get("ctx", {}).get("error", first["msg"]))
        return page.mistake(path, found="", expected=" ".join(reason.split()))
    unit = " ms" if isinstance(value, str) and isinstance(first["input"], int) else ""
    expected = list(dict.fromkeys(_expectation(error) + unit for error in errors))
    words = [word for error in errors for word in _choices(error)]
    close = likely(value, words) if isinstance(value, str) else ""
    return page.mistake(
        path,
        found=shown(value),
        expected=" or ".join(expected),
        likely=shown(close) if close else "",
    )


def _choices(error: ErrorDetails) -> list[str]:
    """Name the words an enum or a literal would take."""
    if error["type"] not in {"enum", "literal_error", "union_tag_invalid"}:
        return []
    context = error.get("ctx", {})
    return re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))


_EXPECTED = {
    "string_type": "a text in double quotes",
    "int_type": "an integer",
    "int_parsing_size": "an integer of a sensible size",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "null",
    "list_type": "a list: […]",
    "tuple_type": "a list: […]",
    "set_type": "a list: […]",
    "frozen_set_type": "a list: […]",
    "dict_type": "an object: {{…}}",
    "model_type": "an object: {{…}}",
    "model_attributes_type": "an object: {{…}}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "too_short": "at least {min_length} elements",
    "too_long": "at most {max_length} elements",
    "decimal_max_places": "at most {decimal_places} decimals",
    "decimal_max_digits": "at most {max_digits} digits",
    "decimal_whole_digits": "at most {whole_digits} digits before the point",
    "union_tag_not_found": "an object with the key {discriminator}",
}


def _expectation(error: ErrorDetails) -> str:
    choices = _choices(error)
    if choices:
        return " or ".join(map(shown, choices))
    template = _EXPECTED.get(error["type"])
    if template is None:
        return error["msg"].removeprefix("Input should be ").replace("'", '"')
    context = {name: _plainly(value) for name, value in error.get("ctx", {}).items()}
    return template.format_map(context)


def _plainly(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value).replace("'", '"')


def _guess(place: Path, keys: Collection[str], missing: set[Path], beside: Collection[str]) -> str:
    """Guess the key that was meant; one that is missing beside it comes first."""
    absent = [str(path[-1]) for path in missing if path[:-1] == place[:-1]]
    key = str(place[-1])
    known = [*keys, *(() if place[:-1] else sorted(beside))]
    return likely(key, absent) or likely(key, known)


def _keys(kind: type[Settings], place: Path, section: Mapping[str, Any]) -> list[str]:
    """Name the keys that the models at a place know."""
    inner = kind.inner_type(str(place[0]), section) if place else None
    if inner is not None:
        return _keys(inner, place[1:], section[str(place[0])])
    models: list[type[BaseModel]] = [kind]
    for step in place:
        inside = [
            model.model_fields[step].annotation
            for model in models
            if isinstance(step, str) and step in model.model_fields
        ]
        if inside:
            models = [model for annotation in inside for model in _models(annotation)]
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
