"""The settings of the sources as flags of the command.

A source states its settings as dataclasses of :func:`~pipelines.source.option` fields. Sources that share a setting
share its flag; a flag that no chosen source has is refused, never passed over.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ccpairs.errors import UserError
from pipelines.opt_out import OptOut
from pipelines.source import Source


def flag_of(field: dataclasses.Field[Any]) -> str:
    """The flag of a settings field."""
    return field.metadata["flag"] or "--" + field.name.replace("_", "-")


def fields_of(source: type[Source]) -> list[dataclasses.Field[Any]]:
    return [*dataclasses.fields(source.extract_settings), *dataclasses.fields(source.pair_settings)]


def add_flags(parser: argparse.ArgumentParser, sources: Sequence[type[Source]]) -> None:
    """Add every setting of the sources once, under the first source that has it."""
    owners: dict[str, list[str]] = {}
    for source in sources:
        for field in fields_of(source):
            owners.setdefault(flag_of(field), []).append(source.name)
    for source in sources:
        group = parser.add_argument_group(f"{source.name}: {source.about}")
        for field in fields_of(source):
            names = owners[flag_of(field)]
            if names[0] == source.name:
                _add_flag(group, field, f" [also {', '.join(names[1:])}]" if names[1:] else "")


def _add_flag(group: Any, field: dataclasses.Field[Any], also: str) -> None:
    values = field.metadata
    about = f"{values['help']}{also} (default: {_shown(field)})".replace("%", "%%")
    # Suppressed: what was not given stays out of the namespace, and each source's own default holds.
    common = {"dest": _dest(field), "default": argparse.SUPPRESS, "help": about}
    if isinstance(field.default, bool):
        group.add_argument(flag_of(field), action=argparse.BooleanOptionalAction, **common)
        return
    metavar = None if values["choices"] else ("N" if isinstance(field.default, int) else "VALUE")
    parse = speaking(values["parse"] or type(field.default))
    group.add_argument(flag_of(field), type=parse, choices=values["choices"] or None, metavar=metavar, **common)


def _shown(field: dataclasses.Field[Any]) -> str:
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return str(field.default)


def _dest(field: dataclasses.Field[Any]) -> str:
    return "setting" + flag_of(field).replace("-", "_")


def speaking(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Errors of a parser say what is wanted."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            wanted = "a whole number" if parse is int else "a number" if parse is float else str(error)
            raise argparse.ArgumentTypeError(f"{text!r} given; expected {wanted}") from None

    return parsed


def make_sources(
    chosen: Sequence[type[Source]], every: Sequence[type[Source]], given: argparse.Namespace, opt_out: OptOut
) -> dict[str, Source]:
    """The chosen sources with the settings that were given; raises ``UserError`` for a flag that none of them has."""
    values = vars(given)
    known = {_dest(field) for source in chosen for field in fields_of(source)}
    for source in every:
        for field in fields_of(source):
            if _dest(field) in values and _dest(field) not in known:
                raise UserError(
                    f"{flag_of(field)} is a flag of the source {source.name}; leave it out, or add that source"
                )
    return {
        source.name: source(
            _settings(source.extract_settings, values), _settings(source.pair_settings, values), opt_out
        )
        for source in chosen
    }


def _settings(kind: type, values: Mapping[str, Any]) -> Any:
    fields = dataclasses.fields(kind)
    return kind(**{field.name: values[_dest(field)] for field in fields if _dest(field) in values})
