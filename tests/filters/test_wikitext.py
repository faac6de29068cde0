from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.text import plain
from filters.wikitext import Namespaces, Section, read_article
from filters.wikitext_inline import inline_text, mended
from filters.wikitext_prose import Line, section_text
from filters.wikitext_tags import formula_text
from filters.wikitext_words import is_disambiguation_template, is_disambiguation_title, is_source_heading
from tests.filters.odd_texts import ODD_TEXTS, TEXTS


def text_of(wikitext: str) -> str:
    """The text before the first heading."""
    sections = read_article(wikitext).sections
    return sections[0].text if sections else ""


TEXT = {
    "plain": ("Iron is a metal.", "Iron is a metal."),
    "bold and italics": ("'''Iron''' is ''a'' '''''metal'''''.", "Iron is a metal."),
    "possessive after italics": ("The ''Eagle'''s crew and ''Columbia''.", "The Eagle's crew and Columbia."),
    "link": ("A [[metal]] of [[Europe|the Old World]].", "A metal of the Old World."),
    "link with letters after it": ("Many [[metal]]s.", "Many metals."),
    "link to a part": ("See [[Iron#History|its history]] and [[#Use]].", "See its history and Use."),
    "pipe trick": ("[[Mercury (planet)|]] and [[Boston, Massachusetts|]].", "Mercury and Boston."),
    "link to a category as text": ("It is in [[:Category:Metals]].", "It is in Category:Metals."),
    "link to another project": ("It has an [[wikt:ore]].", "It has an ore."),
    "category": ("Iron is a metal.\n[[Category:Metals]]\n[[Kategorie:Metall|Eisen]]", "Iron is a metal."),
    "language link": ("Iron is a metal.\n[[de:Eisen]]\n[[zh-min-nan:Thih]]", "Iron is a metal."),
    "file": ("[[File:A.jpg|thumb|left|100px|An [[iron]] bar]]Iron is a metal.", "Iron is a metal."),
    "file with links and templates": (
        "[[Image:A.jpg|thumb|A {{convert|1|m}} [[bar|b]] of [[iron]] ([http://a.b c])]]Iron is a metal.",
        "Iron is a metal.",
    ),
    "file by its ending": ("[[Xyz:A b.svg|thumb|Bar]]Iron is a metal.", "Iron is a metal."),
    "web link": ("The [http://a.b/c?d=e site of iron] says so.", "The site of iron says so."),
    "web link without label": ("It says so [https://a.b/].", "It says so."),
    "reference": ("Iron<ref>Smith, ''Iron'', p. 3.</ref> rusts<ref name=a/>.", "Iron rusts."),
    "reference with a template": ("Iron<ref name='a'>{{cite book|title=Iron}}</ref> rusts.", "Iron rusts."),
    "reference without its end": ("Iron rusts.<ref>Smith", "Iron rusts.Smith"),
    "comment": ("Iron<!-- really? --> rusts.<!-- no end", "Iron rusts."),
    "infobox": (
        "{{Infobox metal\n| name = Iron\n| use = {{plainlist|\n* tools\n}}\n}}\nIron is a metal.",
        "Iron is a metal.",
    ),
    "hatnote": ("{{Other uses}}\n{{About|the metal}}\nIron is a metal.", "Iron is a metal."),
    "table": (
        'Iron is a metal.\n{| class="wikitable"\n! A !! B\n|-\n| 1 || 2\n|}\nIt rusts.',
        "Iron is a metal. It rusts.",
    ),
    "table in a table": ("Iron.\n{|\n|\n{|\n| 1\n|}\n|}\nIt rusts.", "Iron. It rusts."),
    "table in HTML": ("Iron.<table border=1><tr><td>1</td></tr></table> It rusts.", "Iron. It rusts."),
    "introduction of a table": ("Iron rusts. The ores are:\n{|\n| 1\n|}\nIt is grey.", "Iron rusts. It is grey."),
    "introduction at the end": ("Iron rusts. The ores are:\n{|\n| 1\n|}", "Iron rusts."),
    "gallery": ("Iron.\n<gallery>\nFile:A.jpg|A bar\n</gallery>", "Iron."),
    "HTML": ("H<sub>2</sub>O is 10<sup>3</sup> <span style='x'>times</span> <br/>wet.", "H2O is 10^3 times wet."),
    "nowiki": ("Write <nowiki>[[a]] and ''b''</nowiki> so.", "Write [[a]] and ''b'' so."),
    "formula": (r"The area is <math>\pi r^2</math>.", "The area is π r^2."),
    "formula that nobody reads": (r"Then <math>\begin{pmatrix}1&0\\0&1\end{pmatrix}</math> holds.", "Then holds."),
    "inline code": ("Call <code>a[0]</code> then.", "Call a[0] then."),
    "listing": ("It does this.\n<source lang=c>\nint a;\n</source>\nIt ends.", "It does this. It ends."),
    "one of two forms": ("{{plural|5|book|books}} and {{plural|1|book|books}}", "books and book"),
    "a link that names its language first": ("{{ill|de|apples|Apfel}}, {{ill|pi|de|Pi}}", "apples, pi"),
    "an infobox in one line without its end": (
        "{{Infobox person | name = Bob | born = 1900 }\nBob was a man.",
        "Bob was a man.",
    ),
    "an infobox with one brace": ("{Infobox person\n| name = Bob\n| born = 1900\n}}\nBob was a man.", "Bob was a man."),
    "an infobox whose end is torn": ("{{Infobox person\n| name = Bob\n} }\nBob was a man.", "Bob was a man."),
    "an infobox around another": ("{{Infobox\n{{Infobox inner\n|a=b\n}\n|c=d\n}}\nBob was a man.", "Bob was a man."),
    "a long argument without an end": (
        "It is {{val|x = 5 and the rest of a paragraph in which nobody ever closes the template.",
        "It is x = 5 and the rest of a paragraph in which nobody ever closes the template.",
    ),
    "an equals sign in an argument": ("Let {{math|n {{=}} 2}} and {{nowrap|k {{=}} 5}}.", "Let n = 2 and k = 5."),
    "a bar in an argument": ("So {{nowrap|a {{!}} b}} and [[metal{{!}}iron]].", "So a | b and iron."),
    "chemistry": ("Water is <ce>H2O</ce>, <chem>CO2</chem> a gas.", "Water is H2O, CO2 a gas."),
    "an infobox without its end": (
        "{{Infobox person\n| name = Bob\n| born = 1900\n}\nBob was a man.",
        "Bob was a man.",
    ),
    "an infobox whose arguments go on": (
        "{{Infobox person\n| about = a long\ntext\n| born = {{a|b}\n\nBob was a man.",
        "Bob was a man.",
    ),
    "a link without its end": ("See [[Target|shown and so on.", "See shown and so on."),
    "a file without its end": ("[[File:A.jpg|thumb|A bar\nIron is a metal.", "Iron is a metal."),
    "a template inside a line without its end": ("The {{lang|de|Haus is a house.", "The Haus is a house."),
    "templates that show other words": (
        "{{w|target|one}} {{w|two}} {{нп3|Цель|three|en|x}} {{lien|Cible|texte=four}} {{le|a|b|five}} {{sort|x|six}}",
        "one two three four five six",
    ),
    "case": ("{{lc:ABC}} {{uc:abc}} {{ucfirst:abc}}", "abc ABC Abc"),
    "entities": ("AT&amp;T&nbsp;&ndash; 5 &lt; 6", "AT&T – 5 < 6"),
    "switch": ("__NOTOC__\nIron is a metal.", "Iron is a metal."),
    "language variants": ("-{zh-hans:铁; zh-hant:鐵}-是金属。", "铁是金属。"),
    "quantity": ("It is {{convert|10|to|20|km|mi|abbr=on}} long.", "It is 10 to 20 km long."),
    "number and unit": ("It has {{val|1.5|0.2|e=6|u=kg}}.", "It has 1.5±0.2×10^6 kg."),
    "fraction": ("Add {{frac|1|2}} cup.", "Add 1/2 cup."),
    "foreign word": ("{{lang|de|Eisen}} ({{lang-fr|fer}}) is iron.", "Eisen (fer) is iron."),
    "date": ("Born {{birth date|1879|3|14|df=y}}.", "Born 14 March 1879."),
    "place": ("It lies at {{coord|51|30|N|0|7|W|display=inline}}.", "It lies at 51°30′N 0°7′W."),
    "place beside the title": ("{{coord|51|30|N|0|7|W|display=title}}\nIt is a town.", "It is a town."),
    "place on a line of its own": ("It is a town.\n{{coord|51|30|N|0|7|W}}", "It is a town."),
    "pronunciation": ("Iron ({{IPAc-en|ˈ|aɪ|.|ər|n}}) is a metal.", "Iron is a metal."),
    "annotation": ("Iron rusts{{citation needed|date=May 2010}} fast{{cn}}.", "Iron rusts fast."),
    "unknown template in an aside": (
        "Iron (since {{xyzzy|3}}) and tin ({{xyzzy}} in Latin) rust.",
        "Iron and tin rust.",
    ),
    "unknown template beside other words": ("Lee ({{xyzzy}}; born 1815, {{xyzzy}}) rusts.", "Lee (born 1815) rusts."),
    "template argument": ("{{{1|Iron}}} is a metal.", "Iron is a metal."),
    "nested templates": ("{{nowrap|{{lang|la|{{small|ferrum}}}}}} is iron.", "ferrum is iron."),
    "main article": ("''Main article: [[Ore]]''\nIron is a metal.", "Iron is a metal."),
    "list of sentences": (
        "Ores are these.\n* Haematite is a red ore that is mined in the north of the country.\n* Magnetite is black",
        "Ores are these. Haematite is a red ore that is mined in the north of the country. Magnetite is black.",
    ),
    "list of words": (
        "Smiths of the old days made many things from this metal:\n* nails\n* knives and\n* bells",
        "Smiths of the old days made many things from this metal: nails; knives and bells.",
    ),
    "mere list": ("* nails\n* knives\n* bells", ""),
    "indented": (":Iron is a metal.", "Iron is a metal."),
    "indented list": (
        "These are ores that miners of the region know:\n:red\n:blue",
        "These are ores that miners of the region know: red; blue.",
    ),
    "indented formula": ("It is\n:''F'' = ''ma''\nwhere ''m'' is the mass.", "It is F = ma where m is the mass."),
    "introduction of a template": (
        "Iron rusts. This is how:\n{{clade\n|1=a\n}}\nIt is grey.",
        "Iron rusts. It is grey.",
    ),
    "headings in all but name": (
        "'''Ore'''\nIt is red.\n; Steel\n: It is grey.\n'''Rust'''",
        "Ore: It is red. Steel: It is grey.",
    ),
    "French": (
        "Au {{s|XVII|e}} et au {{XIXe siècle}} : {{unité|10|km}}.",
        "Au XVIIe siècle et au XIXe siècle : 10 km.",
    ),
    "Italian": ("È lunga {{M|10|ul=km}}.", "È lunga 10 km."),
    "Japanese": ("{{読み仮名|'''鉄'''|てつ}}は金属。", "鉄 (てつ)は金属。"),
    "Chinese": ("'''李'''（{{bd|1879年|3月14日|1955年|4月18日}}），人。", "李（1879年3月14日—1955年4月18日），人。"),
    "line that goes on": ("Iron\n, the metal, rusts.", "Iron, the metal, rusts."),
    "sources as a list": (
        "Iron is a metal.\n* Smith, J.: Iron. ISBN 0-123-45678-9\n* [http://a.b Iron]",
        "Iron is a metal.",
    ),
    "redirect": ("#REDIRECT [[Iron]]", ""),
    "unclosed": ("Iron {{is [[a metal.", "Iron is a metal."),
    "closed without an opening": ("Iron }} is ]] a |} metal.", "Iron is a metal."),
    "windows lines": ("Iron is a metal.\r\nIt rusts.\r\n", "Iron is a metal. It rusts."),
}


