"""Makes up texts that say what stands where, and that they are samples."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from llm.sample.patterns import for_python, text_like

if TYPE_CHECKING:
    from random import Random

_TITLES: Final = frozenset({"title", "name", "heading", "headline", "label", "subject", "topic"})
_KEYS: Final = frozenset({"slug", "key", "id", "identifier", "code", "handle"})
_LONG: Final = frozenset({"markdown", "body", "content", "text", "article"})
_LANGUAGES: Final = frozenset({"language", "lang", "locale"})
_ADDRESSES: Final = frozenset({"url", "uri", "link", "href"})
_LONGEST_TITLE: Final = 80
_TRIES: Final = 50
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(name: str) -> str:
    """Return a field's or a class's name as words: `BookChapter` is a book chapter."""
    return _CAMEL.sub(" ", name).replace("_", " ").strip().lower() or "text"


def one_of(name: str) -> str:
    """Return a name for the parts of a list, which are short: `tags` are called `#tag`."""
    return f"#{name.removesuffix('s')}"


def made_up(
    node: dict[str, Any], *, name: str, owner: str, about: str, number: int, random: Random
) -> str:
    """Return a text for a field.

    Args:
        node: The field's JSON Schema.
        name: The field's name.
        owner: What it is a field of, in words.
        about: What all is about; empty inside, where titles are made up.
        number: Which one of its kind it is, so that no two are alike.
        random: The same for the same call.
    """
    least, most = int(node.get("minLength", 0)), node.get("maxLength")
    if (formatted := _by_format(node.get("format", ""), number)) is not None:
        return formatted
    texts = _candidates(node, name, owner, about=about, number=number, random=random)
    if "pattern" in node:
        return _by_pattern(node["pattern"], texts, least, most, random)
    for text in texts:
        if most is None or len(text) <= most:
            break
    text = text if most is None else text[:most]
    while len(text) < least:
        text += f" {text or 'sample'}"
        text = text if most is None else text[:most]
    return f"{text[:-1]}." if text[-1:].isspace() else text


def _candidates(
    node: dict[str, Any], name: str, owner: str, *, about: str, number: int, random: Random
) -> list[str]:
    """Return what would do, the best first, the shortest last."""
    short = [f"Sample {number}", f"s{number}", str(number)]
    if name.startswith("#"):
        return [f"Sample {words_of(name[1:])} {number}", *short]
    last = name.rsplit("_", 1)[-1]
    if last in _LANGUAGES:
        return ["en", *short]
    if last in _ADDRESSES:
        return [f"https://example.org/sample-{number}", *short]
    if last in _KEYS:
        return [f"sample-{owner.replace(' ', '-')}-{number}", f"sample-{number}", *short[1:]]
    if last in _TITLES:
        titled = [f"Sample: {about}"[:_LONGEST_TITLE]] if about else []
        return [*titled, f"Sample {owner} {number}", *short]
    said = words_of(name)
    prose = (
        f"This is the {said} of a sample {owner}"
        f"{f' about {about}' if about else f' (number {number})'}. It was made up without a"
        " language model; set ROADMAP_LLM_PROVIDER to get a real one."
    )
    brief = [prose, f"Sample {said} {number}", *short]
    if name in _LONG or "markdown" in str(node.get("description", "")).lower():
        about, mark = about or f"{owner} {number}", random.randrange(1000, 10_000)
        return [_markdown(said, owner=owner, about=about, mark=mark), *brief]
    return brief


def _markdown(said: str, *, owner: str, about: str, mark: int) -> str:
    return (
        f"# Sample: {about}\n\n"
        f"This is the {said} of a sample {owner}. It was made up offline, without a language"
        " model, so that everything around it can be tried.\n\n"
        "## What stands here later\n\n"
        "- text that a **language model** wrote\n"
        "- as long as it was asked for\n\n"
        "```text\nROADMAP_LLM_PROVIDER=openai\n```\n\n"
        "## Sample end\n\n"
        f"The same call always gives the same sample; this is number {mark}."
    )


def _by_pattern(
    pattern: str, texts: list[str], least: int, most: int | None, random: Random
) -> str:
    """Return a text that fits a pattern; the nearest, where none that was tried does."""
    text, pattern = "sample", for_python(pattern)
    for attempt in range(_TRIES):
        try:
            text = (
                texts[attempt] if attempt < len(texts) else text_like(pattern, random, least=least)
            )
            fits = re.search(pattern, text) is not None
        except re.error:
            break  # one that only pydantic's own engine knows
        if fits and least <= len(text) and (most is None or len(text) <= most):
            break
    return text


def _by_format(form: str, number: int) -> str | None:
    day = (number - 1) % 28 + 1
    texts = {
        "date": f"2025-01-{day:02}",
        "date-time": f"2025-01-{day:02}T09:00:00Z",
        "time": "09:00:00Z",
        "duration": f"PT{number}H",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"sample-{number}")),
        "uri": f"https://example.org/sample-{number}",
        "email": f"sample{number}@example.org",
        "ipv4": f"192.0.2.{number % 254 + 1}",
        "ipv6": f"2001:db8::{number:x}",
        "ipvanyaddress": f"192.0.2.{number % 254 + 1}",
        "ipv4network": "192.0.2.0/24",
        "ipv6network": "2001:db8::/32",
        "base64": "c2FtcGxl",
        "base64url": "c2FtcGxl",
        "json-string": '"sample"',
    }
    return texts.get(form)
