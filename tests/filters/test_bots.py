from __future__ import annotations

import pytest

from filters.bots import is_bot_name, is_bot_text
from tests.filters.odd_texts import ODD_TEXTS

BOTS = [
    "I am a bot, and this action was performed automatically.",
    (
        "*I am a bot, and this action was performed automatically. Please [contact the moderators of thi"
        "s subreddit](/message/compose/?to=/r/x) if you have any questions or concerns.*"
    ),
    "Here is the tweet: https://x.y\n\n^(I'm TweetLinkerBot)",
    "Non-AMP link: http://x\n\n---\n^TweetLinkerBot",
    "Here\n\n- TweetLinkerBot",
    "see it\n\n^^[GifvBot](https://x) ^^| ^^[source](y)",
    "beep boop",
    "THIS IS A BOT",
    "Please contact the moderators of this subreddit.",
    "This action was performed automatically.",
    "Hello. I am a bot.",
    "x\n\n*^I ^am ^a ^bot. ^Comments? ^Complaints? [^Send ^them ^",
    "**Playlist**\n\n^unwanted, ^self-deletes ^if ^score ^is ^0.*  \n[^about ^this ^bot](/1vjdw9) ^| [^recent",
    "I'm a bot working hard to help",
    "---\nI am a bot for /r/learnprogramming using supervise",
    "(*This was an automated message from a bot*)",
    "Hi, I'm DeepLinkBot and I fix links",
    "I'm the RemindMeBot.",
    "Beep boop. I am a bot, and nobody has read this.",
    "^(Bot by u/some)",
    "text\n\n^^this ^^comment ^^was ^^posted ^^by ^^a ^^bot",
    "Here you go\n\nI'm TweetLinkerBot",
    "x\n\n[](#bot)",
    "I am a helpful bot and",
    "This is an automated response.",
    "Here's a link\n\n*I'm LinkFixerBot*",
    "link\n\n^I'm ^LinkFixerBot ^| ^[feedback](x)",
    "Mirror: https://x\n\n---\n[^(StreamableBot)](https://x) ^(|) [^(Feedback)](y)",
    "Mirror\n\n(I'm a link helper. — LinkHelperBot)",
    "Mirror https://x — LinkHelperBot",
    "x\n\n~ HaikuBot",
    "I'm sokka-haiku-bot.",
    "http://x\n\nI'm link_fixer_bot",
    "Desktop link: https://en.wikipedia.org/x\n***\n^^/r/HelperBot_ ^^Downvote ^^to ^^remove. ^^Counter: ^^12345",
    "Link: https://x\n***\n ^HelperBot ^v1.1 ^/r/HelperBot_ ^I ^am ^a ^bot. ^Please ^message",
    "http://x\n\nLinkFixerBot",
    "[Mirror](x)\n\nby LinkHelperBot",
    "Fixed: /r/x ^LinkFixerBot",
    "[^(Source Code)](x) ^| [^(About this bot)](y)",
    "Ich bin ein Bot und diese Aktion wurde automatisch ausgeführt.",
]

PEOPLE = [
    "I'm a bot in FPS games, any tips?",
    "I'm a bot at chess: I lose in 10 moves.",
    "This action was performed automatically by the motor.",
    "The best one: https://x.y - SlackBot",
    "Try this\n\n[SlackBot](http://x)",
    "GPTBot is documented at http://x.y\n\nUse it:\n\nGPTBot",
    "I'm on_the_bot side",
    "positive: beep beep\n\nnegative: beep boop\n\nvery negative: beep boop boooop",
    "I wrote a bot for that.",
    "The bottom of the boat is a loop.",
    "How do I prove I'm not a bot?",
    "I'm a bot lane main",
    "He thinks I am a bot",
    "People ask if I'm a bot",
    "The backup is performed automatically.",
    "You can use GPTBot in robots.txt:\n\nUser-agent: GPTBot",
    "You should contact the moderators of this subreddit's sister",
    "I like RemindMeBot, it's useful",
    "Does this bot work?",
    "check out [this bot](url)",
    "I'm using PraisedBot for that",
    "I'm Mr. Abbot",
    "This is RemindMeBot's fault",
    "I made a Discord bot\n\n- it answers\n- it works with a SlackBot",
    "My toaster goes beep boop every time",
    "A bot wrote this article, I think.",
    "Is this bot active on this subreddit? that would de",
    "I am a robot engineer.",
    "GPTBot",
    "Use this:\n\n- Googlebot\n- GPTBot",
]


@pytest.mark.parametrize("text", BOTS)
def test_texts_that_say_a_bot_wrote_them(text: str) -> None:
    assert is_bot_text(text)


def test_the_last_words_of_a_long_text_count() -> None:
    assert is_bot_text("x" * 3000 + " I'm a bot, bleep, bloop.")


@pytest.mark.parametrize("text", PEOPLE)
def test_people_who_write_about_bots(text: str) -> None:
    assert not is_bot_text(text)


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    assert not is_bot_text(ODD_TEXTS[case])


@pytest.mark.parametrize(
    ("author", "bot"),
    [
        ("AutoModerator", True),
        ("autotldr", True),
        ("haiku-bot", True),
        ("WikiTextBot2", True),
        ("Abbot_Costello", False),
        ("robot", False),
        ("autopilot", False),
        ("", False),
        (None, False),
    ],
)
def test_names_of_bots(author: str | None, bot: bool) -> None:
    assert is_bot_name(author) is bot
