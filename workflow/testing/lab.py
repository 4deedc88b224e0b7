"""Runs workflows for tests: on a real database, with answers and decisions that the test gives."""

from __future__ import annotations

import logging
import sys
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from core.actor import Actor
from core.loop_local import LoopLocal
from core.settings import settings_instead
from core.states import TERMINAL, Status
from db.engine import dispose_engine
from db.recorder import flush_recorder
from workflow import registry, turns
from workflow.accepting import create_task
from workflow.asking import author_instead, close_author
from workflow.ending import Result
from workflow.retry import remake, retry_task
from workflow.runs import run_task
from workflow.testing import server
from workflow.testing.about import About, traceback_of, watched, watching
from workflow.testing.author import Answers, ScriptedAuthor
from workflow.testing.errors import LabError
from workflow.testing.given import check_answers, check_decide
from workflow.testing.killing import USER, kill_everywhere
from workflow.testing.looking import seen_task, status_of
from workflow.testing.reviews import Decide, decide_open_review

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from uuid import UUID

    from workflow.definition import Definition
    from workflow.parts import Need
    from workflow.testing.seen import SeenTask

_IDLE_RUNS: Final = 20
"""Runs in a row that find nothing to do: then something is wrong."""


class Lab:
    """A place to run workflows in; made by `lab`."""

    def __init__(
        self,
        definitions: Sequence[Definition],
        *,
        settings: Mapping[str, Any],
        database_url: str | None,
    ) -> None:
        """Nothing is started yet."""
        self._definitions = {each.name: each for each in definitions}
        self._settings = dict(settings)
        self._database_url = database_url
        self._open = AsyncExitStack()
        self._is_open = False

    async def __aenter__(self) -> Self:
        """Start the database, the first time in this process, and make the workflows known."""
        async with AsyncExitStack() as opening:
            url = await server.database(self._database_url)
            opening.enter_context(settings_instead(server.lab_settings(url, **self._settings)))
            known = [watched(each) for each in self._definitions.values()]
            opening.enter_context(registry.known_for_now(known))
            opening.enter_context(_quiet())
            opening.push_async_callback(_close)
            _labs.get().open += 1
            self._open = opening.pop_all()
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened; the database stays for the next lab of the process."""
        self._is_open = False
        await self._open.__aexit__(kind, error, trace)

    async def run(
        self,
        request: Any,
        *,
        answers: Answers = None,
        decide: Decide = None,
        workflow: str | None = None,
        user_id: str = USER,
    ) -> SeenTask:
        """Run a workflow from its request to its end, and return the task.

        Args:
            request: What is asked for: an instance of the request model, or a dictionary.
            answers: What a model call is answered: a mapping from output model to an instance (or
                to an exception that is raised, or a function), or a function
                `(model, prompt, **context)`. It is given what it names of `step`, `round`, `key`,
                `kind` and `system`. For what has no answer here one is made up, labelled as a
                sample.
            decide: The decision of all reviews, or a function that is given each and returns one:
                `"approve"`, or a dictionary as the API takes it. None, from the function, leaves
                the review open and ends the run. Without `decide` all are approved.
            workflow: Its name, in a lab of several.
            user_id: Who asks.

        Raises:
            LabError: The lab is not open.
            ScriptError: An answer or a decision of the test's fits nothing.
            ValidationError: The request is not valid.
        """
        definition = self._definition(workflow)
        check_answers(answers)
        check_decide(decide)
        valid = definition.request.model_validate(request)
        task_id = await create_task(valid, user_id=user_id, workflow=definition.name)
        return await self._go_on(task_id, answers, decide)

    async def go_on(
        self, task: SeenTask, *, answers: Answers = None, decide: Decide = None
    ) -> SeenTask:
        """Go on with a task whose review was left open."""
        return await self._go_on(task.task_id, answers, decide)

    async def retry(
        self, task: SeenTask, *, answers: Answers = None, decide: Decide = None
    ) -> SeenTask:
        """Try again what failed, as `roadmap retry` does, and return the task after that."""
        self._check_open()
        await retry_task(task.task_id, actor=_ADMIN)
        return await self._go_on(task.task_id, answers, decide)

    async def regenerate(
        self,
        task: SeenTask,
        step: str,
        key: str,
        *,
        kinds: Sequence[str] = (),
        instruction: str | None = None,
        answers: Answers = None,
        decide: Decide = None,
    ) -> SeenTask:
        """Make a part anew, as a new version, and return the task after that.

        Args:
            task: The task, which has ended.
            step: The step that makes the part.
            key: Names the part.
            kinds: Which of the key's parts; all when empty.
            instruction: What is to be different; the function gets it as `feedback`.
            answers: As of `run`.
            decide: Ditto.
        """
        self._check_open()
        told = {} if instruction is None else {"instruction": instruction}
        await remake(task.task_id, step, key, kinds, actor=_ADMIN, **told)
        return await self._go_on(task.task_id, answers, decide)

    async def kill_at_every_step(
        self,
        request: Any,
        *,
        answers: Answers = None,
        decide: Decide = None,
        only: str = "",
        workflow: str | None = None,
    ) -> list[str]:
        """Do what `lab.kill_at_every_step` does, in this lab.

        Raises:
            AssertionError: A step or part was done twice or lost.
        """
        definition = self._definition(workflow)
        check_answers(answers)
        check_decide(decide)
        valid = definition.request.model_validate(request)
        places = await kill_everywhere(definition, valid, answers=answers, decide=decide, only=only)
        return [str(place) for place in places]

    def _check_open(self) -> None:
        """See that the lab's database is the one that counts, and not that of the environment."""
        if not self._is_open:
            raise LabError(
                "The lab is not open: write `async with lab(book) as l:`, and use it there."
            )

    def _definition(self, name: str | None) -> Definition:
        self._check_open()
        if name is None and len(self._definitions) == 1:
            return next(iter(self._definitions.values()))
        if name is None or name not in self._definitions:
            raise LabError(
                f"Say which workflow to run: workflow=…, one of {', '.join(self._definitions)}."
            )
        return self._definitions[name]

    async def _go_on(self, task_id: UUID, answers: Answers, decide: Decide) -> SeenTask:
        self._check_open()
        author, errors = ScriptedAuthor(answers), _Errors()
        idle = 0
        with author_instead(author), watching(errors):
            while True:
                result = await run_task(task_id, worker="lab")
                if author.broken is not None:
                    raise author.broken
                status = await status_of(task_id)
                if status in TERMINAL:
                    break
                if status is Status.HUMAN_REVIEW_PENDING:
                    if not await decide_open_review(task_id, decide):
                        break
                    continue
                idle = idle + 1 if result is Result.NOTHING_TO_DO else 0
                if idle > _IDLE_RUNS:
                    raise LabError(f"The task is {status}, but no worker can take it.")
        told = errors.told()
        for text in told:  # pytest shows this with the test that failed
            sys.stderr.write(text)
        return await seen_task(task_id, asked=author.asked, tracebacks=told)


