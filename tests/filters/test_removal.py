from __future__ import annotations

import pytest

from filters.removal import is_removal_notice
from tests.filters.odd_texts import ODD_TEXTS

NOTICES = [
    "[ Removed by Reddit on account of violating the [content policy](/help/contentpolicy). ]",
    "[Removed by moderator]",
    "Comment removed by moderator",
    "[deleted]  \n ^^^^^^^^^^^^^^^^0.0911 \n > [What is this?](https://pastebin.com/64GuVi2F/02033)",
    "[deleted]  \n ^^^^^^^^^^^^^^^^0.0427 \n > /45753^^^^ thanks spez YVR8e)",
    "[deleted]  \n ^^^^^^^^^^^^^^^^0.3935 \n > ...",
    "Comment Removed",
    "[removed by reddit]",
    "[ Removed by reddit in response to a copyright notice. ]",
    "[deleted]\n\n[What is this?](http://x.y)",
    "[deleted] v2.1",
    "[deleted] ^(What is this?)",
    ("worm office dinosaurs\n\n *This post was mass deleted and anonymized with [Redact](https://redact.dev/home)*"),
    "*This post was mass deleted and anonymized with* [*Redact*](https://redact.dev/home)",
    "-- mass edited with https://redact.dev/",
    "-- mass edited with redact.dev",
    "chubby insurance — mass deleted all reddit content via https://redact.dev",
    (
        "This comment has been overwritten by an open source script to protect this user's privacy.\n\nIf "
        "you would like to do the same, add the browser extension [GreaseMonkey](https://x) to Firefox"
    ),
    "[This comment was removed using Power Delete Suite](https://x)",
    "This comment was archived by an automated script. Please see r/PowerDeleteSuite for more info",
    (
        "Consent for this comment to be retained by reddit has been revoked by the original author in re"
        "sponse to changes made by reddit regarding third-party API pricing and moderation actions aroun"
        "d July 2023."
    ),
    "This comment has been deleted in protest of Reddit's API changes.",
    "This comment has been edited in protest.",
    "Deleted in protest of the API changes",
    "[Edited in protest of API pricing]",
    "This post has been deleted by its author.",
    "[comment deleted]",
    "[this comment has been removed by the moderators]",
    "comment overwritten by user for reasons of privacy",
    "*[deleted]*",
    "\\[deleted\\]",
    "[gelöscht]",
    "[Entfernt durch Moderator]",
    (
        "This comment was edited with [Power Delete Suite](https://github.com/j0be/PowerDeleteSuite). It"
        " previously may not have contained what it does now."
    ),
    "I'm sorry, but this comment was removed with Shreddit",
    "[removed]\n",
    "[ Removed by Reddit ]",
    "[redacted]",
    "This comment has been nuked with Power Delete Suite",
    "Edited with Power Delete Suite",
    "Removed by Reddit Legal",
    "[Deleted by user in protest of Reddit's API changes]",
    "Comment deleted by user",
    "Removed by moderators",
    "Post was deleted by OP.",
    "[removed by moderators for spam]",
    "[deleted for privacy]",
    "This comment has been removed by the user.",
    "Post removed by AutoModerator",
    "[removed: rule 3]",
    "Removed. Rule 4.",
    "[Deleted User]",
    "This comment has been removed by a moderator of r/news.",
    "Sorry, this post was removed by Reddit's spam filters.",
    "This comment was removed by Reddit's Legal Operations.",
    "User has deleted this comment.",
    "[removido]",
    "[Kommentar gelöscht]",
    "[Commentaire supprimé]",
    "rock fuzzy light *This post was mass deleted and anonymized with [Redact](https://redact.dev/)*",
    (
        "The content of this post was deleted by its author. **Redact** was the tool used, possibly for "
        "privacy, security, or limiting AI training data.\n\nwater fish tree"
    ),
    (
        "What was here has been permanently removed by the author. Redact handled the deletion, which may "
        "have been for privacy or data security."
    ),
    "This comment has been overwritten by a script as I have abandoned my Reddit account.",
    (
        "I have left reddit for [Voat](https://voat.co) due to years of admin mismanagement and "
        "preferential treatment. As an act of protest, I have chosen to redact all the comments I've ever "
        "made on reddit, overwriting them with this message."
    ),
    "Edit: Redacted by Power Delete Suite",
    "Reddit is killing third-party applications. This comment was edited using Power Delete Suite.",
    "Fuck u/spez. This comment has been removed in protest of Reddit's API policy.",
]

TEXTS = [
    "My comment has been edited to include more information on API pricing.",
    "The content of this post was deleted, maybe Redact could help with privacy?",
    "This article says that posts were deleted with Redact, which could be bad for privacy.",
    "I have left reddit for Voat. Then I came back.",
    "Reddit removed my post for no reason, what should I do?",
    "Fuck the mods. They removed my post in protest of API changes",
    "This comment was overwritten by a script kiddie? no",
    "[deleted user] said that it was good",
    "My post was removed by a moderator and I want to know why",
    "Am I in /r/news or [removed]?",
    "Flash removed from Ninite",
    "I used Power Delete Suite to remove my posts",
    "I deleted the third party app and it works now",
    "Removed the third party app and all was well.",
    "My comment was removed by an automated tool and I don't know why",
    "Replaced by a python script that does X",
    "Why were all of the comments removed?",
    "Guess this was removed for some reason?",
    "This comment has been edited for clarity. Water is wet.",
    "[edit: part deleted for quality]\n\nThe style",
    "Your post has been removed because you didn't end you topic in a question mark.",
    "[deleted] is what he wrote, and I still remember it",
    "What the [removed] did you just",
    "If you see [deleted], it means that the user removed it.",
    "The moderator removed my comment.",
    "Mass deleted photos with no backup",
    "How do I use Redact to delete my comments? This post was removed with it?",
    (
        "This question has been removed as it's not really a social science question. Perhaps /r/geograp"
        "hy would be a better venue for it. Thank you."
    ),
    "I edited my post to protect my privacy",
    "This account was removed by mistake by the bank.",
    "My account was deleted because of Reddit's policy changes",
    "People delete their comments in protest of the API changes; this one I keep.",
    "This post was edited to add the solution: privacy settings > apps > turn off.",
    "The old comments were overwritten by a script.",
    "Removed it by hand",
    "[removed] the cover and cleaned it",
    "The content was removed by moderators of Facebook within a day, which is fast.",
]


@pytest.mark.parametrize("notice", NOTICES)
def test_notices_of_a_removal(notice: str) -> None:
    assert is_removal_notice(notice)


@pytest.mark.parametrize("text", TEXTS)
def test_words_about_a_removal_are_no_notice(text: str) -> None:
    assert not is_removal_notice(text)


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    assert not is_removal_notice(ODD_TEXTS[case])
