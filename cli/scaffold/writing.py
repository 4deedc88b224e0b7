"""Writes the files of a new package."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from cli.scaffold.obtaining import constraints, origin

if TYPE_CHECKING:
    from cli.scaffold.names import Names

_TEMPLATES: Final = Path(__file__).parent / "templates"
_FILES: Final = {
    ".env": "env.j2",
    ".gitignore": "gitignore.j2",
    "Makefile": "Makefile.j2",
    "README.md": "README.md.j2",
    "pyproject.toml": "pyproject.toml.j2",
    "{package}/flow.py": "flow.py.j2",
    "{package}/prompts/outline.j2": "outline.j2.j2",
    "{package}/prompts/section.j2": "section.j2.j2",
    "{package}/prompts/summary.j2": "summary.j2.j2",
    "tests/test_flow.py": "test_flow.py.j2",
}


def write(names: Names, *, folder: Path) -> list[str]:
    """Write a package, whole or not at all; return its files.

    Raises:
        CommandError: There is no way to get roadmap-worker.
        OSError: It cannot be written.
    """
    come_from = origin()
    values = {
        "name": names.name,
        "package": names.package,
        "workflow": names.workflow,
        "requirement": come_from.requirement,
        "origin": come_from.words,
    }
    target = folder / names.name
    draft = folder / f".{names.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        for name, text in _texts(values):
            file = draft / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        come_from.keep(draft / "wheels")
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())


def _texts(values: dict[str, str]) -> list[tuple[str, str]]:
    # prompts are Jinja files themselves, so these have other signs
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML
        keep_trailing_newline=True,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    package = values["package"]
    texts = [
        (name.format(package=package), made.get_template(template).render(values))
        for name, template in _FILES.items()
    ]
    said = f'"""A workflow on roadmap-worker: `{package}.flow`."""\n'
    return [
        *texts,
        (f"{package}/__init__.py", said),
        (f"{package}/py.typed", ""),
        ("constraints.txt", constraints()),
    ]
