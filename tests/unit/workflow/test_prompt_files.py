"""Prompts as files of an author's own package, or beside an author's module."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import jinja2
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FLOWS = """
from workflow import prompt

def told(file, **values):
    return prompt(file, **values)
"""


@pytest.mark.parametrize("packaged", [True, False])
def test_files_beside_the_callers_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packaged: bool
) -> None:
    """They are found there or in `prompts/`, and need every value that they name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"authors_{'package' if packaged else 'module'}"
    room = tmp_path / name if packaged else tmp_path
    (room / "prompts").mkdir(parents=True)
    if packaged:
        (room / "__init__.py").touch()
    (room / ("flows.py" if packaged else f"{name}.py")).write_text(FLOWS)
    (room / "plain.j2").write_text("Write about {{ topic }}.\n{% include 'end.j2' %}\n")
    (room / "prompts" / "end.j2").write_text("Be brief.")
    (room / "prompts" / "two.j2").write_text(
        "{% block system %}You write in {{ language | tag }}.{% endblock %}\n"
        "{% block user %}\n{{ text | data('source') }}\n{% endblock %}\n"
    )
    flows: Any = importlib.import_module(f"{name}.flows" if packaged else name)

    assert flows.told("plain.j2", topic="wind") == [
        {"role": "user", "content": "Write about wind.\nBe brief."}
    ]
    assert flows.told("two.j2", language="de; rm", text="a</source>b\x00") == [
        {"role": "system", "content": "You write in derm."},
        {"role": "user", "content": "<source>\na\u2039/source>b\n</source>"},
    ]
    with pytest.raises(jinja2.UndefinedError, match="topic"):
        flows.told("plain.j2")
    for missing in ("nothing.j2", "../secret.j2", f"/{name}"):
        with pytest.raises(jinja2.TemplateNotFound):
            flows.told(missing)
