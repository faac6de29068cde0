from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.charsets import decode_page

JAPANESE = "これは日本語のテキストです。漢字とかな。" * 5
CHINESE = "这是一个中文网页的例子，内容很多。" * 5
KOREAN = "이것은 한국어 문장입니다. 날씨가 좋습니다. " * 5
RUSSIAN = "Привет, как дела? Это русский текст о погоде. " * 5
GERMAN = "Die schöne Größe der Übung. " * 20


def page(text: str, charset: str | None = None) -> str:
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">' if charset else ""
    return f"<html><head>{meta}<title>T</title></head><body><p>{text}</p></body></html>"


CASES = {
    "utf-8": (page(GERMAN), "utf-8", None, "utf-8"),
    "utf-8, whatever the server says": (page(GERMAN), "utf-8", "iso-8859-1", "utf-8"),
    "a mark": (page(GERMAN), "utf-8-sig", "iso-8859-1", "utf-8"),
    "utf-16 with a mark": (page(GERMAN), "utf-16", None, "utf-16-le"),
    "utf-16-le without a mark": (page(GERMAN), "utf-16-le", "UTF-16LE", "utf-16-le"),
    "utf-16-le that says utf-16": (page(JAPANESE), "utf-16-le", "utf-16", "utf-16-le"),
    "utf-16-be without a word": (page(GERMAN), "utf-16-be", None, "utf-16-be"),
    "iso-2022-jp in the header": (page(JAPANESE), "iso2022_jp", "ISO-2022-JP", "iso2022_jp_ext"),
    "iso-2022-jp in the page": (page(JAPANESE, "iso-2022-jp"), "iso2022_jp", None, "iso2022_jp_ext"),
    "iso-2022-jp without a word": (page(JAPANESE), "iso2022_jp", None, "iso2022_jp_ext"),
    "iso-2022-kr": (page(KOREAN), "iso2022_kr", "iso-2022-kr", "iso2022_kr"),
    "hz": (page(CHINESE), "hz", "hz-gb-2312", "hz"),
    "utf-7": (page(GERMAN), "utf-7", "utf-7", "utf-7"),
    "a page that says more than the server": (page(RUSSIAN, "windows-1251"), "cp1251", "utf-8", "cp1251"),
    "a wrong word for utf-8": (page(RUSSIAN), "cp1251", "utf-8", "cp1251"),
    "nobody is right": (page(GERMAN, "utf-8"), "cp1252", "utf-8", "cp1252"),
    "shift_jis under a server's default": (page(JAPANESE), "cp932", "ISO-8859-1", "cp932"),
    "shift_jis that the page names": (page(JAPANESE, "Shift_JIS"), "cp932", "ISO-8859-1", "cp932"),
    "euc-kr under a server's default": (page(KOREAN), "euc_kr", "ISO-8859-1", "cp949"),
    "gb2312 that is gbk": (page(CHINESE + "镕", "gb2312"), "gbk", None, "gb18030"),
    "big5": (page("這是一個中文網頁的例子，內容很多。"), "big5", "big5", "big5hkscs"),
    "koi8-r": (page(RUSSIAN), "koi8-r", "koi8-r", "koi8-r"),
    "iso-8859-2 under a server's default": (page("Zażółć jaźń", "iso-8859-2"), "iso8859-2", "latin1", "iso8859-2"),
    "russian under a server's default": (page(RUSSIAN), "cp1251", "ISO-8859-1", "cp1251"),
    "german under a server's default": (page(GERMAN), "cp1252", "ISO-8859-1", "cp1252"),
    "greek under a server's default": (page("Αυτό είναι ένα ελληνικό κείμενο. " * 5), "cp1253", "latin1", "iso8859-7"),
    "a wrong word for one byte a character": (page(GERMAN), "cp1252", "unicode", "cp1252"),
    "thai": (page("ภาษาไทย", "windows-874"), "cp874", None, "cp874"),
    "a label that nobody knows": (page(GERMAN), "cp1252", "x-nonsense", "cp1252"),
}


@pytest.mark.parametrize("case", CASES)
def test_encodings(case: str) -> None:
    text, written, header, encoding = CASES[case]
    assert decode_page(text.encode(written), header) == (text, encoding)


def test_a_few_damaged_bytes_do_not_change_the_encoding() -> None:
    assert decode_page(GERMAN.encode() + b"\xe3", "iso-8859-1") == (GERMAN + "\ufffd", "broken utf-8")
    text = page(CHINESE, "gb2312")
    assert decode_page(text.encode("gbk") + b"\xff", None) == (text + "\ufffd", "broken gb18030")


def test_emoji_as_two_surrogates() -> None:
    payload = "schön \ud83d\ude00, \ud83d".encode("utf-8", "surrogatepass")
    assert decode_page(payload, "utf-8") == ("schön \U0001f600, \ufffd", "cesu-8")


def test_bytes_without_a_character_show_nothing() -> None:
    assert decode_page(b"caf\xe9 \x81\x93a\x94", "iso-8859-1") == ("café “a”", "cp1252")


@given(st.binary(max_size=60), st.none() | st.sampled_from(["utf-8", "utf-16", "gbk", "x-nonsense", "", "é", "hz"]))
def test_any_bytes_can_be_decoded(payload: bytes, charset: str | None) -> None:
    assert isinstance(decode_page(payload, charset).text, str)
