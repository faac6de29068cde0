"""The beginning of a model card, README.md of a model's folder: what the model is and how it is used.

Training adds what it knows of data, settings and scores (:mod:`models.trainer.card`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from models.encoders import Role

CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
{tags}
---

# {title}

{about} Vectors have length 1, so that their dot product is the cosine.
{prompts} Trained by ccpairs.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/of/this/folder")
queries = model.encode_query(["who wrote it"])
passages = model.encode_document(["It was written by …"])
similarities = model.similarity(queries, passages)
```
"""


def write_card(folder: Path, title: str, about: str, prompts: Mapping[Role, str], tags: Sequence[str] = ()) -> None:
    """Write the card of an encoder. ``about``: a sentence or two; ``tags`` besides those of every encoder."""
    names = ["sentence-transformers", *tags, "sentence-similarity", "feature-extraction"]
    text = CARD.format(
        tags="\n".join(f"- {name}" for name in names), title=title, about=about, prompts=_of_prompts(prompts)
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _of_prompts(prompts: Mapping[Role, str]) -> str:
    """A sentence on what stands before a text; both functions of the example add it themselves."""
    if not any(prompts.values()):
        return "Texts are encoded as they are, without prompts."
    told = [f"`{prompts[role]}` before a {role}" for role in ("query", "passage") if prompts[role]]
    return f"Prompts, which the functions below add: {', '.join(told)}."