@pytest.mark.parametrize("case", TEXT)
def test_text(case: str) -> None:
    wikitext, expected = TEXT[case]
    assert text_of(wikitext) == expected


def test_sections_have_their_path_and_only_their_own_text() -> None:
    wikitext = """Iron is a metal.
== History ==
=== ''Bronze'' age<ref>x</ref> ===
Few used it.
==== Egypt ====
It fell from the sky.
=== Iron age ===
Many used it.
== Use ==
It makes tools."""
    assert read_article(wikitext).sections == [
        Section((), "Iron is a metal."),
        Section(("History", "Bronze age"), "Few used it."),
        Section(("History", "Bronze age", "Egypt"), "It fell from the sky."),
        Section(("History", "Iron age"), "Many used it."),
        Section(("Use",), "It makes tools."),
    ]


@pytest.mark.parametrize(
    "heading",
    [
        *("References", "Notes and references", "See also", "EXTERNAL LINKS", "Einzelnachweise", "Voir aussi"),
        *(
            "Véase también",
            "Примечания",
            "参考文献",
            "Източници",
            "Атsauces".replace("Ат", "At"),
            "Quellen und Literatur",
        ),
    ],
)
def test_sections_that_list_sources_are_left_out_with_what_is_below_them(heading: str) -> None:
    wikitext = f"Iron.\n== {heading} ==\nSmith wrote it.\n=== Books ===\nJones too.\n== Use ==\nTools."
    assert [section.path for section in read_article(wikitext).sections] == [(), ("Use",)]


