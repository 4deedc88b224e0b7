"""Knows a refusal that is said in words, in the languages that models refuse in."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 1200
_SORRY: Final = re.compile(
    r"\A\W*(?:(?:i['\u2019]?m|i am)\s+(?:(?:really|very|so)\s+)?(?:sorry|afraid|unable)\b"
    r"|(?:sorry|apologies|unfortunately|i apologi[sz]e)\b"
    r"|i\s+(?:can['\u2019]?t|cannot|can not|won['\u2019]?t|will not|must decline|have to decline)\b"
    r"|as an ai\b|i['\u2019]?m not able to\b"
    r"|(?:es tut mir leid|entschuldigung|tut mir leid|leider|ich kann (?:\w+ )?nicht)\b"
    r"|(?:je suis d\u00e9sol\u00e9|d\u00e9sol\u00e9|je ne peux pas|malheureusement)"
    r"|(?:lo siento|no puedo|lamentablemente|lo lamento|disculpa)\b"
    r"|(?:desculpe|sinto muito|lamento|n\u00e3o posso|infelizmente)\b"
    r"|(?:mi dispiace|non posso|purtroppo)\b"
    r"|(?:het spijt me|sorry|helaas)\b|(?:przepraszam|niestety|przykro mi)\b"
    r"|(?:\u043f\u0440\u043e\u0441\u0442\u0438\u0442\u0435|\u0438\u0437\u0432\u0438\u043d\u0438\u0442\u0435"
    r"|\u043a \u0441\u043e\u0436\u0430\u043b\u0435\u043d\u0438\u044e"
    r"|\u044f \u043d\u0435 \u043c\u043e\u0433\u0443)"
    r"|(?:\u5f88?\u62b1\u6b49|\u5bf9\u4e0d\u8d77|\u6211\u65e0\u6cd5|\u6211\u4e0d\u80fd"
    r"|\u975e\u5e38\u62b1\u6b49|\u5f88\u9057\u61be"
    r"|\u4f60\u597d\uff0c\u6211\u65e0\u6cd5|\u5c0d\u4e0d\u8d77|\u6211\u7121\u6cd5)"
    r"|(?:\u7533\u3057\u8a33|\u3059\u307f\u307e\u305b\u3093|\u6b8b\u5ff5\u306a\u304c\u3089)"
    r"|(?:\uc8c4\uc1a1|\ubbf8\uc548)"
    r"|(?:عذر[اًا]+|معذرة|آسف|أعتذر|نعتذر|يؤسفني|للأسف|متأسفم|متاسفم)"
    r"|(?:üzgünüm|maalesef|xin lỗi|rất tiếc|beklager|tyvärr|desværre|maaf)\b"
    r"|(?:bohužel|sajnos|sajnálom)\b"
    r"|(?:क्षमा करें|माफ़ करें|मुझे खेद है|вибачте|на жаль))",
    re.IGNORECASE,
)
_CANNOT: Final = re.compile(
    r"\b(?:can['\u2019]?t|cannot|can not|won['\u2019]?t|will not|unable|not able|decline"
    r"|not comfortable|against my|violat\w+|polic(?:y|ies)|guidelines)\b"
    r"|\b(?:kann|darf|m\u00f6chte|werde)\b.{0,80}\bnicht\b|\bnicht (?:helfen|m\u00f6glich)\b"
    r"|\bne (?:peux|puis|suis)\b|\bimpossible\b|\bno puedo\b|\bn\u00e3o posso\b|\bnon posso\b"
    r"|\bkan\b.{0,60}\bniet\b|\bnie mog\u0119\b|\u043d\u0435 \u043c\u043e\u0433\u0443"
    r"|\u65e0\u6cd5|\u4e0d\u80fd|\u7121\u6cd5|\u4e0d\u4fbf|\u4e0d\u4e88|\u8fdd\u53cd"
    r"|\u3067\u304d\u307e\u305b\u3093|\u3067\u304d\u304b\u306d\u307e\u3059"
    r"|\u304a\u624b\u4f1d\u3044|\uc218 \uc5c6"
    r"|لا (?:أستطيع|يمكنني|يمكن|أقدر|أتمكن)|لن (?:أستطيع|أتمكن)|غير قادر|نمی[\u200c ]?توانم"
    r"|\b(?:yard.mc. ol|yap|sağla|ver|yaz)\w*m[ae]m\b|\bkhông thể\b|\bkan\b.{0,60}\b(?:ikke|inte)\b"
    r"|\btidak (?:dapat|bisa)\b|\bnemohu\b|\bnem tud\w*|नहीं कर सकत|не можу",
    re.IGNORECASE,
)
_ABOUT_SHAPE: Final = re.compile(
    r"\b(?:json|schema|format|more (?:details|information))\b", re.IGNORECASE
)


def declines(text: str) -> bool:
    """Tell whether an answer without any object in it is a refusal in words.

    It begins with an apology or a refusal and says that something cannot be done. One that is
    about the answer's form is a misunderstanding, which a repair may clear up.
    """
    if len(text) > _LONGEST or "{" in text:
        return False
    begun = text.strip()
    return bool(_SORRY.search(begun) and _CANNOT.search(begun) and not _ABOUT_SHAPE.search(begun))


def begins_declining(text: str) -> bool:
    """Tell whether a text of any length begins as a refusal does."""
    return _SORRY.search(text.strip()) is not None
