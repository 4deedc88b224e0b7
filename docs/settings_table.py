"""The page of settings, made from the settings themselves."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, get_origin

from core.given import PREFIX, SECRETS
from core.settings import SECTIONS
from core.settings.kinds import kind_of, metadata_of

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_BOUNDS: Final = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def settings_table() -> str:
    """Return the page of settings as Markdown: one table for each subject."""
    lines = [
        "# Settings",
        "",
        (
            "From the environment or `.env`, environment first. Generated from `core/settings/`"
            " by `make docs`."
        ),
        "",
        (
            "Unknown names that begin with `ROADMAP_` and invalid values stop the program with one"
            " message that names"
        ),
        "the variable. "
        + ", ".join(f"`{PREFIX}{name}`" for name in SECRETS)
        + " may be given as `…_FILE`, a file that holds the value.",
        "",
        (
            "An empty value is as good as none. Words may be in upper or lower case; what is yes"
            " or no may be `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`."
        ),
    ]
    for title, section in SECTIONS.items():
        lines += ["", f"## {title}", "", "| name | default | values | meaning |"]
        lines.append("| --- | --- | --- | --- |")
        lines += [_row(name, field) for name, field in section.model_fields.items()]
    return "\n".join(lines) + "\n"


def allowed(field: FieldInfo) -> str:
    """Return what a setting may be: its words, or its kind and bounds."""
    kind = kind_of(field.annotation)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{each.value}`" for each in kind)
    if kind is bool:
        return "`true`, `false`"
    if kind in (int, float):
        bounds = [
            f"{word} {getattr(each, name):,}"
            for each in metadata_of(field)
            for name, word in _BOUNDS.items()
            if getattr(each, name, None) is not None
        ]
        return " ".join(["whole number" if kind is int else "number", " and ".join(bounds)]).strip()
    if get_origin(kind) is tuple:
        return "list with commas"
    return "JSON" if get_origin(kind) is dict else ""


def _row(name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    shown = getattr(default, "get_secret_value", lambda: default)()
    if isinstance(shown, bool):
        shown = str(shown).lower()
    text = "" if shown in (None, (), {}) else f"`{shown}`"
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{PREFIX}{name.upper()}` | {text} | {allowed(field)} | {meaning} |"
