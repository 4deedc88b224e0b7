"""What a step with parts gave, as later steps get it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a part is not there.

    Where several kinds of a key failed, `code` and `kind` are the first one's, `message` tells of
    all, and `by_kind` has each by itself.
    """

    code: str
    message: str
    kind: str | None = None
    """Which kind of it, where a step makes several."""
    by_kind: Mapping[str, Failure] = field(default_factory=dict, hash=False, repr=False)
    """Each kind that failed; empty where a step makes one."""


class Parts(Mapping[str, T_co], Generic[T_co]):
    """The parts that a step made, by key, in the order of its list.

    Only what could be made is in it; `failed` tells of the rest. Of a step with `kinds`, each key
    holds a dictionary by kind.

    Example:
        ```python
        @book.step(needs=0.8)
        async def index(ctx: Context, chapter: Parts[ChapterText]) -> Index:
            texts = [text.markdown for text in chapter.values()]
            missing = [f"{key}: {why.message}" for key, why in chapter.failed.items()]
            ...
        ```
    """

    __slots__ = ("_failed", "_kinds", "_made")

    def __init__(
        self,
        made: Mapping[str, Any],
        failed: Mapping[str, Failure] | None = None,
        *,
        kinds: tuple[str, ...] = (),
    ) -> None:
        self._made = dict(made)
        self._failed = dict(failed or {})
        self._kinds = kinds

    def __getitem__(self, key: str) -> T_co:
        found: T_co = self._made[key]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return f"Parts(done={list(self.done)}, failed={list(self._failed)})"

    @property
    def done(self) -> Mapping[str, T_co]:
        """Those of which nothing is missing, by key."""
        return {
            key: value
            for key, value in self._made.items()
            if key not in self._failed and (not self._kinds or len(value) == len(self._kinds))
        }

    @property
    def failed(self) -> Mapping[str, Failure]:
        """Why the others are missing, by key."""
        return self._failed

    def of_kind(self, kind: str) -> Mapping[str, Any]:
        """Return the parts of one kind, by key, of a step with `kinds`."""
        return {key: value[kind] for key, value in self._made.items() if kind in value}


def collected(
    made: Iterable[tuple[str, str, Any]],
    failed: Iterable[tuple[str, str, Mapping[str, Any] | None]],
    *,
    kinds: tuple[str, ...] = (),
) -> Parts[Any]:
    """Put the parts of a step together.

    Args:
        made: Key, kind and value of each that is there.
        failed: Key, kind and stored error of each that failed.
        kinds: The kinds that the step declares.
    """
    values: dict[str, Any] = {}
    for key, kind, value in made:
        if kinds:
            values.setdefault(key, {})[kind] = value
        else:
            values[key] = value
    failures: dict[str, Failure] = {}
    for key, kind, error in failed:
        failure = _failure(error, kind if kinds else None)
        before = failures.get(key)
        failures[key] = _both(before, failure) if before else failure
    return Parts(values, failures, kinds=kinds)


def _failure(error: Mapping[str, Any] | None, kind: str | None) -> Failure:
    code, message = (str((error or {}).get(name, "")) for name in ("code", "message"))
    alone = Failure(code=code, message=message, kind=kind)
    return alone if kind is None else replace(alone, by_kind={kind: alone})


def _both(one: Failure, other: Failure) -> Failure:
    """Return the failure of a key of which another kind failed, too."""
    each = {**one.by_kind, **other.by_kind}
    told = "; ".join(f"{kind}: {failure.message}" for kind, failure in each.items())
    return replace(one, message=told, by_kind=each)
