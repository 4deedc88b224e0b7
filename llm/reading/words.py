"""Words that models use for the words of our enumerations, in the languages they fall into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEANT: Final[dict[str, str]] = {
    "beginner": "easy basic basics novice introductory intro elementary starter low simple"
    " foundational fundamental entry entrylevel a1 a2 einfach anfanger anfänger leicht"
    " grundlagen facile débutant debutant principiante fácil facil básico basico iniciante"
    " początkujący новичок начальный 初级 入门 简单 初學者 初学者 初級 초급 मूल مبتدئ",
    "intermediate": "medium moderate mid middle average normal standard b1 b2 mittel"
    " fortgeschrittene_anfänger mittelstufe moyen intermédiaire intermediaire intermedio medio"
    " média intermediário intermedi średni средний 中级 中等 中級 중급 متوسط",
    "advanced": "hard difficult expert high challenging complex pro professional c1 c2 schwer"
    " fortgeschritten schwierig difficile avancé avance avanzado difícil dificil avançado"
    " zaawansowany сложный продвинутый 高级 困难 专家 高級 上級 고급 متقدم",
    "article": "blog blogpost post website web webpage page site text paper news guide howto"
    " tutorial reading essay newsletter forum artikel artículo articulo artigo 文章 博客 网站 記事",
    "book": "ebook textbook manual buch livre libro livro 书 书籍 图书 本",
    "course": "mooc class lesson workshop bootcamp training onlinecourse kurs cours curso 课程"
    " コース",
    "documentation": "docs doc reference officialdocs officialdocumentation specification spec"
    " standard api apireference dokumentation documentación documentação 文档 官方文档",
    "tool": "software app application library repo repository github code playground exercise"
    " practice sandbox game dataset project werkzeug outil herramienta ferramenta 工具",
    "video": "youtube videos lecture talk screencast film podcast vidéo vídeo 视频 動画 영상",
    "single": "singlechoice multiplechoice mcq onechoice radio singleselect singleanswer choice"
    " 单选 单选题",
    "multiple": "multiplechoices multiselect multipleselect multipleanswer multipleanswers"
    " multipleresponse checkbox selectall 多选 多选题",
    "true_false": "boolean bool tf truefalse trueorfalse yesno wahrfalsch vraifaux 判断 判断题",
    "error": "critical fatal high blocker major severe blocking errors fehler erreur 错误",
    "warning": "warn info low minor medium moderate notice suggestion hint note warnung"
    " avertissement 警告",
    "add": "create insert new append introduce",
    "remove": "delete drop cut eliminate",
    "modify": "update change edit revise rewrite rename replace adjust",
    "update": "modify change edit revise rewrite rename replace adjust",
    "move": "reorder relocate shift transfer",
}
_SIGNS: Final = re.compile(r"[\W_]+")
_BY_WORD: Final[dict[str, tuple[str, ...]]] = {}
for _meant, _words in _MEANT.items():
    for _word in _words.split():
        _key = _SIGNS.sub("", _word).casefold()
        _BY_WORD[_key] = (*_BY_WORD.get(_key, ()), _meant)


def word_among(text: str, allowed: Sequence[str]) -> str | None:
    """Return the word of an enumeration that a model's word stands for, or None.

    Case, signs and synonyms do not count; of "beginner/intermediate" the first does. A resource of
    an unknown type is an article.
    """
    for part in (text, *re.split(r"[/|,;(]| to | - ", text)):
        key = _SIGNS.sub("", part).casefold()
        for word in allowed:
            if key == _SIGNS.sub("", word).casefold():
                return word
        for word in _BY_WORD.get(key, ()):
            if word in allowed:
                return word
    return "article" if "article" in allowed else None
