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
        " początkujący новичок начальный 初级 入门 简单 初學者 初学者 初級 초급 मूल مبتدئ",
        "intermediate": "medium moderate mid middle average normal standard b1 b2 mittel"
        " fortgeschrittene_anfänger mittelstufe moyen intermédiaire intermediaire intermedio medio"
        " média intermediário intermedi średni средний 中级 中等 中級 중급 متوسط",
        "advanced": "hard difficult expert high challenging complex pro professional c1 c2 schwer"
        " fortgeschritten schwierig difficile avancé avance avanzado difícil dificil avançado"
        " zaawansowany сложный продвинутый 高级 困难 专家 高級 上級 고급 متقدم",
        "article": "blog blogpost post website web webpage page site text paper news guide howto"
        " tutorial reading essay newsletter forum artikel artículo articulo artigo 文章 博客 网站"
        " 記事",
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
    },
    otherwise=frozenset({"article"}),  # what a resource of an unknown type is
    may_be_empty=frozenset({"why", "suggestion"}),
    unknown_hours=2.0,  # of a concept: asking again costs more
)


class RoadmapOutput(Output):
    """A structured completion about a roadmap."""

    read_by = READING
