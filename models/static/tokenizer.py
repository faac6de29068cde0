"""What defines a static encoder's tokens: a ``tokenizer.json`` of the `tokenizers` library, learned from given texts.

WordPiece behind BERT's normaliser and word splitter, in lower case, accents stripped, without special tokens.
:mod:`models.static.words` gives the same ids faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.trainers import WordPieceTrainer

from ccpairs.errors import UserError

UNKNOWN = "[UNK]"
UNKNOWN_ID = 0
VOCABULARY_SIZE = 32_000
ALPHABET_SIZE = 4_000


def train_tokenizer(texts: Sequence[str], vocabulary_size: int = VOCABULARY_SIZE) -> Tokenizer:
    """A WordPiece tokenizer learned from texts; id 0 is :data:`UNKNOWN`. The same texts give the same tokenizer.

    Raises: UserError where there is no word in the texts.
    """
    bare = _bare({UNKNOWN: UNKNOWN_ID})
    alphabet = _alphabet(texts, bare)
    # The trainer numbers the letters inside words as it meets them, in the random order of a hash map, and the numbers
    # decide between equal counts. Named as special tokens they are numbered beforehand.
    inside = [f"##{letter}" for letter in alphabet if len(bare.pre_tokenizer.pre_tokenize_str("a" + letter)) == 1]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        limit_alphabet=len(alphabet),
        initial_alphabet=alphabet,
        special_tokens=[UNKNOWN, *inside],
        show_progress=False,
    )
    bare.train_from_iterator(map(readable, texts), trainer)
    # Built anew: a special token would be found in texts before they are split, which a reader of words does not do.
    return _bare(bare.get_vocab())


def _alphabet(texts: Iterable[str], tokenizer: Tokenizer) -> list[str]:
    """The most frequent :data:`ALPHABET_SIZE` letters of the normalised texts, sorted; UserError without any."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    normal: Counter[str] = Counter()
    for letter, count in counts.items():
        for part in "".join(tokenizer.normalizer.normalize_str(readable(letter)).split()):
            normal[part] += count
    if not normal:
        raise UserError("no tokenizer can be learned from these texts: they hold no letters")
    return sorted(sorted(normal, key=lambda letter: (-normal[letter], letter))[:ALPHABET_SIZE])


def _bare(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a ``tokenizer.json`` that :class:`WordReader` can read; else UserError."""
    tokenizer = read_tokenizer(path)
    check_tokenizer(tokenizer, str(path))
    return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a ``tokenizer.json`` of whatever kind; else UserError."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise UserError(f"{path}: not a tokenizer.json that can be read ({error})") from None


def check_tokenizer(tokenizer: Tokenizer, name: str) -> None:
    """UserError where the tokenizer works otherwise than ours: its ids would differ from the reader's."""
    ours = isinstance(tokenizer.normalizer, BertNormalizer) and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
    if not ours or not tokenizer.normalizer.lowercase or not tokenizer.normalizer.clean_text:
        raise UserError(f"{name}: a static encoder needs a lower-casing BertNormalizer and a BertPreTokenizer")
    if tokenizer.get_added_tokens_decoder():
        raise UserError(f"{name}: a static encoder's tokenizer has no added tokens; take them out of added_tokens")
    if tokenizer.truncation is not None or tokenizer.padding is not None:
        raise UserError(f"{name}: a static encoder's tokenizer neither truncates nor pads; set both to null")


def readable(text: str) -> str:
    """The text as the tokenizer sees it: lone surrogates, which UTF-8 cannot hold, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
