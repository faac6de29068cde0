"""HTML fragments (StackExchange bodies and the like) to plain text.

A fragment is read by its tags alone and no tree is built: text needs none, every step is one pass, and so neither ten
megabytes nor a million nested elements can make it slow. Whole pages of the web are not for this room: there the main
text must be told from the rest.
"""

from __future__ import annotations

import re

from filters.text import decode_entities, plain

# A quote protects ">" only after "=", as in the HTML standard; a tag or quote that never ends runs to the end of the
# text. So no pattern can fail after it has begun a tag, which keeps the search linear.
_REST_OF_TAG = r"""(?:[^>=]+|=\s*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))?)*(?:>|\Z)"""
_UNSEEN = r"(script|style|template|iframe|object|svg|math|select|noscript)"
_BLOCKS = (
    "address|article|aside|blockquote|br|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|header|hgroup|hr|li|main|menu|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)

_COMMENT = re.compile(r"<!--(?:>|->|.*?(?:--!?>|\Z))|<[!?][^>]*(?:>|\Z)", re.DOTALL)
_UNSEEN_ELEMENT = re.compile(
    rf"<{_UNSEEN}(?=[\s/>]){_REST_OF_TAG}.*?(?:</\1(?=[\s/>]){_REST_OF_TAG}|\Z)", re.DOTALL | re.I
)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCKS})(?:>|(?=[\s/]){_REST_OF_TAG})", re.I)
_TAG = re.compile(rf"</?[a-zA-Z](?:[^>=]*>|{_REST_OF_TAG})|</[^>]*(?:>|\Z)")
# 10<sup>6</sup> is not 106.
_EXPONENT = re.compile(r"(?<=\d)<sup>(?=[-+\u2212]?\d)")


def fragment_to_text(html: str) -> str:
    """The plain text of an HTML fragment: block elements end in a space, code stays, scripts and comments go."""
    if "<" in html:
        if "<!" in html or "<?" in html:
            html = _COMMENT.sub("", html)
        html = _UNSEEN_ELEMENT.sub(" ", html)
        if "<sup>" in html:
            html = _EXPONENT.sub("^", html)
        html = _TAG.sub("", _BLOCK_TAG.sub(" ", html))
    return plain(decode_entities(html))
