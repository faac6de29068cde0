"""The sources. A new one is a module in this folder and a line in :data:`MODULES`."""

from __future__ import annotations

import importlib

from ccpairs.errors import UserError
from pipelines.source import Source

MODULES = {
    "reddit": "pipelines.sources.reddit:Reddit",
    "stackexchange": "pipelines.sources.stackexchange:StackExchange",
    "wikipedia": "pipelines.sources.wikipedia:Wikipedia",
    "s2orc": "pipelines.sources.s2orc:S2ORC",
    "commoncrawl": "pipelines.sources.commoncrawl:CommonCrawl",
    "news": "pipelines.sources.news:News",
    "communityqa": "pipelines.sources.communityqa:CommunityQA",
}


def source_class(name: str) -> type[Source]:
    """The class of a source; raises ``UserError`` for an unknown name."""
    if name not in MODULES:
        raise UserError(f"unknown source {name!r}; choose from {', '.join(MODULES)}, or all")
    module, _, attribute = MODULES[name].partition(":")
    loaded: type[Source] = getattr(importlib.import_module(module), attribute)
    return loaded
