"""Takes the results of tasks that were begun with an earlier version over into this one."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from core.authored import AuthoredError, call
from core.errors import UpgradeError
from core.request_shapes import storable
from core.states import Decision, Step
from workflow.authoring.codec import VALUE
from workflow.authoring.errors import ResultError
from workflow.history import Done

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from workflow.authoring.compiled import Compiled

_MOST_SAID: Final = 500
"""Characters of what an author's error says."""


def upgraded(compiled: Compiled, history: Sequence[Done], *, from_version: int) -> list[Done]:
    """Return a history as this version's steps would have made it.

    What an author's `upgrade` leaves out is forgotten, so that it runs again; what it adds counts
    as done. Decisions stay with the steps that they were about, also where an upgrade gives the
    very value that was let pass under another name.

    Raises:
        UpgradeError: A translation fails, or gives what does not fit.
    """
    known = set(compiled.declared)
    results: dict[str, Any] = {
        done.step: done.output[VALUE]
        for done in history
        if done.step != Step.HUMAN_REVIEW and VALUE in done.output
    }
    before = set(results)
    passed = _let_pass(history, results)
    for version, translate in sorted(compiled.upgrades.items()):
        if version < from_version:
            continue
        try:
            results = call(lambda given=results, by=translate: dict(by(results=given)))
        except AuthoredError as error:
            raise UpgradeError(
                f"The upgrade of {compiled.name!r} from version {version} raised"
                f" {storable(str(error))[:_MOST_SAID]}. Mend it, then retry the task."
            ) from error
    if unknown := sorted(set(results) - known):
        raise UpgradeError(
            f"The upgrade of {compiled.name!r} gives results of {', '.join(unknown)}, which are no"
            f" steps of version {compiled.version}. Mend it, then retry the task."
        )
    stored = {name: _fits(compiled, name, value) for name, value in results.items()}
    made = [name for name in compiled.declared if name in stored and name not in before]
    new = [Done(position=0, step=name, output=stored[name]) for name in made]
    renamed = _renamed(passed, results, before)
    kept = [
        _about(done, renamed)
        for done in history
        if done.position in renamed or _stays(compiled, done, results)
    ]
    last = {done.step: place for place, done in enumerate(kept)}
    return [
        Done(
            position=number,
            step=done.step,
            input_digest=done.input_digest,
            output=stored[done.step]
            if done.step in stored and (place < 0 or last[done.step] == place)
            else done.output,
            origin=done.position or None,
        )
        for number, (place, done) in enumerate(
            [*((-1, done) for done in new), *enumerate(kept)], start=1
        )
    ]


def _let_pass(history: Sequence[Done], results: Mapping[str, Any]) -> dict[str, tuple[Done, Any]]:
    """Return by step the decision that let its newest result pass, and that result as it was.

    An upgrade may change what it is given in place.
    """
    last: dict[str, Done] = {}
    for done in history:
        if done.step != Step.HUMAN_REVIEW:
            last.pop(done.step, None)
        elif done.output.get("decision") == Decision.REJECT:
            last.pop(done.output["of"], None)
        else:
            last[done.output["of"]] = done
    return {step: (done, deepcopy(results[step])) for step, done in last.items() if step in results}


def _renamed(
    passed: Mapping[str, tuple[Done, Any]], results: Mapping[str, Any], before: Collection[str]
) -> dict[int, str]:
    """Return by a decision's position under which name its step's result is now.

    Only the very value that a human has let pass passes again: what an upgrade made anew beside
    dropping it is asked about.
    """
    found = {}
    for step, (done, value) in passed.items():
        names = [name for name in results if name not in before and results[name] == value]
        if step not in results and len(names) == 1:
            found[done.position] = names[0]
    return found


def _about(done: Done, renamed: Mapping[int, str]) -> Done:
    if done.position not in renamed:
        return done
    return replace(done, output={**done.output, "of": renamed[done.position]})


def _stays(compiled: Compiled, done: Done, results: dict[str, Any]) -> bool:
    """Tell whether a finished step is one of the new version, too."""
    if done.step == Step.HUMAN_REVIEW:
        return done.output.get("of") in {*results, *compiled.makers}
    if VALUE in done.output:
        return done.step in results
    return done.step in compiled.makers  # what it has made is compared part by part


def _fits(compiled: Compiled, name: str, value: Any) -> dict[str, Any]:
    step = compiled.declared[name]
    if step.listing is not None:
        raise UpgradeError(
            f"The upgrade of {compiled.name!r} gives a result of {name!r}, which makes parts; leave"
            " it out, and raise `version` of its `parts` if they are to be made anew."
        )
    try:
        return step.codec.stored(value, what=f"The upgrade, for {name!r},")
    except ResultError as error:
        raise UpgradeError(f"{error.message} Mend it, then retry the task.") from None
