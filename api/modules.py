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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.tight import tight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class _Module:
    """A module, taken apart.

    Attributes:
        taken: What it imports: names as they are taken out of an object, and from which module.
        body: All else of it, without what only its readers need.
        given: What it exports, as the insides of an object.
        waits: Something at its top waits.
    """

    taken: Sequence[tuple[str, str]]
    body: str
    given: str
    waits: bool


class Bundler:
    """Puts modules together. Each is taken apart once, however many pages it is part of."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Take all modules by their paths."""
        self._sources = sources
        self._modules: dict[str, _Module] = {}
        version = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]
        self._shared = f'const M=((globalThis.modules??={{}})["{version}"]??={{}});\n'
        """What names a page's modules, apart from those that a newer server would hand out."""

    def bundle(self, entry: str) -> str:
        """Return a module, named by its path, and all that it imports as one module.

        Raises:
            UnknownFormError: One of them cannot be put together with the others.
        """
        order: list[str] = []
        self._visit(entry, order, on_the_way=())
        numbers = {path: number for number, path in enumerate(order)}
        whole = self._shared + "".join(
            _wrapped(path, self._module(path), numbers) for path in order
        )
        given = ",".join(_DECLARED.findall(self._sources[entry]))
        return whole + (f"export const {{{given}}} = m{numbers[entry]};\n" if given else "")

    def _visit(self, path: str, order: list[str], *, on_the_way: tuple[str, ...]) -> None:
        """Put a module behind those that it imports."""
        if path in on_the_way:
            raise UnknownFormError(f"{path} imports itself by {' and '.join(on_the_way)}.")
        if path in order:
            return
        for _names, other in self._module(path).taken:
            self._visit(other, order, on_the_way=(*on_the_way, path))
        order.append(path)

    def _module(self, path: str) -> _Module:
        if path not in self._modules:
            self._modules[path] = _taken_apart(path, self._sources[path])
        return self._modules[path]


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))


def _taken_apart(path: str, source: str) -> _Module:
    taken = []
    for names, other in _IMPORT.findall(source):
        wanted = _AS.sub(":", ",".join(each.strip() for each in names.split(",") if each.strip()))
        taken.append((wanted, _beside(path, other)))
    given = [(name, name) for name in _DECLARED.findall(source)]
    for names in _LISTED.findall(source):
        for each in filter(None, (name.strip() for name in names.split(","))):
            own, _, called = each.partition(" as ")
            given.append((called or own, own))
    text = _DECLARED.sub("", _LISTED.sub("", _IMPORT.sub("", source)))
    if unknown := _OTHER.search(text):
        raise UnknownFormError(f"{path}: `{unknown[0]}` is no form of import or export known here.")
    return _Module(
        taken=taken,
        body=tight(text),
        given=",".join(f"{called}:{own}" if called != own else own for called, own in given),
        waits=_WAITS.search(_COMMENT.sub("", text)) is not None,
    )


def _wrapped(path: str, module: _Module, numbers: Mapping[str, int]) -> str:
    """Return a module as a function that is run once."""
    taken = "".join(f"const {{{names}}}=m{numbers[other]};\n" for names, other in module.taken)
    wait, kind = ("await ", "async()=>") if module.waits else ("", "()=>")
    return (
        f'const m{numbers[path]}=M["{path}"]??={wait}({kind}{{\n{taken}{module.body}'
        f"return {{{module.given}}};\n}})();\n"
    )
