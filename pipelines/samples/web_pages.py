"""HTML pages in several designs: what a page says stands among menus, banners, side bars, forms and footers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.samples.wording import Voice

MENU = ("Home", "Subjects", "Archive", "About us", "Contact", "Newsletter")
COOKIES = (
    "We use cookies to make this site work and to see how it is used. You can change your choice at any time.",
    "This site uses cookies. By going on you agree to their use. Read our privacy policy to find out more.",
    "Your privacy matters to us. Choose which cookies you allow, or accept all of them with one click.",
)
LEGAL = (
    "All rights reserved. No part of this site may be copied without permission.",
    "Imprint. Terms of use. Privacy policy. Made with patience.",
)
COMMENTS = (
    "Great page, thanks for sharing this with all of us!",
    "I did not know half of this. Will there be a second part?",
    "Nice to read, but the letters are too small on my phone.",
)
AUTHORS = ("Ines Falk", "Tom Hendry", "Mara Lind", "Pavel Dorn", "Aisha Bell", "Joan Pires")


@dataclass(frozen=True)
class Site:
    name: str
    host: str


SITES = (
    Site("The Curious Corner", "curious-corner.example"),
    Site("Know It Well", "www.knowitwell.example"),
    Site("Plain Facts", "plainfacts.example"),
    Site("Lantern Magazine", "www.lantern-magazine.example"),
    Site("The Garden Shed", "gardenshed.example"),
    Site("World in a Nutshell", "nutshell.example"),
    Site("Evening Reader", "www.eveningreader.example"),
)
"""Sites of general interest. ``.example`` is a name that nobody can own."""


def address(site: Site, title: str, number: int) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "page"
    return f"https://{site.host}/{2015 + number % 7}/{number:04}-{slug}"


def page(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str] = ()) -> str:
    """A page in one of the designs; ``related`` are titles of other pages of the site."""
    return voice.pick(DESIGNS)(voice, site, title, paragraphs, related)


def _head(voice: Voice, site: Site, title: str) -> str:
    shown = voice.pick((f"{title} | {site.name}", f"{title} - {site.name}", title, f"{site.name}: {title}"))
    social = [f'<meta property="og:title" content="{_text(title)}">'] if voice.chance(0.6) else []
    if voice.chance(0.5):
        social.append(f'<meta property="og:site_name" content="{_text(site.name)}">')
    styles = "<style>body { margin: 0; font: 16px serif } .teaser { float: left }</style>"
    script = "<script>window.dataLayer = window.dataLayer || []; function track(a) { dataLayer.push(a); }</script>"
    return (
        f'<head><meta charset="utf-8"><title>{_text(shown)}</title>{"".join(social)}'
        f'<link rel="stylesheet" href="/style.css">{styles}{script}</head>'
    )


def _links(names: Sequence[str]) -> str:
    return "".join(f'<li><a href="/{number}">{_text(name)}</a></li>' for number, name in enumerate(names))


def _cookies(voice: Voice) -> str:
    return (
        f'<div id="cookie-banner" class="cookie-consent" role="dialog"><p>{voice.pick(COOKIES)}</p>'
        "<button>Accept all</button><button>Only what is needed</button></div>"
    )


def _blog(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str]) -> str:
    body = "\n".join(f"<p>{_text(text)}</p>" for text in paragraphs)
    comments = "".join(f'<li class="comment"><p>{text}</p></li>' for text in voice.sample(COMMENTS, 2))
    return f"""<!DOCTYPE html>
<html lang="en">{_head(voice, site, title)}
<body class="post-template">
<header class="site-header"><a class="logo" href="/">{_text(site.name)}</a>
<nav class="main-menu"><ul>{_links(MENU)}</ul></nav></header>
<div id="content"><article class="post"><h1 class="entry-title">{_text(title)}</h1>
<p class="entry-meta">Posted by <a href="/author">{voice.pick(AUTHORS)}</a></p>
<div class="entry-content">
{body}
</div>
<div class="share-buttons"><a href="#">Share</a> <a href="#">Send by mail</a></div></article>
<section id="comments" class="comments-area"><h2>Comments</h2><ol>{comments}</ol>
<form><label>Your comment</label><textarea></textarea><button>Send</button></form></section></div>
<aside class="sidebar"><h3>Recent posts</h3><ul>{_links(related)}</ul></aside>
<footer class="site-footer"><p>{voice.pick(LEGAL)}</p></footer>
</body></html>"""


def _magazine(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str]) -> str:
    middle = len(paragraphs) // 2
    texts = [f"<p>{_text(text)}</p>" for text in paragraphs]
    teaser = (
        '<div class="newsletter-signup"><h4>Our newsletter</h4><p>The best of the week, every Sunday in your mailbox.'
        '</p><form><input type="email"><button>Sign up</button></form></div>'
    )
    figure = (
        f'<figure><img src="/images/1.jpg" alt="{_text(title)}"><figcaption>Photo: the archive of '
        f"{_text(site.name)}</figcaption></figure>"
    )
    first, last = "\n".join(texts[:middle]), "\n".join(texts[middle:])
    return f"""<!doctype html>
