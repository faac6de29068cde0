"""Wikitext templates whose text a reader of the sentence needs: quantities, foreign words, dates, names, symbols.

A template is a program that the dump does not hold, so only what is known by name is rendered, in words rather than
in
all its typography (:mod:`filters.wikitext_renderers`). Everything else leaves a gap or nothing at all: see
:func:`template_text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from filters.wikitext_renderers import RENDERERS, arguments
from filters.wikitext_tags import CITATION, GAP, REFERENCES


def _names(table: str) -> frozenset[str]:
    """Names of templates between white space, with ``_`` for the spaces inside them."""
    return frozenset(name.replace("_", " ") for name in table.split())


_SILENT = _names("""
#tag:ref abbr2 according_to_whom additional_citation_needed ambiguous anchor anchor2 anchors attribution_needed
audio audio-ipa audio_help belege_fehlen better_source better_source_needed br-separator brak_źródła bron? by_whom
by_whom? carece_de_fontes chronology_citation_needed cita_requerida citare citation_needed citation_needed_lead
citation_needed_span citazione_necessaria cite-needed citát? clarification_needed clarify clarifyme clear clear-
clr cmn cn cn-span col-2 col-3 col-4 col-begin col-break col-end colbegin colend commons commons_category
commonscat contradict-inline contradictory_inline coor coordinate copy_edit-inline copyvio_link coördinaten cref
cref2 dead_link dead_url decrease definition definition_needed disambiguation_needed displaytitle disputed-inline
disputed_inline div_col div_col_end dn dubious edit_section efn efn-la efn-lr efn-ua elucidate en_icon
example_needed examples expand_acronym fact failed_verification fakt flagdeco flagicon flagicon_image forrás?
full_citation_needed fv gain h:ipa harv harvcol harvcolnb harvid harvnb harvp harvtxt huh inconsistent increase
inflation-fn infobox_begin ipa-all ipa-endia ipac-de ipac-en ipac-es ipac-fr ipac-pl italic_title kaynak_belirt
kdo? kdy? kilde_mangler koordynaty kto? källa_behövs lang-icon lead_cite listen loss lowercase_title lähde
missing_information_inline navbar necesită needs_independent_confirmation non-primary_source_needed not_in_source
note notetag nowrap_begin nowrap_end open_access or original_research original_research? original_research_inline
page_needed pdf pdflink peacock_inline peacock_term pie pn portal portal_bar pov_inline pp primary-source-inline
primary_source_inline pron pron-en pronunciation pronunciation-needed pronunciation_needed quantify r ref
ref_label ref_label2 ref_name refend refn refnec refsou registration_required relevance_inline rend respell
romanization_needed rp ruby2 réf._nécessaire référence_nécessaire say_who season_needed see_above see_below
self-published_source sentence_fragment senza_fonte sfn sfnm sfnmp sfnp sfnref shy sister_project_links specify
speculation_inline steady subscription_required synthesis_inline third-party_inline tnavbar toc toc_limit
toc_right tocleft tocright tone_inline trenger_referanse unbalanced_opinion undue_inline undue_weight_inline
unreferenced-inline unreliable_source? update update_after update_inline usdict use_british_english use_dmy_dates
use_mdy_dates vague verify_inline verify_source wbr weasel_inline when when? where where? which who who? whom why
wikisource wiktionary year_needed zwj zwnj à_sourcer где запрос_источника источник источник? какой? когда кто
нет_аи нет_источника уточнить факт?
""")

_CITATIONS = re.compile(
    r"(?:cite|cita|citeer|cytuj|vcite|citace|citar|citer|citation|книга|статья|literatur|internetquelle|ouvrage|article"
    r"|lien web|webbref|bokref|kilde|verkkoviite|kirjaviite|webquelle|wayback|webarchive|isbn|issn|doi|oclc|jstor|arxiv"
    r"|pmid|official website|official|imdb|gutenberg|dmoz|url|citeweb|internet archive|librivox|google books|mathworld"
    r"|planetmath|eb1911|worldcat|youtube)\b"
)
_REFERENCE_LISTS = _names("""
reflist refs references refbegin notelist notelist-ua notelist-lr reference-list listaref przypisy referenties
reflista viitteet
kaynakça références примечания примітки atsauces izsauces notes notfoot refsection appendix 脚注リスト reflist2
referencje références/début
""")
_NAMESPACES = _names("""
template шаблон vorlage modèle plantilla szablon sjabloon mall modello taiss veidne msg subst safesubst
""")
_CASES: Mapping[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
}
"""Functions of the wiki's parser: ``{{lc:ABC}}``."""
_CENTURY_NAME = re.compile(r"[ivxlc]{1,7}e siècle")
_LANGUAGE = re.compile(r"(?!ipa|ipac|pp|use)[^\W\d]+-[a-z]{2,3}(?:-[a-z]{2,10}){0,2}$|[a-z]{2}s$")


def template_name(text: str) -> str:
    """Name of a template as it is looked up: lower case, single spaces, without its namespace."""
    name = " ".join(text.replace("_", " ").split()).lower()
    if ":" in name and name[0] != "#":
        head, _, tail = name.partition(":")
        if head in _NAMESPACES:
            return tail.strip()
    return name


def template_text(name: str, inner: str) -> str:
    """What a template says in a sentence.

    ``name`` comes from :func:`template_name`, ``inner`` is everything between the braces, nested marks already
    resolved.
    Known annotations ("citation needed") say nothing. What is not known leaves a ``GAP``, as it may have carried words.
    """
    renderer = RENDERERS.get(name)
    if renderer is not None:
        return renderer(arguments(inner.split("|")[1:])) or (CITATION if _CITATIONS.match(name) else "")
    if name in _SILENT:
        return ""
    if name.startswith("ipa"):
        return ""
    if _LANGUAGE.match(name):
        return arguments(inner.split("|")[1:]).get(0)
    if _CITATIONS.match(name):
        return CITATION
    if name in _REFERENCE_LISTS:
        return REFERENCES
    if _CENTURY_NAME.fullmatch(name):
        return name[: name.index(" ") - 1].upper() + name[name.index(" ") - 1 :]
    if name[:2] in ("lc", "uc") and (change := _CASES.get(name.partition(":")[0])):
        return change(inner.partition(":")[2].strip())
    if name[:11] == "formatnum: ":
        return name[11:]
    if name[:10] == "formatnum:":
        return name[10:]
    return GAP
