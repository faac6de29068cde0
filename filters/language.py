"""Is the pair in a language that was asked for? Decided from the language and the score that the record carries.

They are found by :mod:`models.language_id`, in the text that :func:`text_to_identify` names, and stay in the record, so
another choice of languages or threshold can be made from the shards alone, and comes out the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from filters.scripts import letters_worth

if TYPE_CHECKING:
    from ccpairs.pair import Pair

_NAMES = """
af Afrikaans; als Alemannic; am Amharic; an Aragonese; ar Arabic; arz Egyptian Arabic; as Assamese; ast Asturian; av
Avaric; az Azerbaijani; azb South Azerbaijani; ba Bashkir; bar Bavarian; bcl Central Bikol; be Belarusian; bg
Bulgarian; bh Bihari; bn Bengali; bo Tibetan; bpy Bishnupriya; br Breton; bs Bosnian; bxr Buryat; ca Catalan; cbk
Chavacano; ce Chechen; ceb Cebuano; ckb Sorani Kurdish; co Corsican; cs Czech; cv Chuvash; cy Welsh; da Danish; de
German; diq Zazaki; dsb Lower Sorbian; dty Doteli; dv Divehi; el Greek; eml Emilian-Romagnol; en English; eo
Esperanto; es Spanish; et Estonian; eu Basque; fa Persian; fi Finnish; fr French; frr North Frisian; fy West
Frisian; ga Irish; gd Scottish Gaelic; gl Galician; gn Guarani; gom Goan Konkani; gu Gujarati; gv Manx; he Hebrew;
hi Hindi; hif Fiji Hindi; hr Croatian; hsb Upper Sorbian; ht Haitian Creole; hu Hungarian; hy Armenian; ia
Interlingua; id Indonesian; ie Interlingue; ilo Ilocano; io Ido; is Icelandic; it Italian; ja Japanese; jbo Lojban;
jv Javanese; ka Georgian; kk Kazakh; km Khmer; kn Kannada; ko Korean; krc Karachay-Balkar; ku Kurdish; kv Komi; kw
Cornish; ky Kyrgyz; la Latin; lb Luxembourgish; lez Lezgian; li Limburgish; lmo Lombard; lo Lao; lrc Northern Luri;
lt Lithuanian; lv Latvian; mai Maithili; mg Malagasy; mhr Meadow Mari; min Minangkabau; mk Macedonian; ml Malayalam;
mn Mongolian; mr Marathi; mrj Hill Mari; ms Malay; mt Maltese; mwl Mirandese; my Burmese; myv Erzya; mzn
Mazanderani; nah Nahuatl; nap Neapolitan; nds Low German; ne Nepali; new Newari; nl Dutch; nn Norwegian Nynorsk; no
Norwegian; oc Occitan; or Odia; os Ossetian; pa Punjabi; pam Kapampangan; pfl Palatine German; pl Polish; pms
Piedmontese; pnb Western Punjabi; ps Pashto; pt Portuguese; qu Quechua; rm Romansh; ro Romanian; ru Russian; rue
Rusyn; sa Sanskrit; sah Yakut; sc Sardinian; scn Sicilian; sco Scots; sd Sindhi; sh Serbo-Croatian; si Sinhala; sk
Slovak; sl Slovenian; so Somali; sq Albanian; sr Serbian; su Sundanese; sv Swedish; sw Swahili; ta Tamil; te Telugu;
tg Tajik; th Thai; tk Turkmen; tl Tagalog; tr Turkish; tt Tatar; tyv Tuvan; ug Uyghur; uk Ukrainian; ur Urdu; uz
Uzbek; vec Venetian; vep Veps; vi Vietnamese; vls West Flemish; vo Volapük; wa Walloon; war Waray; wuu Wu Chinese;
xal Kalmyk; xmf Mingrelian; yi Yiddish; yo Yoruba; yue Cantonese; zh Chinese
"""

LANGUAGES = MappingProxyType(dict(entry.split(" ", 1) for entry in _NAMES.replace("\n", " ").strip().split("; ")))
"""The codes that lid.176 gives, and the languages' English names."""

