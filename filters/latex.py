"""LaTeX remains in titles and abstracts, turned into readable text.

Abstracts keep the marks of the typesetting they came from: ``$\\alpha$``, ``\\textit{in vivo}``, ``10^{-3}``,
``Schr\\"odinger``. The marks go, what a reader would say aloud stays. Money ("$7.5 billion") is no formula.
"""

from __future__ import annotations

import re
import unicodedata

_SYMBOL_TABLE = """
alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ
sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ
Omega Ω varepsilon ε vartheta ϑ varphi φ varrho ρ ell ℓ hbar ħ partial ∂ nabla ∇ times × cdot · pm ± mp ∓ circ ° ast *
star ★ bullet • dagger † degree ° le ≤ leq ≤ leqslant ≤ lesssim ≲ ge ≥ geq ≥ geqslant ≥ gtrsim ≳ simlt ≲ simgt ≳ ll ≪
gg ≫ ne ≠ neq ≠ approx ≈ simeq ≃ sim ~ equiv ≡ propto ∝ cong ≅ in ∈ notin ∉ subset ⊂ subseteq ⊆ cup ∪ cap ∩ forall ∀
exists ∃ infty ∞ emptyset ∅ sum ∑ prod ∏ int ∫ sqrt √ oplus ⊕ otimes ⊗ oslash ⊘ odot ⊙ wedge ∧ vee ∨ to → rightarrow →
leftarrow ← leftrightarrow ↔ longrightarrow → mapsto ↦ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ Longrightarrow ⇒
sharp ♯ flat ♭ o ø O Ø l ł L Ł ss ß ae æ AE Æ oe œ OE Œ aa å AA Å i i j j langle ⟨ rangle ⟩ mid | prime ′ Vert ‖
colon : ldots ... dots ... cdots ...
"""
_NAMES_AND_SIGNS = _SYMBOL_TABLE.split()
_SYMBOLS = dict(zip(_NAMES_AND_SIGNS[::2], _NAMES_AND_SIGNS[1::2], strict=True)) | {"quad": " ", "qquad": " "}

_SILENT_TABLE = """
Big Bigg bar bf big bigg bm boldsymbol cal dfrac displaystyle em emph ensuremath frac hat hbox it large left limits
linebreak mathbb mathbf mathcal mathfrak mathit mathrm mathscr mathsf mathtt mbox newline noindent nolimits
operatorname overline par protect right rm sc scriptstyle sf sl small text textbf textit textnormal textquoteleft
textquoteright textrm textsc textsf textstyle textsubscript textsuperscript texttt tfrac tilde tt underline uppercase
vec widehat widetilde xspace
"""
_SILENT = frozenset(_SILENT_TABLE.split())
"""Commands that change how their argument looks, not what it says."""

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
}  # fmt: skip

_ACCENT = re.compile(r"\\([`'^~=.\"]) ?(?:\{\\?([A-Za-z])\}|\\?([A-Za-z]))|\\([uHvdckr])\{\\?([A-Za-z])\}")
_REFERENCE = re.compile(
    r"~?\\(?:cite|citep|citet|citealp|citealt|ref|eqref|label|footnote|begin|end)\*?(?:\[[^\]]*\])?\{[^{}]*\}"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_URL = re.compile(r"\\(?:url|href)\{([^{}]*)\}(?:\{([^{}]*)\})?")
_COMMAND = re.compile(r"\\([A-Za-z]+)( ?)")
_BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?|\\[ ,;:>]")
_ESCAPED = re.compile(r"\\([%&_#${}|])")
_NOTHING = re.compile(r"\\[!/\-()\[\]]")
_GROUP = re.compile(r"(?<=[_^\\])\{([^{}]*)\}|\{((?:[^{}\s]| )*)\}")
# The rule of Pandoc, which tells formulas from prices: no space inside the dollars, no digit after the closing one (a
# digit may follow where a backslash shows that it is a formula).
_MATH = re.compile(r"(\$\$?)(?![\s$])(?:([^$]{1,300}?)(?<![\s\\])\1(?!\d)|(\\?[_^]?\{?\\[^$]{1,300})\1)")
_COMPOUND = re.compile(r"\w ?[-+=<>,]|\w \w")
_OSTI = re.compile(r"\$su[bp] ([^$]{1,12})\$|/su[bp] ([^/\s]{1,12})/")
_FORMULA_MARK = re.compile(r"[\\_^{]")

_DEEPEST = 6
"""Braces nested deeper than this are left as they are."""


def latex_to_text(text: str) -> str:
    """Take LaTeX marks off; text without a backslash, dollar or ``^{`` comes back as it is, at no cost."""
    if "/su" in text or "$su" in text:
        text = _OSTI.sub(lambda found: found[1] or found[2], text)
    marked = "\\" in text
    if "$" in text:
        text = _MATH.sub(_formula, text)
    if marked:
        text = _commands(text)
    if "^{" in text or "_{" in text:
        text = _without_braces(text)
    return text


def _formula(found: re.Match[str]) -> str:
    inner = found[2] or found[3]
    if _FORMULA_MARK.search(inner) is None:
        # "$W$" and "$k > 3$" are formulas; a stretch of words between two dollar signs is not.
        return inner if len(inner) <= 40 and inner.count(" ") <= 4 else found[0]
    return _without_braces(_commands(inner)).replace("~", " ")


def _commands(text: str) -> str:
    if "\\" not in text:
        return text
    text = _URL.sub(lambda found: found[2] or found[1], text)
    text = _REFERENCE.sub("", text)
    text = _ACCENT.sub(_accented, text)
    for _ in range(_DEEPEST):
        text, changed = _FRACTION.subn(r"\1/\2", text)
        if not changed:
            break
    text = _BREAK.sub(" ", text)
    text = _ESCAPED.sub(r"\1", text)
    text = _NOTHING.sub("", text)
    spelled, changed = _COMMAND.subn(_spoken, text)
    return _without_braces(spelled) if changed else spelled


def _accented(found: re.Match[str]) -> str:
    letter = found[2] or found[3] or found[5]
    return unicodedata.normalize("NFC", letter + _ACCENTS[found[1] or found[4]])


def _spoken(found: re.Match[str]) -> str:
    """A symbol for ``\\alpha``, nothing for ``\\textit``, the bare name for a command we do not know."""
    name, space = found[1], found[2]
    if name in _SYMBOLS:
        return _SYMBOLS[name] + space
    if name in _SILENT:
        return ""
    for end in range(len(name) - 1, 1, -1):  # "\rightarrowChinese", "\alphaNLI": the space after it was lost
        head, tail = name[:end], name[end:]
        if (head in _SYMBOLS or head in _SILENT) and (end >= 5 or tail[0].isupper()):
            return _SYMBOLS.get(head, "") + tail + space
    return name + space


def _without_braces(text: str) -> str:
    """``x_{i}`` -> ``x_i``, ``n^{2h + 1}`` -> ``n^(2h + 1)``, ``{\\rm E}`` -> ``E``: innermost first."""
    for _ in range(_DEEPEST):
        text, changed = _GROUP.subn(_ungrouped, text)
        if not changed:
            break
    return text.replace("^°", "°")


def _ungrouped(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2].strip(" ")
    inner = found[1].strip(" ")
    return f"({inner})" if _COMPOUND.search(inner) else inner