_ADMIN: Final = Actor(user_id="lab", admin=True)


class _Errors:
    """Keeps the tracebacks of what a workflow's own code raised unexpectedly."""

    def __init__(self) -> None:
        self._raised: dict[str, list[str]] = {}

    def told(self) -> list[str]:
        """Return each traceback once, with all steps and parts that it was raised in."""
        return [f"In the {', '.join(of)}:\n{text}" for text, of in self._raised.items()]

    def began(self, about: About) -> None:
        """Nothing is of interest yet."""

    def ended(self, about: About, error: BaseException | None) -> None:
        """Keep what says nothing of itself to people."""
        if (text := traceback_of(error)) is not None:
            of = self._raised.setdefault(text, [])
            if str(about) not in of:  # else it was tried again
                of.append(str(about))

    def listed(self, step: str, needs: Sequence[Need]) -> None:
        """Nothing is of interest here."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the engine log only what went wrong, and briefly, unless the test has its own way."""
    if structlog.is_configured():
        yield
        return
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=lambda _out, _error: None
    )
    structlog.configure(
        processors=[*structlog.get_config()["processors"][:-1], plain],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


class _Open:
    """How many labs a loop has open."""

    def __init__(self) -> None:
        self.open = 0


_labs: Final[LoopLocal[_Open]] = LoopLocal(_Open)


async def _close() -> None:
    """Close what the runs of this loop opened, with its last lab."""
    labs = _labs.get()
    labs.open -= 1
    if labs.open:
        return
    _labs.pop()
    await turns.settle()
    await flush_recorder()
    await close_author()
    await dispose_engine()
