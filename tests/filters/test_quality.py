from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.quality import (
    AlphabeticWords,
    BulletLines,
    CurlyBrackets,
    DuplicateLines,
    EllipsisLines,
    LoremIpsum,
    MeanWordLength,
    RepeatedPhrase,
    SentenceEnds,
    StopWords,
    SymbolsPerWord,
    TextFilter,
    UniqueWords,
    UpperCaseWords,
    WordCount,
    default_page_filters,
    first_text_reason,
)
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

PROSE = (
    "Salt was once so valuable that soldiers were paid with it.\n"
    "Today it is among the cheapest goods of any kitchen, because it can be mined from old sea beds, and because "
    "ships and trains carry it everywhere for little money.\n"
    "Its taste has not changed, but nobody would go to war for it now, and few people know where theirs comes from."
)

REASONS = {
    "too_few_words",
    "too_many_words",
    "curly_brackets",
    "lorem_ipsum",
    "symbols_per_word",
    "mean_word_length",
    "bullet_lines",
    "ellipsis_lines",
    "duplicate_lines",
    "sentence_ends",
    "upper_case_words",
    "alphabetic_words",
    "unique_words",
    "stop_words",
    "repeated_phrase",
}

REJECTED: list[tuple[TextFilter, str, str]] = [
    (WordCount(), "Far too short for a page.", "too_few_words"),
    (WordCount(max_words=40), PROSE, "too_many_words"),
    (WordCount(min_words=5), "天文学是研究", "too_few_words"),
    (MeanWordLength(), "a b c d e f g", "mean_word_length"),
    (MeanWordLength(), "aHR0cHM6Ly9leGFtcGxlLm9yZw== bG9yZW0gaXBzdW0gZG9sb3I=", "mean_word_length"),
    (SymbolsPerWord(), "#one #two three four", "symbols_per_word"),
    (SymbolsPerWord(), "one... two… three", "symbols_per_word"),
    (BulletLines(), "• one\n* two\n- three", "bullet_lines"),
    (EllipsisLines(), "Storm hits the coast…\nMinister says that...\nAll the news.", "ellipsis_lines"),
    (AlphabeticWords(), "Berlin 3 : 1 Kiel 2 : 2 Bonn", "alphabetic_words"),
    (StopWords(min_text_words=5), "shoes boots sandals sneakers slippers heels", "stop_words"),
    (DuplicateLines(), "Add this to your cart\nOne shoe\nAdd this to your cart\nTwo", "duplicate_lines"),
    (RepeatedPhrase(), "buy cheap pills here and buy cheap pills now or buy cheap pills", "repeated_phrase"),
    (UniqueWords(), "spam " * 100 + "and eggs", "unique_words"),
    (LoremIpsum(), "About us. Lorem Ipsum dolor sit amet.", "lorem_ipsum"),
    (CurlyBrackets(), "function f(){if(x){y()}}", "curly_brackets"),
    (UpperCaseWords(), "BUY NOW and SAVE TODAY", "upper_case_words"),
    (SentenceEnds(), "Anna Meyer\nBernd Schulz\nCarla Weber\nAll of them", "sentence_ends"),
]


@pytest.mark.parametrize(("one", "text", "reason"), REJECTED)
def test_each_reason(one: TextFilter, text: str, reason: str) -> None:
    assert one.reason(text) == reason


def test_every_reason_has_a_test() -> None:
    assert {reason for _, _, reason in REJECTED} == REASONS


PASSES: list[tuple[TextFilter, str]] = [
    (WordCount(min_words=5), "One two three four five."),
    (WordCount(min_words=5), "天文学是研究宇宙空间天体的学科"),
    (MeanWordLength(), "天文学是研究宇宙空间天体的学科 包括天体的运动和演化"),
    (MeanWordLength(), "물은 왜 산에서 더 빨리 끓나요"),
    (BulletLines(), "How to do it\n• one\n• two"),
    (EllipsisLines(), "And then there was silence…"),
    (AlphabeticWords(), "Mix 200 g of flour with 2 eggs and wait for 10 minutes."),
    (AlphabeticWords(), "在 1999 年 12 月"),
    (DuplicateLines(), "Yes\nA first line of its own\nYes\nA second line of its own, which is long\nYes"),
    (RepeatedPhrase(), PROSE),
    (UniqueWords(), PROSE),
    (CurlyBrackets(), PROSE + " In C a block stands in {curly brackets}."),
    (UpperCaseWords(), "NASA and ESA were asked for help by us"),
    (UpperCaseWords(), "이것은 대문자가 없는 글입니다"),
    (SentenceEnds(), "他来了。我们走吧！"),
    (SentenceEnds(), "อากาศบนภูเขาเบาบางกว่าที่ระดับน้ำทะเล"),
    (SentenceEnds(), "He said: “It is over.”"),
]


@pytest.mark.parametrize(("one", "text"), PASSES)
def test_what_a_filter_lets_pass(one: TextFilter, text: str) -> None:
    assert one.reason(text) is None


