"""JSON records as dumps and exports hold them: strictly where they are sound, mended where they are nearly so.

A line goes through msgspec's decoder. Only one that it refuses is looked at again, so sound files pay nothing:

* a byte-order mark at its start goes;
* control characters inside a text stay;
* half a surrogate pair (``\\ud83d``) goes; ``NaN`` and ``Infinity`` become null;
* MongoDB's wrappers (``{"$date": ...}``, ``{"$oid": ...}``, ``{"$numberLong": ...}``) become what they wrap;
* where true or false is wanted, 1 and 0 are that;
* where a text is wanted and a list of texts stands, its texts are joined, a line each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"
BAD_RECORD = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What decoding a damaged record raises; ``RecursionError`` where it nests without end."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_RAW_SURROGATE = b"\xed"
_MILLISECONDS = 1000


DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError)


def record_decoder(kind: type[T], mend: Callable[[Any], Any] | None = None) -> Callable[[bytes], T]:
    """Return a function from a line to a record of a ``msgspec`` type; it raises one of ``BAD_RECORD``.

    Args:
        kind: a ``msgspec.Struct`` class, or any type that ``msgspec`` decodes.
        mend: changes a decoded object that does not fit, before it is tried again (a source's own repairs).
    """
    decode, decode_again = msgspec.json.Decoder(kind).decode, record_mender(kind, mend)

    def decode_record(line: bytes) -> T:
        try:
            return decode(line)
        except DECODE_ERRORS as error:
            return decode_again(line, error)

    return decode_record


def record_mender(
    kind: type[T], mend: Callable[[Any], Any] | None = None
) -> Callable[[bytes, msgspec.MsgspecError | UnicodeDecodeError], T]:
    """Return a function that decodes a line which ``msgspec`` refused with an error; it raises that error again where
    the line is damaged beyond mending. Arguments as of :func:`record_decoder`.
    """

    def decode_again(line: bytes, error: msgspec.MsgspecError | UnicodeDecodeError) -> T:
        try:
            value = decode_leniently(line)
            return msgspec.convert(_fit(mend(value) if mend else value, kind), kind)
        except (*BAD_RECORD, TypeError):
            raise error from None

    return decode_again


def decode_any(line: bytes) -> Any:
    """Decode a line to plain objects; raises one of ``BAD_RECORD``."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return decode_leniently(line)


def decode_leniently(line: bytes) -> Any:
    """Decode JSON with a byte-order mark, half surrogate pairs or numbers that are none; raises ``ValueError``."""
    line = line.removeprefix(BOM)
    text = line.decode("utf-8", "surrogatepass" if _RAW_SURROGATE in line else "strict")
    if _LONE_SURROGATE.search(text):
        text = _sound(text)
    return _without_surrogates(json.loads(text, parse_constant=lambda name: None, strict=False))


def head_records(head: bytes) -> Iterator[Any]:
    """Yield the records of the first bytes of a file of lines, without those that do not decode.

    The last line may be cut off, so it is left out unless it decodes.
    """
    for line in head.split(b"\n"):
        if line and not line.isspace():
            try:
                yield decode_any(line)
            except BAD_RECORD:
                continue


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _sound(value) if _LONE_SURROGATE.search(value) else value
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _sound(text: str) -> str:
    """Halves of surrogate pairs joined where both are there, dropped where not."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _fit(value: Any, wanted: Any) -> Any:
    """Change a decoded value where it is not of the wanted type, but says the same."""
    kinds = _members(wanted)
    if Any in kinds:
        return value
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value))[:1] == "$":
            return _fit(_unwrap(value, kinds), wanted)
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                hints = _fields(kind)
                return {name: _fit(item, hints[name]) if name in hints else item for name, item in value.items()}
            if get_origin(kind) is dict:
                return {name: _fit(item, get_args(kind)[1]) for name, item in value.items()}
    if bool in kinds and type(value) is int and value in (0, 1):
        return bool(value)
    if isinstance(value, list):
        inner = next((get_args(kind)[0] for kind in kinds if get_origin(kind) is list), None)
        if inner is not None:
            return [_fit(item, inner) for item in value]
        return join_texts(value) if str in kinds else value
    return value


def join_texts(value: Any) -> Any:
    """The texts of a list of nothing else as one text, a line each; any other value as it is."""
    if isinstance(value, list) and value and all(item is None or isinstance(item, str) for item in value):
        return "\n".join(item for item in value if item)
    return value


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


def _members(wanted: Any) -> tuple[Any, ...]:
    return get_args(wanted) if get_origin(wanted) in (Union, UnionType) else (wanted,)


def _unwrap(value: Mapping[str, Any], kinds: tuple[Any, ...]) -> Any:
    """What one of MongoDB's wrappers holds, as a number or a text, whichever is wanted; other objects as they are."""
    ((name, inner),) = value.items()
    if name in ("$numberLong", "$numberInt"):
        return int(inner)
    if name in ("$numberDouble", "$numberDecimal"):
        return float(inner)
    if name == "$oid":
        return str(inner)
    if name == "$undefined":
        return None
    if name != "$date":
        return value
    if isinstance(inner, dict):
        inner = _unwrap(inner, (int,))
    is_number = isinstance(inner, (int, float))
    if int in kinds or float in kinds:
        return int(inner / _MILLISECONDS) if is_number else int(_moment(inner).timestamp())
    return datetime.fromtimestamp(inner / _MILLISECONDS, UTC).isoformat() if is_number else inner


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