def test_headings_that_only_resemble_those_of_sources_stay() -> None:
    assert not is_source_heading("Sources of iron")
    assert not is_source_heading("Literature and music")
    assert not is_source_heading("")


def test_what_stands_after_the_list_of_references_is_left_out() -> None:
    assert text_of("Iron is a metal.\n<references/>\nNavigation here.") == "Iron is a metal."
    assert text_of("Iron is a metal.\n{{Reflist}}\nNavigation here.") == "Iron is a metal."


def test_the_dumps_own_names_of_namespaces_count() -> None:
    wikitext = "[[Fajerwerk:A|thumb|caption]]Iron.[[Sorto:Metals]]"
    assert read_article(wikitext).sections != [Section((), "Iron.")]
    assert read_article(wikitext, Namespaces.named(["Fajerwerk"], ["Sorto"])).sections == [Section((), "Iron.")]


@pytest.mark.parametrize(
    "name", ["disambiguation", "Disambig", "hndis", "Begriffsklärung", "消歧义", "Airport disambiguation"]
)
def test_disambiguation_pages(name: str) -> None:
    article = read_article(f"'''Mercury''' may be:\n* [[Mercury (planet)]]\n{{{{{name}}}}}")
    assert article.disambiguation
    assert article.sections == []


def test_notes_that_point_to_disambiguation_pages_make_none() -> None:
    assert not is_disambiguation_template("for disambiguation")
    assert not is_disambiguation_template("redirect to disambiguation")
    assert not is_disambiguation_template("значения")
    assert is_disambiguation_title("Mercury (disambiguation)")
    assert not is_disambiguation_title("Mercury (planet)")
    assert not is_disambiguation_title("disambiguation")


