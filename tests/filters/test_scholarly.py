from __future__ import annotations

import pytest
from hypothesis import given

from filters.scholarly import AbstractFilter, TitleFilter, clean_abstract, clean_title, without_title
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

TITLES = {
    "a full stop at the end goes": ("Assessing the quality of teaching.", "Assessing the quality of teaching"),
    "an abbreviation keeps its stop": ("Trees of A. Smith et al.", "Trees of A. Smith et al."),
    "an ellipsis stays": ("From a user's view, and other things...", "From a user's view, and other things..."),
    "translated titles": (
        "[Endometriosis, predisposition and prevention].",
        "Endometriosis, predisposition and prevention",
    ),
    "translated, with language": ("[Care of patients at home]. [Article in Russian]", "Care of patients at home"),
    "brackets inside": ("Paul Trap Simulator Experiment [PTSX] in use", "Paul Trap Simulator Experiment [PTSX] in use"),
    "footnote marks": ("On the motion of small bodies*†", "On the motion of small bodies"),
    "entities": ("Shake &amp;amp; bake &lt;i&gt;in vitro&lt;/i&gt;", "Shake & bake in vitro"),
    "tags": ("CO<sub>2</sub> uptake of <i>Quercus</i>", "CO2 uptake of Quercus"),
    "signs that are no tags": ("Japanese <> English, AutoLearn<Word>", "Japanese <> English, AutoLearn<Word>"),
    "LaTeX": (r"Norm optimisation by \ell_{1}", "Norm optimisation by ℓ_1"),
    "capitals stay": ("ON THE SCATTERING OF DEUTERONS", "ON THE SCATTERING OF DEUTERONS"),
    "report numbers": ("ADP 012560 TITLE : Paul traps in beams", "Paul traps in beams"),
    "kind of article": ("Original Article: Sleep in shift workers", "Sleep in shift workers"),
}


@pytest.mark.parametrize("case", TITLES)
def test_clean_title(case: str) -> None:
    title, cleaned = TITLES[case]
    assert clean_title(title) == cleaned


USELESS_TITLES = {
    "": "no_title",
    "TAUS": "title_too_short",
    "word " * 100: "title_too_long",
    "12-34 (56): 78.90%": "title_not_text",
    "Editorial": "boilerplate_title",
    "EDITORIAL BOARD": "boilerplate_title",
    "Table of contents": "boilerplate_title",
    "Inside back cover": "boilerplate_title",
    "List of participants": "boilerplate_title",
    "Notes on contributors": "boilerplate_title",
    "Biographical notes on speakers and chairs and list of participants": "boilerplate_title",
    "Session 7: Panel discussion. Summary of discussion": "boilerplate_title",
    "Letters to the Editor": "boilerplate_title",
    "In memoriam: a great teacher": "boilerplate_title",
    "Erratum to “On the emission of films” [Opt. Commun. 284 (2011) 2382]": "boilerplate_title",
    "Correction to: Sleep in shift workers": "boilerplate_title",
    "Book Review: Empires of the Steppe": "boilerplate_title",
    "Iron Ships. Burlington, Vt.: Ashgate. 2000. Pp. vii, 198. $89.95. ISBN 0-7546-0252-4": "boilerplate_title",
    "Proceedings of the Sixth International Workshop on Parsing Technologies": "boilerplate_title",
    "Cosmic Rays, Samarkand, Oct. 13-17, 1992, Proceedings": "boilerplate_title",
}


@pytest.mark.parametrize(("title", "reason"), USELESS_TITLES.items())
def test_useless_titles(title: str, reason: str) -> None:
    assert TitleFilter().reason(title) == reason


@pytest.mark.parametrize(
    "title",
    [
        "Discourse Referents",
        "Groups, Rings and Galois Theory",
        "Introduction to parsing",
        "Editorial decisions in peer review",
        "Correction of vision in children",
        "Discussion forums and learning",
        "The price of anarchy",
        "ON THE INELASTIC SCATTERING OF DEUTERONS",
        "남급의 「丙子日錄」 연구",
        "Proceedings of trade: merchants of Venice",
    ],
)
def test_titles_of_papers_pass(title: str) -> None:
    assert TitleFilter().reason(title) is None


LONG = "The method finds more than half of the errors in less than a tenth of the time that readers need for it."

