"""Turns what a model calls a language into its BCP 47 tag."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NAMES: Final = {
    "en": "english eng englisch anglais inglés ingles inglês inglese 英语 英文 英語 영어",
    "de": "german ger deu deutsch allemand alemán aleman alemão tedesco 德语 ドイツ語 немецкий",
    "fr": "french fre fra français francais französisch francés frances 法语 フランス語",
    "es": "spanish spa español espanol castellano spanisch espagnol espanhol 西班牙语 испанский",
    "pt": "portuguese por português portugues portugiesisch portugais 葡萄牙语 португальский",
    "it": "italian ita italiano italienisch italien 意大利语 итальянский",
    "nl": "dutch nld dut nederlands niederländisch néerlandais 荷兰语",
    "pl": "polish pol polski polnisch polonais 波兰语 польский",
    "ru": "russian rus русский russkij russisch russe ruso 俄语 ロシア語",
    "uk": "ukrainian ukr українська ukrainisch 乌克兰语 украинский",
    "zh": "chinese zho chi mandarin putonghua chinesisch chinois 中文 汉语 漢語 普通话 中国語",
    "zh-Hans": "simplifiedchinese chinesesimplified 简体中文 中文简体",
    "zh-Hant": "traditionalchinese chinesetraditional 繁體中文 繁体中文",
    "ja": "japanese jpn japanisch japonais japonés nihongo 日本語 日语 日本语",
    "ko": "korean kor koreanisch coréen 한국어 韩语 朝鲜语",
    "ar": "arabic ara arabisch arabe العربية عربي 阿拉伯语",
    "hi": "hindi hin हिन्दी हिंदी 印地语",
    "bn": "bengali bangla ben বাংলা",
    "ur": "urdu urd اردو",
    "fa": "persian farsi fas per فارسی",
    "he": "hebrew heb hebräisch עברית",
    "tr": "turkish tur türkçe turkce türkisch 土耳其语",
    "vi": "vietnamese vie tiếngviệt vietnamesisch 越南语",
    "th": "thai tha ไทย ภาษาไทย 泰语",
    "id": "indonesian ind bahasaindonesia bahasa indonesisch 印尼语",
    "ms": "malay msa may bahasamelayu",
    "sv": "swedish swe svenska schwedisch",
    "da": "danish dan dansk dänisch",
    "nb": "norwegian nor norsk norwegisch bokmål bokmal nob",
    "fi": "finnish fin suomi finnisch",
    "cs": "czech ces cze čeština cestina tschechisch",
    "sk": "slovak slk slo slovenčina",
    "hu": "hungarian hun magyar ungarisch",
    "ro": "romanian ron rum română romana rumänisch",
    "bg": "bulgarian bul български bulgarisch",
    "el": "greek ell gre ελληνικά griechisch",
    "hr": "croatian hrv hrvatski",
    "sr": "serbian srp српски srpski",
    "sl": "slovenian slv slovenščina",
    "et": "estonian est eesti",
    "lv": "latvian lav latviešu",
    "lt": "lithuanian lit lietuvių",
    "ca": "catalan cat català catala",
    "eu": "basque eus euskara",
    "gl": "galician glg galego",
    "ga": "irish gle gaeilge",
    "ta": "tamil tam தமிழ்",
    "te": "telugu tel తెలుగు",
    "mr": "marathi mar मराठी",
    "sw": "swahili swa kiswahili",
    "fil": "filipino tagalog tgl",
    "la": "latin lat lateinisch",
    "eo": "esperanto epo",
}
_SIGNS: Final = re.compile(r"[\W_]+")
_PLACES: Final = {
    "us": "US",
    "usa": "US",
    "american": "US",
    "uk": "GB",
    "british": "GB",
    "gb": "GB",
    "brazil": "BR",
    "brazilian": "BR",
    "brasil": "BR",
    "portugal": "PT",
    "mexico": "MX",
    "latinamerica": "419",
    "spain": "ES",
    "canada": "CA",
    "canadian": "CA",
    "taiwan": "TW",
    "austria": "AT",
    "switzerland": "CH",
    "simplified": "Hans",
    "traditional": "Hant",
}
_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<place>[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-[a-z0-9]{1,8})*)",
    re.IGNORECASE,
)


def _key(text: str) -> str:
    return _SIGNS.sub("", unicodedata.normalize("NFC", text)).casefold()


_BY_NAME: Final = {
    _key(name): tag for tag, names in _NAMES.items() for name in (tag, *names.split())
}


def language_tag(text: str) -> str | None:
    """Return the tag for a language's name, code or tag: "Deutsch", "eng", "en_US"; None if none.

    Case and signs do not count. Of several languages the first one does.
    """
    text = text.strip()[:100]
    if (known := _BY_NAME.get(_key(text))) is not None:
        return known
    tag = _TAG.fullmatch(text.split(".", 1)[0])  # a locale such as en_US.UTF-8
    if tag is not None:
        language = _BY_NAME.get(tag["language"].lower(), tag["language"].lower())
        parts = [language, (tag["script"] or "").title(), (tag["place"] or "").upper()]
        return "-".join(part for part in parts if part) + tag["rest"]
    words = [_key(word) for word in re.split(r"[\s,;/|()_-]+", text) if word]
    language = next((_BY_NAME[word] for word in words if word in _BY_NAME), "")
    place = next((_PLACES[word] for word in words if word in _PLACES), "")
    return f"{language}-{place}" if language and place else language or None
