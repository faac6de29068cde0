from __future__ import annotations

import pytest
from hypothesis import given

from filters.latex import latex_to_text
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

CASES = {
    "nothing to do": ("A plain title: 100 % of it (really)", "A plain title: 100 % of it (really)"),
    "formulas in dollars": ("the set $W$ with $k > 3$ in $G$", "the set W with k > 3 in G"),
    "money is no formula": ("a $7.5 billion rise, from $5-$10 to $45", "a $7.5 billion rise, from $5-$10 to $45"),
    "Greek and signs": (r"$\alpha$-decay, $p_\infty$, 6.9\times faster", "α-decay, p_∞, 6.9× faster"),
    "a digit after a formula": (r"BD +43$^{\circ}$3654", "BD +43°3654"),
    "a lost space after a command": (r"English\leftrightarrowChinese \alphaNLI", "English↔Chinese αNLI"),
    "fonts": (r"{\rm CdI_2}, BERT\rm_{BASE}, \textit{in vivo}, \mathcal{O}", "CdI_2, BERT_BASE, in vivo, O"),
    "powers": (r"$10^{-5}$ in $O(n^{2h + 1})$", "10^-5 in O(n^(2h + 1))"),
    "fractions and roots": (r"\frac{m}{n} + o(\sqrt{m})", "m/n + o(√m)"),
    "accents": (r"Schr\"odinger, Erd\H{o}s, na\"{\i}ve, Barab\'asi", "Schrödinger, Erdős, naïve, Barabási"),
    "references": (r"as shown~\cite{foo2010} in \url{http://a.b/c}", "as shown in http://a.b/c"),
    "escaped signs": (r"only 3\% of A\&B", "only 3% of A&B"),
    "braces of chemistry": ("[FeCl{Ti2(OPri)9}]", "[FeCl{Ti2(OPri)9}]"),
    "an unknown command keeps its name": (r"$\Jpsi$ at CERN", "Jpsi at CERN"),
    "reports of the energy agencies": ("H$sub 2$O and Li/sup 7/", "H2O and Li7"),
    "unfinished": (r"costs {\bf $ and \ ", "costs {$ and"),
}


@pytest.mark.parametrize("case", CASES)
def test_latex_to_text(case: str) -> None:
    latex, text = CASES[case]
    assert plain(latex_to_text(latex)) == plain(text)


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    assert len(latex_to_text(ODD_TEXTS[case])) <= len(ODD_TEXTS[case])


@given(TEXTS)
def test_text_without_marks_is_left_alone(text: str) -> None:
    bare = text.translate({ord(mark): None for mark in "\\$^_/"})
    assert latex_to_text(bare) == bare