ABSTRACTS = {
    "heading and space": (f"Abstract {LONG}", LONG),
    "heading and colon": (f"ABSTRACT: {LONG}", LONG),
    "heading and dash": (f"Abstract— {LONG}", LONG),
    "heading glued": ("ABSTRACTIntroduction: The aim was", "Introduction: The aim was"),
    "summary": (f"SUMMARY ::: ::: {LONG}", LONG),
    "no heading: abstract is the subject": ("Abstract Meaning is one", "Abstract Meaning is one"),
    "no heading: lower case follows": ("Abstract syntax is a tree", "Abstract syntax is a tree"),
    "no heading: summary is the subject": ("Summary statistics are", "Summary statistics are"),
    "placeholders in front": (f"International audience {LONG}", LONG),
    "UNLABELLED": (f"UNLABELLED ::: {LONG}", LONG),
    "number of a meeting abstract": ("149Background: Patients with", "Background: Patients with"),
    "paragraphs of MAG": ("therapy. ::: ::: ::: The results", "therapy. The results"),
    "JATS": ("<jats:title>Abstract</jats:title><jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One. Two."),
    "copyright sign": (f"{LONG} © 2019 The Author(s)", LONG),
    "copyright in brackets": (f"{LONG} (C) 2000 Elsevier Science B.V. All rights reserved.", LONG),
    "copyright spelled": (f"{LONG} Copyright © 2007 John Wiley & Sons, Ltd.", LONG),
    "copyright without a space": (f"{LONG}1998 Academic Press Limited", LONG),
    "two tails": (f"{LONG} (c) 2005 Elsevier Inc. All rights reserved. Language: en", LONG),
    "copyright in front": (f"© 2014 Elsevier B.V. All rights reserved. {LONG}", LONG),
    "copyright as the subject": (
        "We study how copyright law changed. It now covers copyright of programs as well.",
        "We study how copyright law changed. It now covers copyright of programs as well.",
    ),
    "translators": (f"{LONG} (tr-auth)", LONG),
    "cut off in a word": (f"{LONG} This suggests that o...", LONG),
    "cut off in the only sentence": ("This suggests that o...", "This suggests that"),
}


@pytest.mark.parametrize("case", ABSTRACTS)
def test_clean_abstract(case: str) -> None:
    abstract, cleaned = ABSTRACTS[case]
    assert clean_abstract(abstract) == cleaned


USELESS_ABSTRACTS = {
    "": "no_abstract",
    "No abstract available.": "boilerplate_abstract",
    "An abstract is not available for this content, so a preview has been provided. " + LONG: "boilerplate_abstract",
    "Nous présentons un outil.": "abstract_too_short",
    LONG * 100: "abstract_too_long",
    "Basic Research Program of China [2009CB220102]; Fundamental Research Funds for the Universities "
    "[2010LKHX03, 2010QNB04]": "boilerplate_abstract",
    'Sorry! wistiaEmbed = Wistia.embed("8fvxi32rd0", { version: "v1", videoWidth: 640, controlsVisible: true });': (
        "boilerplate_abstract"
    ),
    f"1. Aims .............. 3 2. Means .............. 5 {LONG}": "boilerplate_abstract",
}


@pytest.mark.parametrize(("abstract", "reason"), USELESS_ABSTRACTS.items())
def test_useless_abstracts(abstract: str, reason: str) -> None:
    assert AbstractFilter().reason(abstract) == reason


def test_a_sound_abstract_passes() -> None:
    assert AbstractFilter().reason(LONG) is None


@pytest.mark.parametrize(
    ("abstract", "rest"),
    [
        ("Parsing German. We parse it.", "We parse it."),
        ("PARSING GERMAN We parse it.", "We parse it."),
        ("Parsing German", ""),
        ("Parsing German is hard.", "Parsing German is hard."),
        ("We parse German.", "We parse German."),
    ],
)
def test_without_title(abstract: str, rest: str) -> None:
    assert without_title(abstract, "Parsing German") == rest


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    text = ODD_TEXTS[case]
    title, abstract = clean_title(text), clean_abstract(text)
    TitleFilter().reason(title)
    AbstractFilter().reason(abstract)
    assert plain(title) == title
    assert plain(abstract) == abstract


@given(TEXTS)
def test_cleaned_texts_are_plain(text: str) -> None:
    title, abstract = clean_title(text), clean_abstract(text)
    assert plain(title) == title
    assert plain(abstract) == abstract
    assert plain(without_title(abstract, title)) == without_title(abstract, title)


@given(TEXTS)
def test_filters_name_a_reason_or_nothing(text: str) -> None:
    for reason in (TitleFilter().reason(plain(text)), AbstractFilter().reason(plain(text))):
        assert reason is None or reason.isidentifier()
