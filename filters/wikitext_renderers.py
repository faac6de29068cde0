"""What single wikitext templates say: a renderer for each, and the names they go by on several Wikipedias."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from filters.wikitext_tags import EQUALS, PIPE


class Arguments(NamedTuple):
    """What stands between the bars of a template: values by position, values by name (stripped)."""

    values: list[str]
    named: Mapping[str, str]

    def get(self, index: int, default: str = "") -> str:
        return self.values[index] if index < len(self.values) else default


def arguments(pieces: list[str]) -> Arguments:
    values: list[str] = []
    named: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or len(name) > _LONGEST_NAME or not _NAME_SIGNS.isdisjoint(name):
            values.append(piece.strip())
        elif name.isdecimal() and 0 < len(name) < 3:
            values.extend([""] * (int(name) - len(values)))
            if int(name):
                values[int(name) - 1] = value.strip()
        else:
            named[name.lower()] = value.strip()
    return Arguments(values, named)


_LONGEST_NAME = 40
_NAME_SIGNS = frozenset("<>[]{}\n\"'")
"""A ``=`` after one of these belongs to a text, not to the name of an argument."""

Renderer = Callable[[Arguments], str]


def _first(args: Arguments) -> str:
    return args.get(0)


def _second(args: Arguments) -> str:
    return args.get(1)


def _shown(args: Arguments) -> str:
    """``{{w|target|shown}}`` -> ``shown``; ``{{w|target}}`` -> ``target``."""
    return args.named.get("label") or args.named.get("display") or args.get(1) or args.get(0)


def _shown_third(args: Arguments) -> str:
    """``{{le|local title|foreign title|shown}}`` -> ``shown``, else the local title."""
    return args.named.get("d") or args.get(2) or args.get(0)


def _labelled(args: Arguments) -> str:
    """``{{lien|fr=target|trad=foreign|texte=shown}}`` -> ``shown``, else what stands first."""
    return next((args.named[name] for name in _LABELS if args.named.get(name)), args.get(0))


_LABELS = ("texte", "label", "lt", "d", "text", "fr")


def _last(args: Arguments) -> str:
    return args.values[-1] if args.values else ""


def _joined(separator: str) -> Renderer:
    return lambda args: separator.join(value for value in args.values if value)


def _constant(text: str) -> Renderer:
    return lambda args: text


def _prefixed(prefix: str) -> Renderer:
    return lambda args: f"{prefix}{args.get(0)}" if args.get(0) else ""


def _quote(args: Arguments) -> str:
    return args.get(0) or args.named.get("text") or args.named.get("quote") or args.named.get("1") or ""


def _nihongo(args: Arguments) -> str:
    inside = ", ".join(value for value in args.values[1:3] if value)
    return f"{args.get(0)} ({inside})" if args.get(0) and inside else args.get(0) or inside


_UNITS = {
    "km2": "km²", "m2": "m²", "cm2": "cm²", "mi2": "sq mi", "sqmi": "sq mi", "sqft": "sq ft", "ft2": "sq ft",
    "m3": "m³", "km3": "km³", "cm3": "cm³", "cumi": "cu mi", "cuft": "cu ft", "cuyd": "cu yd", "C": "°C", "F": "°F",
    "C-change": "°C", "F-change": "°F", "km/h": "km/h", "kph": "km/h", "PD/sqkm": "/km²", "PD/sqmi": "/sq mi",
    "/sqmi": "per sq mi", "/km2": "per km²", "acre": "acres", "mile": "miles", "foot": "feet", "inch": "inches",
    "oz": "oz", "long ton": "long tons", "short ton": "short tons", "tonne": "tonnes", "usgal": "US gallons",
    "U.S.gal": "US gallons", "impgal": "imperial gallons", "kn": "knots", "nmi": "nautical miles",
}  # fmt: skip
_RANGE_WORDS = {
    "-": "–", "–": "–", "to": " to ", "and": " and ", "or": " or ", "by": " by ", "x": " × ", "×": " × ", "*": " × ",
    "+/-": " ± ", "±": " ± ", "to(-)": " to ", "and(-)": " and ", "+": " + ", ",": ", ", "to about": " to about ",
    "xx": " × ",
}  # fmt: skip


def _convert(args: Arguments) -> str:
    """``{{convert|10|to|20|km|mi}}`` -> ``10 to 20 km``: the quantity as the editor gave it, not its conversion."""
    text = args.get(0)
    rest = args.values[1:]
    while len(rest) >= 2 and rest[0] in _RANGE_WORDS:
        text += _RANGE_WORDS[rest[0]] + rest[1]
        rest = rest[2:]
    unit = rest[0] if rest else ""
    text = f"{text} {_UNITS.get(unit, unit)}"
    if len(rest) >= 3 and unit in ("ft", "foot", "lb", "st", "mi", "yd") and rest[1].replace(".", "").isdecimal():
        text += f" {rest[1]} {_UNITS.get(rest[2], rest[2])}"
    return text.strip()


def _value(args: Arguments) -> str:
    """``{{val|1.5|0.2|e=6|u=kg}}`` -> ``1.5±0.2×10^6 kg``."""
    text = args.get(0)
    if args.get(1) and args.get(1)[0] in "0123456789":
        text += f"±{args.get(1)}"
    if args.named.get("e"):
        text += f"×10^{args.named['e']}"
    unit = args.named.get("u") or args.named.get("ul") or ""
    return f"{text} {unit}".strip()


def _fraction(args: Arguments) -> str:
    values = args.values
    if len(values) >= 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return f"{values[0]}/{values[1]}" if len(values) == 2 else f"1/{_first(args)}"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _date_words(values: list[str], named: Mapping[str, str]) -> str:
    """``1879|3|14`` -> ``14 March 1879``; what is no number stays as it is."""
    year, month, day = (*values[:3], "", "", "")[:3]
    if month.isdecimal() and len(month) < 3 and 1 <= int(month) <= 12:
        month = _MONTHS[int(month) - 1]
    if not day or named.get("df", "n")[:1] == "y":
        return " ".join(part for part in (day, month, year) if part)
    return f"{month} {day}, {year}"


def _date(args: Arguments) -> str:
    return _date_words(args.values, args.named)


def _as_of(args: Arguments) -> str:
    if args.named.get("alt"):
        return args.named["alt"]
    word = "since" if args.named.get("since") else "as of"
    if not args.named.get("lc"):
        word = word.capitalize()
    return f"{word} {_date_words(args.values, {'df': 'y'})}"


def _plural(args: Arguments) -> str:
    """``{{plural|5|book|books}}`` -> ``books``; of more forms the last, as for a large number."""
    return args.get(1) if args.get(0) == "1" else args.values[-1] if len(args.values) > 1 else ""


def _ship(args: Arguments) -> str:
    return f"{args.get(0)} {args.get(1)}".strip()


def _ship_class(args: Arguments) -> str:
    return f"{args.get(0)}-class {args.get(1)}".strip()


def _interlanguage(args: Arguments) -> str:
    shown = args.named.get("lt") or args.named.get("label")
    # Old pages name the language first: {{ill|de|title here|title there}}.
    is_old = (
        len(args.values) > 1 and _LANGUAGE_CODE.fullmatch(args.get(0)) and not _LANGUAGE_CODE.fullmatch(args.get(1))
    )
    return shown or args.get(1 if is_old else 0)


_LANGUAGE_CODE = re.compile("[a-z]{2,3}")


def _coordinates(args: Arguments) -> str:
    """``{{coord|51|30|N|0|7|W}}`` -> ``51°30′N 0°7′W``; nothing where it only stands beside the title."""
    if args.named.get("display", "inline") in ("title", "t"):
        return ""
    text = ""
    numbers = 0
    for value in args.values[:8]:
        if value in _COMPASS:
            text += value + " "
            numbers = 0
        elif numbers < 3 and _NUMBER.fullmatch(value):
            text += value + "°′″"[numbers]
            numbers += 1
        else:
            break
    return text.strip()


_COMPASS = ("N", "S", "E", "W", "O")
_NUMBER = re.compile(r"-?\d{1,3}(?:\.\d{1,12})?")
_COORDINATES = re.compile(r"[-\d.°′″ NSEWO]+")


def is_coordinates(line: str) -> bool:
    """Is this a place on the map and nothing else?"""
    return "°" in line and _COORDINATES.fullmatch(line) is not None


def _power_of_ten(args: Arguments) -> str:
    """``{{e|6}}`` in English; elsewhere ``e`` raises what it is given: ``XX{{e}}``."""
    power = args.get(0) or "e"
    return f"×10^{power}" if power.lstrip("+-−").isdecimal() else power


_ROMAN = re.compile(r"[IVXLC]{1,7}")


def _century(args: Arguments) -> str:
    """``{{s|XVII|e}}`` -> ``XVIIe siècle``; ``{{siglo|XX}}`` -> ``XX``, as in languages where ``s`` is no century."""
    number, ordinal = args.get(0), args.get(1)
    return f"{number}{ordinal} siècle" if ordinal in ("e", "er") and _ROMAN.fullmatch(number) else number


def _years_before(args: Arguments) -> str:
    return f"{_century(args)} av. J.-C."


def _life(args: Arguments) -> str:
    """``{{bd|1879年|3月14日|1955年|4月18日}}`` -> ``1879年3月14日—1955年4月18日``"""
    born, died = ("".join(args.values[start : start + 2]) for start in (0, 2))
    return f"{born}—{died}"


def _measure(args: Arguments) -> str:
    units = [args.named[name] for name in ("u", "ul", "um") if args.named.get(name)]
    return " ".join([value for value in args.values[:3] if value] + units)


def _third(args: Arguments) -> str:
    return args.get(2) or args.get(1)


def _quoted(args: Arguments) -> str:
    return f"&quot;{args.get(0)}&quot;" if args.get(0) else "&quot;"


def _isotope(args: Arguments) -> str:
    return "-".join(value for value in args.values[:2] if value)


def _reign(args: Arguments) -> str:
    return "r. " + "–".join(value for value in args.values[:2] if value)


_ELEMENTS = {
    "hydrogen": "H", "carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "sodium": "Na", "magnesium": "Mg",
    "aluminium": "Al", "silicon": "Si", "phosphorus": "P", "sulfur": "S", "chlorine": "Cl", "potassium": "K",
    "calcium": "Ca", "iron": "Fe", "copper": "Cu", "zinc": "Zn", "bromine": "Br", "iodine": "I",
}  # fmt: skip


def _table(rows: Mapping[Renderer, str]) -> dict[str, Renderer]:
    return {
        name.strip(): renderer
        for renderer, names in rows.items()
        for name in names.replace("\n", ";").split(";")
        if name.strip()
    }


RENDERERS: dict[str, Renderer] = _table(
    {
        _first: """
        nowrap; nobr; nowr; nobreak; j; small; smaller; big; larger; large; sc; smallcaps; sc1; sc2; caps; lc; uc
        ucfirst; lcfirst
        abbr; abbrv; tooltip; tt; sup; sub; super; mono; kbd; samp; code; var; mvar
        math; em; strong
        bold; italic; i; b; noitalic; nobold; big2; midsize; resize2; center; centre; unicode; polytonic; hebrew
        nastaliq; arabic; polytonisch
        script/hebrew; script/arabic; script/nastaliq; ipa; ipa link; ipalink; asl; angle; flag; flagcountry; flagu
        flag2; country
        chem2; ce; railgauge; track gauge; trackgauge; nts; formatnum; number; format price; formatprice; ntsh
        linktext; slink
        notatypo; not a typo; sic; typo; proper name; blue; red; green; color box; nihongo2; nihongo-s; okina2
        hslashlink; tmath
        citation; zitat; cita; cytat; цитата; початок цитати; цитат; citat; bquote2;
        ルビ; ruby; 補助漢字フォント; 独自研究範囲; 要出典範囲
        要検証範囲
        link-wd; 해석
        коммент; nobr2; nobreaks; odkaz na jiný jazyk; nestandardní; tutto attaccato; nowrap2; esd; sans_césure
        comment; год; число; s-rail-text; музыка; lang-x; ordinal; cardinal; hs2; coord missing; text; plain text
        dfn; gloss; strike; s
        bibleref2c; wikt-lang2; mp; minor-planet; transcl; nobold2; unité/2; kwd; tag2; lit; literally; single
        double; longitem
        """,
        _shown: """
        w; wp; wikipedia link; iw; нп; нп1; нп2; нп3; нп4; нп5; не переведено; не переведено 2; не переведено 3
        не переведено 4; не переведено 5; sort; sortkey; hover title; h:title; hoovertitle
        не перекладено; не перекладено2; не перекладено5; section link2; pagelink
        """,
        _shown_third: "le; lj; internal link helper/en; internal link helper/ja; internal link helper",
        _labelled: """
        lien; 仮リンク; 日本語版にない記事リンク; link-en; link-ja; link-de; link-fr; vanchor; visible anchor; va
        """,
        _second: """
        lang; langx; rtl-lang; ltr-lang; resize; font; color; colour; fontcolor; font color; wikt-lang; script
        langue; lang1; foreign
        язык; мова; color text; lng; linktext2; langwithname; hs; stack2
        bg; background color; text color; тс; выделить цветом
        """,
        _last: """
        transl; transliteration; translit; xlit; wt; wiktlink; harvard link; lang-translit; script2; translittération
        """,
        _quote: """
        quote; blockquote; cquote; quotation; bquote; quote box2; rquote2; centered quote; pull quote; block quote
        poemquote; verse translation
        cita texto; citazione; citation bloc; début citation; citação; citaat; cquote2; talk quote; zitat2; sitat
        lainaus
        """,
        _joined(" "): """
        sortname;
        unité; unit; unidad; unità; nb; date; date-; date de naissance; fecha; nombre; m; bibleverse; bibleverse-lb
        bibleref2; bibleref; bibel
        bibleverse-nb; zh-full; sura; cite quran; dunité; num; nobreak2; nihongo4; height; marathi; unitx
        дата
        """,
        _joined(""): "chem; gaps; chemf; nuclide chem; formula; key press formula; nomn; notation; 10^",
        _joined(", "): """
        hlist; flatlist; plainlist; plain list; unbulleted list; ubl; vunblist; ublist; ordered list; bulleted list
        collapsible list; list
        flat list; comma separated entries; cslist; ulist; blist; liste simple; indented plainlist; unbulleted; zh
        zh-all
        """,
        _joined("+"): "keypress; key press; key; keys; button; touche",
        _nihongo: "読み仮名; nihongo; nihongo3; nihongo foot; nihongo krt; jp; japanese; japonais; korean; linktext3",
        _convert: "cvrt; convert; cvt; conv; cnv; convertir; перевод единиц; conversion",
        _value: "val; value; measurement; scinote; nombre scientifique",
        _fraction: "frac; sfrac; fraction; fract; frac2; дробь; bruch; ½2",
        _as_of: "as of; asof",
        _date: """
        birth date; birth date and age; death date; death date and age; start date; start date and age; end date
        film date; dts; dob; dod
        bda; birth-date; death-date; date table sorting; start-date; end-date; birth date2; release date
        launch date; birth year and age; bya
        """,
        _plural: "plural",
        _ship: """
        ship; uss; hms; ss; rms; hmas; hmcs; hmnzs; smu; sms; ins; ijn; css; usns; uscgc; mv; ms; mt; gts; ts; hnlms
        hdms; hswms; hnoms; orp
        usat; russian ship; french ship; japanese ship
        """,
        _ship_class: "sclass; sclass-; sclass2; sclass2-; ship class",
        _interlanguage: """
        ill; interlanguage link; illm; interlanguage link multi; ill2; ill-wd; link-interwiki; wikidata entity link
        red link
        """,
        _coordinates: "coord; coord dms; coord dm; coor dms; coor dm; coor d",
        _isotope: "simplenuclide; simplenuclide2; simple nuclide; nuclide; nuclide2; isotope; физический изотоп",
        _reign: "reign; r.; ruled",
        _prefixed("c. "): "circa; c.; ca; ca.",
        _prefixed("fl. "): "floruit; fl.; fl",
        _prefixed("b. "): "born; b.; born-in",
        _prefixed("d. "): "died; d.; died-in",
        _power_of_ten: "e; esp; x10^",
        _century: "s; s-; siècle; siglo",
        _years_before: "-s; -s-",
        _life: "bd",
        _measure: "m; unità; measure; zahl; высота; höhe",
        _third: "tsl; link; 内部链接",
        _prefixed("√"): "radic; sqrt; root; radical",
        _prefixed("US patent "): "us patent",
        _prefixed("US$"): "us$; usd; us dollar",
        _prefixed("£"): "gbp; £; pound sterling; pounds",
        _prefixed("€"): "eur; €; euro",
        _prefixed("₹"): "inr; ₹; indian rupee; inrconvert; rupee",
        _prefixed("¥"): "jpy; ¥; jpyconvert; yen",
        _prefixed("A$"): "a$; aud",
        _prefixed("C$"): "c$; cad",
        _prefixed("₽"): "rub",
        _constant(" "): """
        nbsp; spaces; space; thinsp; thin space; hairsp; zwsp; sp; пробел; figure space; br; break; clr2; indent; pad
        gap; crlf
        """,
        _constant(" – "): """
        snd; spnd; spaced ndash; snds; spaced en dash; spndash; spaced mdash; —; –; dash; тире; tiret
        """,
        _constant("–"): "ndash; en dash; endash; nsndns; n-dash",
        _constant("—"): "mdash; em dash; emdash; mdashb; m-dash",
        _constant(" · "): "·; dot; middot; •; bull; bullet; sep; int:dot-separator; interpunct",
        _constant("&#39;"): "'; apostrophe; ' \"; \" '; apos; thinspace apostrophe",
        _constant("&#39;s"): "'s; s'",
        _quoted: '"; " "; " "; 雙引號; «',
        _constant("a. C."): "ac; a.c.; av j.-c.; av. j.-c.; avjc; av jc",
        _constant("er"): "er",
        lambda args: " ".join(["1er", *args.values]): "1er",
        _constant(PIPE): "!; pipe",
        _constant(EQUALS): "=; equals",
        _constant("&#123;"): "(; left brace",
        _constant("&#125;"): "); right brace",
        _constant("&#123;&#123;"): "((",
        _constant("&#125;&#125;"): "))",
        _constant("*"): "asterisk; *",
        _constant("π"): "pi; π",
        **{_constant(symbol): name for name, symbol in _ELEMENTS.items()},
        lambda args: f"⟨{args.get(0)}⟩" if args.get(0) else "": "angbr; angle bracket; grapheme; angbr ipa; vr",
        lambda args: {"flat": "♭", "sharp": "♯", "natural": "♮"}.get(args.get(0), args.get(0)): "music",
        lambda args: f"{args.get(0)}^{args.get(1)}": "pow; power; exponent",
        _constant(" ⇌ "): "eqm; equilibrium; reversible",
        _constant(" → "): "→; arrow; rarr; yields; reaction arrow",
        _constant("♯"): "sharp; music sharp",
        _constant("♭"): "flat; music flat",
        _constant("ʻ"): "okina; ʻ; hamza2",
        _constant("ʿ"): "ayin; ayn",
        _constant("°"): "deg; degree; °",
        _constant("†"): "dagger; †; death; extinct",
        _constant("½"): "½; half",
        _constant("…"): "...; ellipsis; nbellipsis; …; (...); […]",
    }
)  # fmt: skip