def test_max_chars_ends_each_section_soon_after() -> None:
    wikitext = "\n".join(["Iron is a metal that rusts."] * 1000)
    assert len(read_article(wikitext, max_chars=100).sections[0].text) < 160


def test_section_text_ends_items_and_drops_lists() -> None:
    assert section_text([Line("a", item=True), Line("b", item=True)]) == ""
    assert section_text([Line("Some of these are known:"), Line("one", item=True), Line("two;", item=True)]) == (
        "Some of these are known: one; two;"
    )
    assert section_text([Line("It is so. These are known:"), Line("")]) == "It is so."
    assert section_text([Line("It is so."), Line("Ores:"), Line(""), Line("It ends."), Line("A:"), Line("B:")]) == (
        "It is so. It ends."
    )


def test_repair_of_what_dropped_templates_leave() -> None:
    assert mended("Iron ( ; born 1815) is , well , a metal ( ) .") == "Iron (born 1815) is, well, a metal."
    assert inline_text("a ( b ) c") == "a (b) c"


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"E = mc^2", "E = mc^2"),
        (r"x_{ij}^{n+1}", "x_ij^(n+1)"),
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"\frac12", "1/2"),
        (r"F = \frac{MS_{\text{error}}}{\sqrt{n - 1}}", "F = MS_error/(√(n - 1))"),
        (r"\left(\frac{a}{b}\right)^{2}", "(a/b)^2"),
        (r"\binom{n}{k}", "(n choose k)"),
        (r"10^{-3}\,\mathrm{kg}", "10^(-3) kg"),
        (r"\frac{a", "\x01"),
        (r"\begin{pmatrix}a\end{pmatrix}", "\x01"),
        ("x" * 500, "\x01"),
    ],
)
def test_formulas(latex: str, expected: str) -> None:
    assert formula_text(latex) == expected


