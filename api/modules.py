"""A page's modules as one: a request instead of thirty, and a third of the bytes.

The modules stand in `static/` as they are written, and are served so, too, for other sites. What
a page loads is made from them once per process: each becomes a function that is run once, in the
order in which a browser would, and hands out what it exports. What a page fetches later shares the
modules that are there already: what they know and keep is there once. Only the forms that our
modules use are known; anything else stops the process at once, and
`tests/unit/api/test_modules.py` tells.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Final

from api.tight import tight

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_DECLARED: Final = re.compile(
    r"^export (?=(?:async function\*?|function\*?|class|const) ([A-Za-z_$][\w$]*))", re.MULTILINE
)
_LISTED: Final = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import\b(?!\()|export\b).*", re.MULTILINE)
_COMMENT: Final = re.compile(
    r"^[ \t]*(?:/\*\*?(?:[^*]|\*(?!/))*\*/[ \t]*|//[^\n]*)\n", re.MULTILINE
)
_WAITS: Final = re.compile(r"^(?!async|export async)\S.*\bawait\b", re.MULTILINE)
"""Something at the top of a module that waits, as for the messages of a language."""
_AS: Final = re.compile(r"\s+as\s+")


class UnknownFormError(ValueError):
    """A module imports or exports in a way that cannot be put together."""


def bundle(entry: str, sources: dict[str, str]) -> str:
    """Return a module and all that it imports as one module.

    Args:
        entry: Its path.
        sources: All modules by their paths.

    Raises:
        UnknownFormError: One of them cannot be put together with the others.
    """
    order: list[str] = []
    _visit(entry, sources, order, on_the_way=())
    numbers = {path: number for number, path in enumerate(order)}
    whole = _shared(sources) + "".join(_wrapped(path, sources[path], numbers) for path in order)
    given = ",".join(_DECLARED.findall(sources[entry]))
    return whole + (f"export const {{{given}}} = m{numbers[entry]};\n" if given else "")


def _shared(sources: dict[str, str]) -> str:
    """Return what names a page's modules, apart from those that a newer server would hand out."""
    version = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]
    return f'const M=((globalThis.modules??={{}})["{version}"]??={{}});\n'


def _visit(
    path: str, sources: dict[str, str], order: list[str], *, on_the_way: tuple[str, ...]
) -> None:
    """Put a module behind those that it imports."""
    if path in on_the_way:
        raise UnknownFormError(f"{path} imports itself by {' and '.join(on_the_way)}.")
    if path in order:
        return
    for _names, other in _IMPORT.findall(sources[path]):
        _visit(_beside(path, other), sources, order, on_the_way=(*on_the_way, path))
    order.append(path)


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))


def _wrapped(path: str, source: str, numbers: dict[str, int]) -> str:
    """Return a module as a function that is run once."""
    taken = []
    for names, other in _IMPORT.findall(source):
        wanted = _AS.sub(":", ",".join(each.strip() for each in names.split(",") if each.strip()))
        taken.append(f"const {{{wanted}}}=m{numbers[_beside(path, other)]};\n")
    given = [(name, name) for name in _DECLARED.findall(source)]
    for names in _LISTED.findall(source):
        for each in filter(None, (name.strip() for name in names.split(","))):
            own, _, called = each.partition(" as ")
            given.append((called or own, own))
    text = _DECLARED.sub("", _LISTED.sub("", _IMPORT.sub("", source)))
    if unknown := _OTHER.search(text):
        raise UnknownFormError(f"{path}: `{unknown[0]}` is no form of import or export known here.")
    waits = _WAITS.search(_COMMENT.sub("", text)) is not None
    text = tight(text)
    answer = ",".join(f"{called}:{own}" if called != own else own for called, own in given)
    wait, kind = ("await ", "async()=>") if waits else ("", "()=>")
    return (
        f'const m{numbers[path]}=M["{path}"]??={wait}({kind}{{\n{"".join(taken)}{text}'
        f"return {{{answer}}};\n}})();\n"
    )
