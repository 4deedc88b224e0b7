"""How a model's answers about roadmaps are read: what it calls fields and words otherwise."""

from __future__ import annotations

from typing import Final

from llm.output import Output
from llm.reading.rules import PLAIN

READING: Final = PLAIN.also(
    other_names={
        "markdown": ("content", "text", "tutorial", "body", "markdowncontent", "article"),
        "title": ("name", "heading", "topic", "concept", "module", "stage"),
        "question": ("text", "prompt", "questiontext", "stem"),
        "estimated_hours": (
            "hours",
            "duration",
            "time",
            "estimatedtime",
            "effort",
            "estimatedduration",
        ),
        "difficulty": ("level", "difficultylevel"),
        "prerequisites": ("prereqs", "dependson", "dependencies", "requires", "after"),
        "stages": ("phases", "sections", "levels", "parts", "milestones"),
        "modules": ("units", "chapters", "sections", "topics", "courses", "weeks"),
        "concepts": ("lessons", "topics", "items", "skills", "subjects"),
        "operations": ("edits", "changes", "ops"),
        "intents": ("changes", "edits", "actions"),
        "op": ("action", "operation", "type"),
        "action": ("op", "operation", "type"),
        "target": ("concept", "title", "name"),
        "type": ("kind", "format", "resourcetype", "category"),
        "kind": ("type", "questiontype"),
        "answer": ("text", "response", "word", "status"),
        "explanation": ("rationale", "reason", "reasoning", "feedback", "why"),
    },
    wrappers=frozenset(
        {
            *("roadmap", "curriculum", "tutorial", "quiz", "resources", "intent", "plan"),
            *("edit_plan", "edits", "script", "lesson", "intent_analysis", "curriculum_design"),
            *("structure_validation", "edit_plan_analysis", "roadmap_edit"),
        }
    ),
    words={
        "beginner": "easy basic basics novice introductory intro elementary starter low simple"
        " foundational fundamental entry entrylevel a1 a2 einfach anfanger anfänger leicht"
        " grundlagen facile débutant debutant principiante fácil facil básico basico iniciante"
        " anfängerin einsteiger sehr_leicht grundkurs débutants debutants principianti"
        " principiantes kolay базовый легкий лёгкий легко начинающий 入门级 初级难度 零基础"
        " 基础 سهل مبتدئين للمبتدئين المبتدئ مبتدئة początkujący новичок начальный 初级 入门"
        " 简单 初學者 初学者 初級 초급 मूल مبتدئ",
        "intermediate": "medium moderate mid middle average normal standard b1 b2 mittel"
        " fortgeschrittene_anfänger mittelstufe moyen intermédiaire intermediaire intermedio"
        " medio mittelschwer fortgeschrittener_anfänger intermédiaires intermedios orta"
        " средний_уровень 进阶 中级难度 中等难度 متوسطة المتوسط média intermediário intermedi"
        " średni средний 中级 中等 中級 중급 متوسط",
        "advanced": "hard difficult expert high challenging complex pro professional c1 c2"
        " schwer fortgeschrittene fortgeschrittener experte experten profi profis avancés"
        " avanzados avanzato ileri zor сложно сложная трудный эксперт 高阶 高级难度 专业 صعب"
        " خبير متقدمين متقدمة المتقدم fortgeschritten schwierig difficile avancé avance"
        " avanzado difícil dificil avançado zaawansowany сложный продвинутый 高级 困难 专家"
        " 高級 上級 고급 متقدم",
        "article": "blog blogpost post website web webpage page site text paper news guide"
        " howto tutorial reading essay newsletter forum artikel artículo articulo artigo 文章"
        " 博客 网站 記事",
        "book": "ebook textbook manual buch livre libro livro 书 书籍 图书 本",
        "course": "mooc class lesson workshop bootcamp training onlinecourse kurs cours curso"
        " 课程 コース",
        "documentation": "docs doc reference officialdocs officialdocumentation specification"
        " spec standard api apireference dokumentation documentación documentação 文档 官方文档",
        "tool": "software app application library repo repository github code playground"
        " exercise practice sandbox game dataset project werkzeug outil herramienta ferramenta"
        " 工具",
        "video": "youtube videos lecture talk screencast film podcast vidéo vídeo 视频 動画 영상",
        "single": "singlechoice multiplechoice mcq onechoice radio singleselect singleanswer"
        " choice 单选 单选题 单项选择 单项选择题 einfachauswahl einfachauswahlfrage"
        " choix_unique opción_única selección_única scelta_singola одиночный_выбор اختيار_واحد",
        "multiple": "multiplechoices multiselect multipleselect multipleanswer multipleanswers"
        " multipleresponse checkbox selectall 多选 多选题 多项选择 多项选择题 不定项选择"
        " mehrfachantwort",
        "true_false": "boolean bool tf truefalse trueorfalse yesno wahrfalsch vraifaux 判断"
        " 判断题 是非题 wahr_oder_falsch richtig_falsch richtig_oder_falsch ja_nein"
        " vrai_ou_faux verdadero_falso verdadero_o_falso vero_falso verdadeiro_falso"
        " верно_неверно صح_أو_خطأ صواب_أو_خطأ صحيح_أو_خطأ",
    },
    otherwise=frozenset({"article"}),  # what a resource of an unknown type is
    may_be_empty=frozenset({"why", "suggestion"}),
    unknown_hours=2.0,  # of a concept: asking again costs more
)


class RoadmapOutput(Output):
    """A structured completion about a roadmap."""

    read_by = READING