<html lang="en">{_head(voice, site, title)}
<body>{_cookies(voice)}
<div class="topbar"><ul class="breadcrumb"><li><a href="/">Home</a></li><li>Subjects</li></ul></div>
<nav>{_links(MENU)}</nav>
<main><article itemscope itemtype="https://schema.org/Article"><h1 itemprop="headline">{_text(title)}</h1>
<div class="byline">By {voice.pick(AUTHORS)}</div>{figure}
<div itemprop="articleBody">
{first}
{teaser}
{last}
</div></article>
<section class="related"><h2>You may also like</h2><ul>{_links(related)}</ul></section></main>
<footer><ul>{_links(("Imprint", "Privacy", "Jobs"))}</ul><p>{voice.pick(LEGAL)}</p></footer>
</body></html>"""


def _tables(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str]) -> str:
    body = "\n".join(f"<p align=justify>{_text(text)}" for text in paragraphs)
    menu = "<br>".join(f'<a href="{number}.htm">{name}</a>' for number, name in enumerate(MENU))
    return f"""<html>{_head(voice, site, title)}
<body bgcolor="#ffffff"><table width="100%" border=0><tr><td colspan=2 bgcolor=navy><font color=white size=5>
{_text(site.name)}</font></td></tr>
<tr><td width=150 valign=top class="menu"><b>Menu</b><br>{menu}</td>
<td valign=top><h1>{_text(title)}</h1>
{body}
<hr></td></tr>
<tr><td colspan=2 class="footer"><small>{voice.pick(LEGAL)} Best viewed at 800 x 600.</small></td></tr></table>
</body></html>"""


def _sections(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str]) -> str:
    headings = ("In short", "More about it", "Good to know", "And finally", "Further reading", "Notes")
    body = "\n".join(
        f"<section><h2>{heading}</h2><p>{_text(text)}</p></section>"
        for heading, text in zip(headings, paragraphs, strict=False)
    )
    return f"""<!DOCTYPE html>
<html lang="en">{_head(voice, site, title)}
<body><header><form role="search"><input name="q"><button>Search</button></form><nav>{_links(MENU)}</nav></header>
<nav aria-label="breadcrumb"><a href="/">{_text(site.name)}</a> &gt; <a href="/guides">Guides</a></nav>
<main id="main-content"><h1>{_text(title)}</h1>
{body}
</main>
<aside><h2>Other guides</h2><ul>{_links(related)}</ul></aside>
<footer><p>{voice.pick(LEGAL)}</p></footer>{_cookies(voice)}
</body></html>"""


def _soup(voice: Voice, site: Site, title: str, paragraphs: Sequence[str], related: Sequence[str]) -> str:
    body = "".join(f'<div class="c-{number}"><p>{_text(text)}</p></div>\n' for number, text in enumerate(paragraphs))
    return f"""<!DOCTYPE html>
<html>{_head(voice, site, title)}
<body><div id="wrap"><div id="top"><div class="nav"><ul>{_links(MENU)}</ul></div></div>
<div id="box"><div class="headline"><h1>{_text(title)}</h1></div><div class="text-content">
{body}</div></div>
<div class="recommend"><span>Read next</span><ul>{_links(related)}</ul></div>
<div class="bottom"><span>{voice.pick(LEGAL)}</span></div></div>{_cookies(voice)}
<noscript>Please turn on scripts to see all of this page.</noscript></body></html>"""


DESIGNS: Sequence[Callable[[Voice, Site, str, Sequence[str], Sequence[str]], str]] = (
    _blog,
    _magazine,
    _tables,
    _sections,
    _soup,
)


def _text(text: str) -> str:
    return html.escape(text)
