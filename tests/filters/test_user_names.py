from __future__ import annotations

import time

import pytest

from filters.user_names import hide_name, hide_user_names
from tests.filters.odd_texts import ODD_TEXTS

MENTIONS = [
    ("I agree with [drxcl](/u/drxcl) though", "I agree with [someone](someone) though"),
    ("As u/Dasnocti said", "As someone said"),
    ("/u/bal00's advice", "someone's advice"),
    ("[try here](http://reddit.com/user/mattvonb/comments)", "[try here](someone)"),
    (
        "zdnet.com. Check here: http://reddit.com/user/Grymjack/submitted\r\n\r\nIf you",
        "zdnet.com. Check here: someone\r\n\r\nIf you",
    ),
    ("[/user/Capaenni](https://www.reddit.com/user/Capaenni) is right", "[someone](someone) is right"),
    ("(by /u/ch00f I believe)", "(by someone I believe)"),
    ("u/some\\_name\\_x and /u/a-b_c.", "someone and someone."),
    ("https://example.com/u/NAME stays", "https://example.com/u/NAME stays"),
    (
        "https://github.com/u/name/x menu/settings and/or you/me u/w 5 U/day 10 u/hour U/bob_1 says",
        "https://github.com/u/name/x menu/settings and/or you/me u/w 5 U/day 10 u/hour someone says",
    ),
    ("/user/local/bin and /home/user/bob and cd ~/u/proj", "/user/local/bin and /home/user/bob and cd ~/u/proj"),
    ("https://old.reddit.com/r/u_bob_x/comments/abc/title/ and r/u_bob_x", "someone and someone"),
    ("See https://www.reddit.com/user/bob_x/comments/abc/my_title/?utm=1 ok", "See someone ok"),
    ("[u/BOB](https://reddit.com/u/BOB) thanks", "[someone](someone) thanks"),
    ("[thanks to drxcl](/u/drxcl)", "[thanks to someone](someone)"),
    ("**u/bob123**, *u/bob123* and ^u/bob123", "**someone**, *someone* and ^someone"),
    ("[this guy](/u/drxcl)", "[this guy](someone)"),
    (
        "mail [me](/message/compose/?to=BobX&subject=hi) or [mods](/message/compose/?to=/r/x)",
        "mail [me](someone) or [mods](/message/compose/?to=/r/x)",
    ),
    ("u/[deleted] said", "u/[deleted] said"),
    ("reddit.com/u/bob_b", "someone"),
    ("and then, (u/bob_b)", "and then, (someone)"),
    ("Thanks u/bob_b/u/ann_x", "Thanks someone"),
    ("km/h, w/o, his/her/their", "km/h, w/o, his/her/their"),
    ("www.example.org/user/joe", "www.example.org/user/joe"),
    ("np.reddit.com/user/joe_x.", "someone."),
    ("\\/u\\/joe\\_x ok", "someone ok"),
    ("user/joe_x", "user/joe_x"),
    ("[Bob](https://www.reddit.com/u/bob/) wrote", "[someone](someone) wrote"),
    ("https://www.reddit.com/u/bob_b?x=1#y", "someone"),
    ("_u/bob_x_ hi", "_someone hi"),
    ("感谢u/bob_xさん", "感谢someoneさん"),
    ("Reddit.com/u/Bob_x!", "someone!"),
    ("U/bob_x said", "someone said"),
    ("~~u/bob_x~~ and ~/u/bob", "~~someone~~ and ~/u/bob"),
    ("https://m.reddit.com/user/bob_x and https://compact.reddit.com/u/bob_x", "someone and someone"),
    ("https://www.reveddit.com/user/bob_x", "someone"),
]


@pytest.mark.parametrize(("markdown", "hidden"), MENTIONS)
def test_mentions_of_users(markdown: str, hidden: str) -> None:
    assert hide_user_names(markdown) == hidden
    assert hide_user_names(hidden) == hidden


def test_a_name_is_hidden_as_a_word() -> None:
    text = "I am some_name, my page is u_Some_Name; not some_names."
    assert hide_name("some_name", text) == "I am someone, my page is someone; not some_names."


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts_stay(case: str) -> None:
    assert hide_user_names(ODD_TEXTS[case]) == ODD_TEXTS[case]


@pytest.mark.parametrize("part", ["u/", "/u/bob ", "[a](/u/bob", "a.b.", "https://a/u/", "/user/"])
def test_time_is_linear(part: str) -> None:
    begin = time.process_time()
    hide_user_names(part * (200_000 // len(part)) + " u/bob_1")
    assert time.process_time() - begin < 5
