"""A validation error as a list of mistakes: ``place: what is wrong; what to write instead``. No value ever stands in one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streamgate.config._fields import section_of

_KINDS: Final = {
    "int_": "not a whole number; write one, without quotes",
    "float_": "not a number; write one, without quotes",
    "decimal_parsing": "not a number; write one, without quotes",
    "decimal_type": "not a number; write one, without quotes",
    "bool_": "neither true nor false; write one of them, without quotes",
    "string_type": "not a text; write one, in quotes",
    "path_type": "not a path; write one, in quotes",
    "tuple_type": "not a list; write one, in brackets",
    "dict_type": "not a table; write one",
    "model_type": "not a table; write one",
}


def problems(error: ValidationError, model: type[BaseModel], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Every mistake, in the order of the file. ``sources`` tells which environment variable a place was set by."""
    return tuple(line for details in error.errors(include_input=False, include_url=False) for line in _lines(details, model, sources))


def _lines(details: ErrorDetails, model: type[BaseModel], sources: Mapping[str, str]) -> Iterator[str]:
    names = [str(part) for part in details["loc"] if part != "[key]"]
    place = ".".join(names)
    if details["type"] == "extra_forbidden":
        yield unknown(place, names[-1], _siblings(model, names[:-1]))
        return
    if details["type"] == "missing":
        yield f"{place}: missing; write {names[-1]} = …"
        return
    text = details["msg"].removeprefix("Value error, ")
    if details["type"] == "value_error" and "[key]" not in details["loc"] and _model_at(model, names) is not None:
        yield from (f"{place}.{line}" if place else line for line in text.splitlines())
        return
    variable = sources.get(place, "file")
    where = f"{place} ({variable})" if variable.isupper() else place
    yield f"{where}: {text if details['type'] == 'value_error' else _worded(details['type'], text)}"


def _worded(kind: str, message: str) -> str:
    """Pydantic says what should be; what is wrong is that it is not. Its messages of these kinds hold no input."""
    for prefix, words in _KINDS.items():
        if kind.startswith(prefix):
            return words
    wanted = message.partition(" should ")[2]
    if kind in {"literal_error", "enum"}:
        return f"not one of the choices; write {wanted.removeprefix('be ')}"
    return f"not within the limits; it should {wanted}" if wanted else "not accepted; see `streamgate config reference`"


def unknown(place: str, name: str, known: Iterable[str]) -> str:
    """The mistake of a name that does not exist, with the nearest one that does."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if near:
        return f"{place}: unknown; did you mean {near[0]}?"
    return f"{place}: unknown; known here: {', '.join(choices) or 'nothing'}"


def _model_at(model: type[BaseModel], names: list[str]) -> type[BaseModel] | None:
    here: Any = model
    for name in names:
        section = section_of(here)
        if section is not None:
            field = section.model_fields.get(name)
            here = None if field is None else field.annotation
        elif get_origin(here) is dict:
            here = get_args(here)[1]
        else:
            return None
    return section_of(here)


def _siblings(model: type[BaseModel], names: list[str]) -> tuple[str, ...]:
    section = _model_at(model, names)
    return () if section is None else tuple(section.model_fields)