LANGUAGES = {
    "English": "Water boils sooner on mountains, because the air is thin there and presses less on it.",
    "German": "Auf Bergen kocht Wasser früher, weil die Luft dort dünner ist und weniger drückt.",
    "French": "En montagne, l'eau bout plus tôt, car l'air y est plus rare et la pression plus faible.",
    "Finnish": "Vuoristossa vesi kiehuu alemmassa lämpötilassa, koska ilmanpaine on siellä matalampi.",
    "Indonesian": "Air mendidih lebih cepat di gunung, karena udara di sana lebih tipis dan tekanan lebih rendah.",
    "Swahili": "Maji huchemka mapema milimani kwa sababu hewa ya huko ni nyepesi na shinikizo ni dogo.",
    "Tagalog": "Mas mabilis kumulo ang tubig sa bundok dahil manipis ang hangin at mababa ang presyon.",
    "Somali": "Biyuhu si dhakhso ah ayay u karaan buuraha, waayo hawada ayaa ka fudud oo cadaadisku waa yar yahay.",
    "Zulu": "Amanzi abila masinyane ezintabeni, ngoba umoya ulula khona futhi ingcindezi iphansi.",
    "Xhosa": "Amanzi abila ngokukhawuleza ezintabeni, kuba umoya ulula apho kwaye uxinzelelo luphantsi.",
    "Vietnamese": "Nước sôi sớm hơn trên núi cao, vì không khí ở đó loãng và áp suất thấp hơn.",
    "Turkish": "Dağlarda su daha erken kaynar, çünkü orada hava daha seyrek ve basınç daha düşüktür.",
    "Russian": "В горах вода закипает раньше, потому что воздух там разрежен и давит слабее.",
    "Greek": "Στα βουνά το νερό βράζει νωρίτερα, γιατί ο αέρας είναι αραιός και η πίεση χαμηλή.",
    "Arabic": "يغلي الماء في الجبال في وقت أبكر، لأن الهواء هناك أخف والضغط أقل.",
    "Hebrew": "בהרים המים רותחים מוקדם יותר, כי האוויר דליל והלחץ נמוך.",
    "Hindi": "पहाड़ों पर पानी जल्दी उबलता है, क्योंकि वहाँ हवा पतली होती है और दबाव कम होता है।",
    "Tamil": "மலைகளில் நீர் விரைவில் கொதிக்கிறது, ஏனெனில் அங்கு காற்று அடர்த்தி குறைவு.",
    "Chinese": "在高山上，水沸腾得更早，因为那里的空气稀薄，气压较低。",
    "Japanese": "山の上では空気が薄く、気圧が低いので、水は早く沸騰します。",
    "Korean": "산에서는 공기가 희박하고 기압이 낮아서 물이 더 빨리 끓습니다.",
    "Thai": "บนภูเขาน้ำเดือดเร็วกว่า เพราะอากาศเบาบางและความดันต่ำกว่า",
    "Burmese": "တောင်ပေါ်တွင် လေပါးပြီး ဖိအားနည်းသောကြောင့် ရေသည် ပိုမြန်ဆူသည်။",
    "Amharic": "በተራራ ላይ አየሩ ስስ ስለሆነ ውሃ ቶሎ ይፈላል።",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_dropped_for_its_language(language: str) -> None:
    filters = [one for one in default_page_filters() if not isinstance(one, WordCount | StopWords)]
    assert (
        first_text_reason([*filters, WordCount(min_words=8), StopWords(min_text_words=5)], LANGUAGES[language]) is None
    )


def test_prose_passes_all() -> None:
    assert first_text_reason(default_page_filters(), PROSE) is None


def test_the_first_filter_that_rejects_gives_the_reason() -> None:
    text = "lorem ipsum {{{{"
    assert first_text_reason([LoremIpsum(), CurlyBrackets()], text) == "lorem_ipsum"
    assert first_text_reason([CurlyBrackets(), LoremIpsum()], text) == "curly_brackets"
    assert first_text_reason([], text) is None


def test_filters_are_frozen_and_have_names_of_their_own() -> None:
    filters = default_page_filters()
    assert len({one.name for one in filters}) == len(filters)
    with pytest.raises(dataclasses.FrozenInstanceError):
        filters[0].min_words = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts(name: str) -> None:
    for one in default_page_filters():
        assert one.reason(ODD_TEXTS[name]) in {None, *REASONS}


@given(TEXTS | st.text(alphabet="ab. \n#…•{}天ก1A", max_size=80))
def test_any_text_gets_a_known_reason_or_none(text: str) -> None:
    for one in default_page_filters():
        assert one.reason(text) in {None, *REASONS}


@given(TEXTS, TEXTS)
def test_a_decision_does_not_depend_on_the_text_before(text: str, other: str) -> None:
    first = [one.reason(text) for one in default_page_filters()]
    for one in default_page_filters():
        one.reason(other)
    assert [one.reason(text) for one in default_page_filters()] == first
