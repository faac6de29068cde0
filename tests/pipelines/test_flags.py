from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ccpairs.errors import UserError
from pipelines.flags import add_flags, fields_of, flag_of, make_sources
from pipelines.opt_out import OptOut, parse_opt_out
from pipelines.source import Source, option
from pipelines.sources import MODULES, source_class
from tests.pipelines.line_source import LineSource


def even(text: str) -> int:
    number = int(text) if text.isdigit() else 1
    if number % 2:
        raise ValueError("an even number")
    return number


@dataclass(frozen=True)
class FirstExtract:
    max_chars: int = option(1000, "cut passages to this many characters")
    share: float = option(0.5, "100 % of help")
    strict: bool = option(False, "be strict")
    code: bool = option(True, "keep code")


@dataclass(frozen=True)
class FirstPairs:
    per_page: int = option(2, "passages of a page", flag="--passages-per-page", parse=even)
    side: str = option("hash", "which side asks", choices=("hash", "first"))


@dataclass(frozen=True)
class SecondExtract:
    max_chars: int = option(500, "cut passages to this many characters")


class First(LineSource):
    name = "first"
    extract_settings = FirstExtract
    pair_settings = FirstPairs


class Second(LineSource):
    name = "second"
    extract_settings = SecondExtract


BOTH = (First, Second)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def parser_of(sources: Sequence[type[Source]] = BOTH) -> Parser:
    parser = Parser(allow_abbrev=False)
    add_flags(parser, sources)
    return parser


def made(*flags: str, chosen: Sequence[type[Source]] = BOTH) -> dict[str, Source]:
    return make_sources(chosen, BOTH, parser_of().parse_args(list(flags)), OptOut())


def test_without_flags_each_source_has_its_own_defaults() -> None:
    sources = made()
    assert sources["first"].extract == FirstExtract()
    assert sources["first"].pair == FirstPairs()
    assert sources["second"].extract == SecondExtract()


def test_flags_set_the_fields() -> None:
    flags = ["--share=0.25", "--strict", "--no-code", "--passages-per-page", "4", "--side", "first"]
    first = made(*flags, chosen=[First])["first"]
    assert first.extract == FirstExtract(share=0.25, strict=True, code=False)
    assert first.pair == FirstPairs(per_page=4, side="first")


def test_a_flag_that_two_sources_have_is_for_both() -> None:
    sources = made("--max-chars", "70")
    assert (sources["first"].extract.max_chars, sources["second"].extract.max_chars) == (70, 70)


def test_a_flag_of_a_source_that_is_not_chosen_is_refused() -> None:
    assert made("--max-chars", "70", chosen=[Second])["second"].extract.max_chars == 70
    with pytest.raises(UserError, match=r"^--strict is a flag of the source first; leave it out, or add that source$"):
        made("--strict", chosen=[Second])


def test_the_opt_out_list_goes_to_every_source() -> None:
    opt_out = parse_opt_out("id:1")
    sources = make_sources(BOTH, BOTH, argparse.Namespace(), opt_out)
    assert all(source.opt_out is opt_out for source in sources.values())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max-chars", "many"], "argument --max-chars: 'many' given; expected a whole number"),
        (["--max-chars", "1.5"], "argument --max-chars: '1.5' given; expected a whole number"),
        (["--share", "half"], "argument --share: 'half' given; expected a number"),
        (["--passages-per-page", "3"], "argument --passages-per-page: '3' given; expected an even number"),
        (["--side", "third"], "argument --side: invalid choice: 'third' (choose from 'hash', 'first')"),
    ],
)
def test_nonsense_is_refused_with_what_is_wanted(flags: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=r"^argument --") as caught:
        parser_of().parse_args(flags)
    assert str(caught.value).replace("choose from hash, first", "choose from 'hash', 'first'") == message


def test_help_says_what_each_flag_is_for() -> None:
    text = " ".join(parser_of().format_help().split())
    assert "--max-chars N cut passages to this many characters [also second] (default: 1000)" in text
    assert "--share VALUE 100 % of help (default: 0.5)" in text
    assert "--strict, --no-strict be strict (default: off)" in text
    assert "--side {hash,first} which side asks (default: hash)" in text
    assert text.count("--max-chars N cut") == 1


REAL = [source_class(name) for name in MODULES]


def test_the_flags_of_all_sources_go_into_one_command() -> None:
    text = parser_of(REAL).format_help()
    flags = {flag_of(field) for source in REAL for field in fields_of(source)}
    assert flags <= {word.strip(",") for word in text.split()}


def test_sources_that_share_a_flag_read_it_alike() -> None:
    readings: dict[str, set[object]] = {}
    for source in REAL:
        for field in fields_of(source):
            reading = (field.metadata["parse"] or type(field.default), field.metadata["choices"])
            readings.setdefault(flag_of(field), set()).add(reading)
    assert {flag for flag, found in readings.items() if len(found) > 1} == set()


@pytest.mark.parametrize("source", REAL, ids=lambda source: source.name)
def test_the_default_of_every_flag_can_be_given(source: type[Source]) -> None:
    flags = []
    for field in fields_of(source):
        if isinstance(field.default, bool):
            flags.append(flag_of(field) if field.default else flag_of(field).replace("--", "--no-", 1))
        else:
            assert field.default is not None
            flags += [flag_of(field), str(field.default)]
    made = make_sources([source], REAL, parser_of(REAL).parse_args(flags), OptOut())[source.name]
    assert made.extract == source.extract_settings()
    assert made.pair == source.pair_settings()


@pytest.mark.parametrize("source", REAL, ids=lambda source: source.name)
def test_a_source_is_complete(source: type[Source]) -> None:
    assert source.forms
    assert source.about
    assert source.extract_schema.names
    assert dataclasses.is_dataclass(source.extract_settings)
    assert dataclasses.is_dataclass(source.pair_settings)
    names = [flag_of(field) for field in fields_of(source)]
    assert len(set(names)) == len(names)
    assert all(field.metadata["help"] for field in fields_of(source))
    assert source().form_of("no such file.xyz") is None