MARKS = """[[ ]] {{ }} {{{ }}} {| |} |- | ! = == === '' ''' ''''' * # : ; <ref> </ref> <ref <nowiki> </nowiki> <math>
</math> <!-- --> < > & &amp; &#39; [http:// ] -{ }- __TOC__ File: Category: de: http:// ( ) , . ; a b.c Iron 漢字
<table> </table> <br/> ISBN convert| lang|de| coord|1|N|"""
CHARACTERS = ["\n", " ", "\n\n", "\n==", "\u0301", "\u200f", "\x00", "\x01", "\x02", "\x03", "\x04", "\ud800"]
MARKUP = st.lists(st.sampled_from([*MARKS.split(), *CHARACTERS]) | TEXTS, max_size=40).map("".join)


@given(MARKUP)
@settings(max_examples=400, deadline=None)
def test_any_text_gives_plain_text(wikitext: str) -> None:
    for section in read_article(wikitext).sections:
        for text in (*section.path, section.text):
            assert text
            assert plain(text) == text
            assert not set(text) & set("\x00\x01\x02\x03\x04\n")
            text.encode()


@given(st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=200))
@settings(deadline=None)
def test_text_without_markup_stays(text: str) -> None:
    assert text_of(text) == plain(text)


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    for section in read_article(ODD_TEXTS[case]).sections:
        assert plain(section.text) == section.text


ENDLESS = (
    *(
        "[[",
        "{{",
        "{",
        "[",
        "<",
        "<!--",
        "<ref>",
        "<ref ",
        "<math>",
        "{|\n",
        "\n=a=",
        "''",
        "[[a|",
        "{{a|",
        "(,",
        "==\n",
    ),
    *(",\n", "[//", "-{", "&", "[[File:a|", "{{{", "]]", "}}"),
)


@pytest.mark.parametrize("unit", ENDLESS)
def test_time_is_linear_whatever_is_unclosed(unit: str) -> None:
    def seconds(size: int) -> float:
        wikitext = "[http://" + unit * (size // len(unit))
        start = time.process_time()
        read_article(wikitext)
        return time.process_time() - start

    # The objects of earlier tests would be walked by the collections that the larger text sets off.
    gc.freeze()
    try:
        # Quadratic time would take 256 times as long, linear time 16. The two are timed side by side, for other work on
        # the machine slows both down; hardly every try at its worse half only.
        assert any(seconds(400_000) < 64 * seconds(25_000) + 0.2 for _ in range(4))
    finally:
        gc.unfreeze()


def test_ten_megabytes_of_openings() -> None:
    start = time.process_time()
    read_article("[[" * 5_000_000, max_chars=2000)
    assert time.process_time() - start < 60


PROSE = (
    "Algerian literature goes back to the Numidian era, when Apuleius wrote The Golden Ass. "
    "The writer Kateb Yacine died there in 1989."
)
SOURCES = {
    "a list": "* [[Smith]], ''Iron'', a long book on all that is known of iron and of its ores, printed in Rome.",
    "books without bullets": "Mann, Noel, Wendy Smith and Eva Ujlakyova. 2009. Linguistic clusters: an overview.",
    "a place and a year": 'Janina Kūrseite, Anna Stafecka "Latgola: volūda, literatura, folklors" Rēzne, 2003.',
    "books in German": "Hans Müller: Die Geschichte der Stadt. Verlag C. H. Beck, München 2001.",
    "books in Russian": "Иванов И. И. История города. — М.: Наука, 1985. — 320 с.",
    "books in Japanese": "鈴木花子「町の研究」『歴史学研究』第12号、1999年、12-34頁。",
    "citations": "{{cite book|title=Iron}} This long book says all that anybody ever knew of iron and its ores.",
    "words about the page": "This page comes from the World Factbook, which is printed in Washington every year.",
    "one sentence above a list": "The literature on iron is vast.\n" + "* A book by somebody about iron\n" * 5,
}


@pytest.mark.parametrize("heading", ["Literature", "Notes", "Sources", "Literatur", "Литература"])
def test_a_section_named_after_sources_stays_where_it_is_prose(heading: str) -> None:
    article = read_article(f"Iron.\n== Culture ==\n=== {heading} ===\n{PROSE}")
    assert article.sections[-1] == Section(("Culture", heading), PROSE)
    assert not article.sources


@pytest.mark.parametrize("case", SOURCES)
def test_a_section_that_lists_sources_is_left_out(case: str) -> None:
    article = read_article(f"Iron.\n== Literature ==\n{SOURCES[case]}")
    assert [section.path for section in article.sections] == [()]
    assert [section.path for section in article.sources] in ([], [("Literature",)])