MIN_SCORE = 0.5
"""Least probability of the language unless another is given, as in CCNet."""
ENOUGH_LETTERS = 60
"""A passage of so many letters is identified alone; ``benchmarks/language_id.py`` shows what 40 and 100 would do."""

_FLOAT32 = struct.Struct("<f")


def text_to_identify(query: str, passage: str) -> str:
    """What of a pair tells its language: the passage, behind the query where the passage alone is short.

    Never the query alone, for titles misfire; an empty passage gives an empty text. Of a long query only so much is
    taken as the passage is long: a foreign answer to a long English post would else pass for English.
    """
    if letters_worth(passage[:ENOUGH_LETTERS]) >= ENOUGH_LETTERS or not passage.strip():
        return passage
    if len(query) > len(passage):
        end = query.rfind(" ", 0, len(passage) + 1)
        query = query[: end if end > 0 else len(passage)]
    return f"{query} {passage}"


@dataclass(frozen=True)
class Language:
    """Drop pairs in other languages, and those whose language is uncertain (CCNet asks for a probability of 0.5).

    No ``languages`` at all means every one. Without a ``min_score`` the threshold is :data:`MIN_SCORE` where languages
    are named, and 0 where all are kept: an identifier is unsure of languages that it does not know. A pair without a
    language is as uncertain as one with a score of 0; a language without a score was stated by the dump, and holds.
    Scores and threshold are compared as float32 values, which is what the shards hold.
    """

    languages: tuple[str, ...] = ("en",)
    min_score: float | None = None

    name: ClassVar[str] = "language"

    @property
    def least_score(self) -> float:
        """The least probability of the language."""
        if self.min_score is None:
            return MIN_SCORE if self.languages else 0.0
        return self.min_score

    def reason(self, pair: Pair) -> str | None:
        score = pair.language_score
        if pair.language is None or score is None:
            score = 0.0 if pair.language is None else 1.0
        if not _float32(score) >= _float32(self.least_score):  # so that no number is uncertain too
            return "language_uncertain"
        if self.languages and pair.language not in self.languages:
            return "wrong_language"
        return None


def _float32(value: float) -> float:
    (rounded,) = _FLOAT32.unpack(_FLOAT32.pack(value))
    return float(rounded)


def parse_languages(text: str) -> tuple[str, ...]:
    """The codes in a list such as ``en,de``, each once, in order; none for ``all``.

    Raises ValueError, in one line, for codes that lid.176 does not know, with those that may be meant.
    """
    codes = tuple(dict.fromkeys(code for part in text.split(",") if (code := part.strip().lower())))
    if codes == ("all",):
        return ()
    if not codes:
        raise ValueError("no language is named; give codes such as en or en,de, or all")
    if "all" in codes:
        raise ValueError("all goes alone: it takes every language")
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown:
        named = ", ".join(map(_with_suggestions, unknown))
        raise ValueError(f"no language code of lid.176: {named}; give codes such as en,de (docs/filters.md), or all")
    return codes


def _with_suggestions(code: str) -> str:
    near = [f"{each} ({LANGUAGES[each]})" for each in dict.fromkeys(_near(code))][:3]
    return f"{code!r} (did you mean {' or '.join(near)}?)" if near else repr(code)


def _near(code: str) -> Iterator[str]:
    region = code.replace("_", "-").partition("-")[0]
    if region in LANGUAGES:
        yield region
        return
    by_name = {name.lower(): each for each, name in LANGUAGES.items()}
    if code in by_name:
        yield by_name[code]
        return
    if len(code) > 2:
        yield from (each for each in LANGUAGES if each == code[:2])
        yield from (each for name, each in by_name.items() if name.startswith(code))
    yield from (by_name[name] for name in get_close_matches(code, by_name, cutoff=0.75))
    yield from get_close_matches(code, LANGUAGES, cutoff=0.6)
