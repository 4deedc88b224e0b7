"""What the pages about own workflows show is run, or at least read by Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Final

from workflow.authoring import definition

DOCS: Final = Path(__file__).parents[3] / "docs"


def _blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_the_page_shows_a_workflow() -> None:
    """The page's module is a workflow without a fault, brought as the page says."""
    (module,) = _blocks("OWN_WORKFLOWS_WHY.md", "python")
    names: dict[str, Any] = {"__name__": "mybook.flows"}
    exec(compile(module, "mybook/flows.py", "exec", dont_inherit=True), names)  # noqa: S102 - ours
    shape = definition(names["book"]).describe()
    assert [(step.name, step.reviewed, step.parts) for step in shape.steps] == [
        ("outline", True, False),
        ("chapter", False, True),
        ("index", False, False),
    ]
    assert _blocks("OWN_WORKFLOWS_WHY.md", "toml") == [
        '[project.entry-points."roadmap_worker.workflows"]\nbook = "mybook.flows:book"\n'
    ]


def test_the_reference_shows_python() -> None:
    """Each example of the reference is Python, `await` at its top allowed."""
    examples = _blocks("OWN_WORKFLOWS_REFERENCE.md", "python")
    assert len(examples) > 10
    for example in examples:
        compile(example, "reference", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
