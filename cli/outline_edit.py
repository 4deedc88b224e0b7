"""An outline as text for an editor, and the edits that a changed text asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from cli.exits import usage
from core.visible import one_line

HELP: Final = """\
# Change a title to rename it. Move a concept's line to reorder it, also into another module.
# Delete a concept's line to remove it. Write a new line below a module to add a concept.
# Keep the mark in brackets at the end of a line. An unchanged text changes nothing.
"""
_TAGGED: Final = re.compile(r"^(?P<title>.*?)\s*\[(?P<tag>[SMC]\d+)\]$")


@dataclass(slots=True)
class _Parts:
    """The outline's parts by tag: ids, titles, and which concepts each module holds."""

    ids: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)


def to_text(roadmap: dict[str, Any]) -> str:
    """Return a roadmap's structure as text to edit."""
    parts = _number(roadmap)
    lines = [HELP]
    modules = iter(parts.held.items())
    for number, stage in enumerate(roadmap["stages"], 1):
        lines.append(f"{parts.titles[f'S{number}']} [S{number}]")
        for _ in stage["modules"]:
            module, concepts = next(modules)
            lines.append(f"  {parts.titles[module]} [{module}]")
            lines += [f"    {parts.titles[concept]} [{concept}]" for concept in concepts]
    return "\n".join(lines) + "\n"


def to_edits(roadmap: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """Return the edits that lead from a roadmap to the changed text; empty when it is the same.

    Raises:
        CommandError: A line cannot be understood.
    """
    parts = _number(roadmap)
    titles, wanted = _read(text, parts)
    edits = [
        {"op": "rename", _KEYS[tag[0]]: parts.ids[tag], "title": title}
        for tag, title in titles.items()
        if title != parts.titles[tag]
    ]
    gone = [tag for tag in parts.titles if tag[0] == "C" and tag not in titles]
    edits += [{"op": "remove", "concept_id": parts.ids[tag]} for tag in gone]
    state = {
        module: [tag for tag in held if tag not in gone] for module, held in parts.held.items()
    }
    for module, entries in wanted.items():
        for position, entry in enumerate(entries):
            edits += _place(entry, module, position, state, parts)
    return edits


_KEYS: Final = {"S": "stage_id", "M": "module_id", "C": "concept_id"}


def _place(
    entry: str, module: str, position: int, state: dict[str, list[str]], parts: _Parts
) -> list[dict[str, Any]]:
    """Put an entry where the text has it; all before it stand right already."""
    here = state[module]
    if position < len(here) and here[position] == entry:
        return []
    edit: dict[str, Any]
    if entry in parts.ids:
        for held in state.values():
            if entry in held:
                held.remove(entry)
        edit = {"op": "move", "concept_id": parts.ids[entry]}
    else:
        edit = {"op": "add", "title": entry}
    here.insert(position, entry)
    return [edit | {"module_id": parts.ids[module], "position": position}]


def _read(text: str, parts: _Parts) -> tuple[dict[str, str], dict[str, list[str]]]:
    titles: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    module: str | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        match = _TAGGED.match(line)
        tag = match["tag"] if match else None
        if not line or (line.startswith("#") and not _begins_so(tag, parts)):
            continue
        if match and tag:
            if tag not in parts.ids or tag in titles or not match["title"]:
                raise usage(f"Line {number}: [{tag}] is unknown, doubled, or has no title.")
            titles[tag] = match["title"]
        if tag and tag[0] == "M":
            module = tag
            wanted[module] = []
        elif not tag or tag[0] == "C":
            if module is None:
                raise usage(f"Line {number}: a concept must stand below a module.")
            wanted[module].append(tag or line)
    return titles, wanted


def _begins_so(tag: str | None, parts: _Parts) -> bool:
    """Tell whether a part's own title begins like a remark: its line is none."""
    return parts.titles.get(tag or "", "").startswith("#")


def _number(roadmap: dict[str, Any]) -> _Parts:
    parts = _Parts()
    modules = concepts = 0
    for stages, stage in enumerate(roadmap["stages"], 1):
        _note(parts, f"S{stages}", stage["stage_id"], stage["title"])
        for module in stage["modules"]:
            modules += 1
            held = parts.held.setdefault(f"M{modules}", [])
            _note(parts, f"M{modules}", module["module_id"], module["title"])
            for concept in module["concepts"]:
                concepts += 1
                held.append(f"C{concepts}")
                _note(parts, f"C{concepts}", concept["concept_id"], concept["title"])
    return parts


def _note(parts: _Parts, tag: str, key: str, title: str) -> None:
    parts.ids[tag] = key
    parts.titles[tag] = one_line(" ".join(title.split()))
