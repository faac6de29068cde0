"""Wikitext templates whose text a reader of the sentence needs: quantities, foreign words, dates, names, symbols.

A template is a program that the dump does not hold, so only what is known by name is rendered, in words rather than
in
all its typography (:mod:`filters.wikitext_renderers`). Everything else leaves a gap or nothing at all: see
:func:`template_text`.
"""

from __future__ import annotations

import re

from filters.wikitext_renderers import RENDERERS, arguments
from filters.wikitext_tags import CITATION, GAP, REFERENCES


def _names(table: str) -> frozenset[str]:
    """Names of templates between white space, with ``_`` for the spaces inside them."""
    return frozenset(name.replace("_", " ") for name in table.split())


_SILENT = _names("""
sfn sfnp sfnm sfnmp harvnb harv harvtxt harvcol harvcolnb harvp r rp ref efn efn-ua efn-lr efn-la refn note
notetag ref_label ref_label2
cn fact dn clarify clarifyme when who whom which where why vague huh dubious fv pn page needed citation needed
citation_needed by_whom
according_to_whom better_source better_source_needed failed_verification verify_source verify_inline
unreliable_source? full
full_citation_needed dead_link update_inline update_after weasel_inline peacock_inline pov_inline or
original_research_inline
original_research? synthesis_inline examples example_needed specify relevance_inline citation_needed_span
undue_weight_inline
primary_source_inline primary-source-inline self-published_source non-primary_source_needed third-party_inline
additional_citation_needed
disputed_inline disputed-inline contradict-inline contradictory_inline copyvio_link disambiguation_needed
ambiguous definition
definition_needed clarification_needed copy_edit-inline elucidate expand_acronym inconsistent lead_cite
missing_information_inline
needs_independent_confirmation not_in_source peacock_term quantify chronology_citation_needed
romanization_needed say_who
season_needed sentence_fragment speculation_inline tone_inline undue_inline unbalanced_opinion
unreferenced-inline year_needed attribution_needed
respell ipac-en ipac-de ipac-fr ipac-pl ipac-es audio audio-ipa pronunciation pron pron-en pronunciation-needed
pronunciation_needed listen h:ipa
usdict ruby2 audio_help cite-needed нет_аи источник? источник факт? уточнить когда кто где какой? источник?
запрос_источника нет_источника
refnec cita_requerida réf._nécessaire référence_nécessaire refsou à_sourcer senza_fonte citazione_necessaria
carece_de_fontes bron? fakt
citát? kdo? kdy? källa_behövs trenger_referanse kilde_mangler lähde kaynak_belirt forrás? citare necesită citare
brak_źródła kto? belege_fehlen
flagicon flagdeco flagicon_image anchor anchors shy wbr zwj zwnj coord coor koordynaty coordinate coördinaten
increase decrease steady gain loss
clear - clr br-separator toc tocright toc_right toc_limit tocleft stack pp italic_title displaytitle
lowercase_title use_dmy_dates
use_mdy_dates use_british_english portal commons commonscat commons_category wiktionary wikisource
sister_project_links inflation-fn
harvid sfnref anchor2 abbr2 navbar tnavbar edit_section cref cref2 ref_name see_below see_above ipa-all pie
ipa-endia infobox_begin rend
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
    Known annotations ("citation needed") say nothing. An unknown template of one line leaves a ``GAP``, as it may
    have
    carried words; one of several lines is an infobox or the like and leaves nothing.
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
    if name[:11] == "formatnum: ":
        return name[11:]
    if name[:10] == "formatnum:":
        return name[10:]
    return GAP if "\n" not in inner else ""
