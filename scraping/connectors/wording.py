"""The words that sites put beside counts, in the languages they speak."""
# ruff: noqa: RUF001 - the letters and punctuation of other scripts are what this module reads

from __future__ import annotations

import re

from scraping.connectors.numbers import Count, count

LONGEST = 80  # characters of a piece of text that can be a count and its word


def _words(text: str) -> tuple[str, ...]:
    """The comma-separated words, longest first, so that no word hides a longer one."""
    return tuple(sorted((word.strip().casefold() for word in text.split(",")), key=len, reverse=True))


FOLLOWERS = _words(
    "followers, follower, people follow this, people are following this, follower:innen, follower*innen, followern,"
    "abonnés, abonné, abonnées, abonné(e)s, personnes suivent ce lieu, personnes sont abonnées, seguidores, seguidor,"
    "seguidors, personas siguen esto, pessoas seguindo isso, iscritti, iscritto, persone seguono questo elemento,"
    "volgers, volger, abonnees, obserwujących, obserwujący, obserwujące, obserwatorów, подписчиков, подписчика,"
    "подписчик, подписчики, підписників, підписники, takipçi, följare, følgere, følger, seuraajaa, seuraajat,"
    "sledujících, sledovatelov, követő, urmăritori, de urmăritori, ακόλουθοι, ακόλουθος, متابع, متابعين, متابعون,"
    "متابعًا, متابعاً, المتابعون, المتابعين, دنبال‌کننده, עוקבים, フォロワー, 팔로워, 位粉丝, 粉丝, 位粉絲, 粉絲,"
    "关注者, 位关注者, 關注者, 位追蹤者, 追蹤者, người theo dõi, pengikut, ผู้ติดตาม, फ़ॉलोअर, फ़ॉलोवर, अनुसरणकर्ता,"
    "subscribers, subscriber, abonnenten, abonnent:innen, abonnent, suscriptores, suscriptor, subscriptors, inscritos,"
    "inscrito, subscritores, subskrybentów, subskrypcji, abone, prenumeranter, abonnenter, tilaajaa, odběratelů,"
    "odběratele, feliratkozó, abonați, de abonați, συνδρομητές, مشترك, مشتركين, المشتركين, מנויים, チャンネル登録者数,"
    "登録者, 구독자, 位订阅者, 订阅者, 位訂閱者, 訂閱者, người đăng ký, ผู้ติดตามช่อง, सब्सक्राइबर"
)
LIKES = _words(
    "likes, like, people like this, people like this topic, „gefällt mir“-angaben, gefällt mir, mentions j’aime,"
    "j’aime, j'aime, me gusta, les gusta, curtidas, gostos, mi piace, vind-ik-leuks, polubień, отметок «нравится»,"
    "нравится, beğenme, gilla-markeringar, liker, إعجاب, いいね！, いいね, 좋아요, 次赞, 個讚"
)
OTHERS = _words(
    "following, posts, post, tweets, tweet, videos, video, photos, talking about this, were here, was here, views,"
    "gefolgt, folge ich, beiträge, personen sprechen darüber, waren hier, abonnements, suivi(e)s, publications,"
    "siguiendo, seguidos, publicaciones, seguindo, a seguir, publicações, seguiti, profili seguiti, post, volgend,"
    "berichten, obserwowani, obserwowanych, posty, в читаемых, подписок, подписки, публикаций, takip, takip edilen,"
    "gönderi, följer, inlägg, følger du, innlegg, seurataan, sleduje, sledování, követés, bejegyzés, urmăriri,"
    "يتابع, أتابعه, منشور, עוקב אחרי, フォロー中, フォロー, ポスト, 팔로우, 팔로잉, 게시물,"
    "正在关注, 关注, 追蹤中, đang theo dõi, mengikuti"
)
LABELS = frozenset((*FOLLOWERS, *LIKES, *OTHERS))
ANYTHING = tuple(sorted(LABELS, key=len, reverse=True))
_LINK = re.compile(r"\s*(?:\b(?:de|di|of|av|af|von)|\bd['’]|位|名|人|명)\s*$", re.IGNORECASE)
_COUNTER = re.compile(r"\s*(?:人|명|名|位)?\s*$")


def counted(piece: str, words: tuple[str, ...]) -> Count | None:
    """The count in a piece of text that is a count of one of `words` and nothing else, in either order, else None."""
    text = plain(piece)
    if len(text) > LONGEST or not any(char.isdecimal() for char in text):
        return None
    for word in words:
        if text.endswith(word):
            return bare(text.removesuffix(word))
    for word in words:
        if text.startswith(word):
            return count(_COUNTER.sub("", text.removeprefix(word).lstrip(" :：")))
    return None


def bare(text: str) -> Count | None:
    """The count in a text that stands apart from its word: "1.2M", "1,2 M de"."""
    return count(_LINK.sub("", text))


def plain(piece: str) -> str:
    """A piece of text in lower case, without the blanks and stops around it."""
    return " ".join(piece.split()).casefold().strip(" .!")
