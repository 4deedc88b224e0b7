"""Formulas in a text: LaTeX to MathML, which browsers show without a script.

The converter takes its input for trusted: its output is read as XML and made anew from elements and
attributes that are known here. What is anything else stays what it was, as code.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

LONGEST: Final = 2000
_SPACE: Final = "{http://www.w3.org/1998/Math/MathML}"
ELEMENTS: Final = frozenset(
    {"math", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mroot"}
    | {"mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd"}
    | {"mtext", "mtr", "munder", "munderover", "none", "mprescripts"}
)
ATTRIBUTES: Final = frozenset(
    {"accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence"}
    | {"form", "height", "linethickness", "lspace", "mathvariant", "maxsize", "minsize"}
    | {"movablelimits", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "width"}
)
_VALUE: Final = re.compile(r"[\w .%+-]{0,40}")


class _StrangeError(ValueError):
    """A formula has something that is not known here."""


def formula(latex: str, *, block: bool) -> str:
    """Return a formula as MathML, or as code when it cannot be shown."""
    as_code = f"<code>{escape(latex)}</code>"
    if len(latex) > LONGEST:
        return as_code
    try:
        made = convert(latex, display="block" if block else "inline")
        return _element(ET.fromstring(made))  # noqa: S314 - it has no entities, and is short
    except Exception:  # noqa: BLE001 - whatever a stranger's formula does to the converter
        return as_code


def _element(node: ET.Element) -> str:
    name = node.tag.removeprefix(_SPACE)
    if name not in ELEMENTS:
        raise _StrangeError
    attributes = "".join(
        f' {key}="{escape(value)}"'
        for key, value in node.attrib.items()
        if key in ATTRIBUTES and _VALUE.fullmatch(value)
    )
    inside = escape(node.text or "") + "".join(
        _element(child) + escape(child.tail or "") for child in node
    )
    return f"<{name}{attributes}>{inside}</{name}>"
