"""Chooses the sample author's resources: well-known addresses, and searches at stable ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from roadmaps.sample.design import curriculum_of
from roadmaps.sample.library import fill, phrases, seeded
from roadmaps.sample.subject import cleaned, shortened

if TYPE_CHECKING:
    from roadmaps.inputs import ContentInputs

_OF_SUBJECT = 3
_QUERY_LENGTH = 80
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")


def resources(inputs: ContentInputs) -> list[dict[str, Any]]:
    """List three to six resources; those in the formats that the learner likes come first."""
    curriculum = curriculum_of(inputs.learner.goal, inputs.language)
    random = seeded("resources", inputs.topic, inputs.title)
    count = min(_OF_SUBJECT, len(curriculum.resources))
    chosen = [entry.model_dump() for entry in random.sample(curriculum.resources, count)]
    found = chosen + _searches(inputs)
    liked = [wish.lower().rstrip("s") for wish in inputs.learner.content_formats]
    found.sort(key=lambda entry: entry["type"] not in liked)
    return found


def _searches(inputs: ContentInputs) -> list[dict[str, Any]]:
    said = phrases(inputs.language).resources
    title = cleaned(inputs.title)
    topic = cleaned(inputs.topic)
    base = inputs.language.replace("_", "-").split("-")[0].lower()
    wiki = base if _LANGUAGE_CODE.fullmatch(base) else "en"
    both = shortened(f"{topic} {title}", _QUERY_LENGTH).rstrip("\u2026")
    about = shortened(topic, _QUERY_LENGTH).rstrip("\u2026")
    rows = (
        (
            said.encyclopedia,
            said.encyclopedia_why,
            "article",
            about,
            f"https://{wiki}.wikipedia.org/wiki/Special:Search?search={quote(about)}",
        ),
        (
            said.videos,
            said.videos_why,
            "video",
            both,
            f"https://www.youtube.com/results?search_query={quote_plus(both)}",
        ),
        (
            said.books,
            said.books_why,
            "book",
            about,
            f"https://openlibrary.org/search?q={quote_plus(about)}",
        ),
    )
    return [
        {
            "title": shortened(fill(name, query=query), 200),
            "url": url,
            "type": kind,
            "language": inputs.language,
            "why": fill(why, title=title),
        }
        for name, why, kind, query, url in rows
    ]
