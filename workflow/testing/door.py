"""`lab`: what tests import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workflow.authoring import Workflow, definition
from workflow.definition import Definition
from workflow.testing.errors import LabError
from workflow.testing.lab import Lab

if TYPE_CHECKING:
    from workflow.testing.author import Answers
    from workflow.testing.reviews import Decide


class _Door:
    """Opens labs: `async with lab(book) as l`."""

    def __call__(
        self,
        *workflows: Any,
        database_url: str | None = None,
        **settings: Any,
    ) -> Lab:
        """Return a lab, to be opened with `async with`.

        Args:
            workflows: What is run in it: `Workflow` objects.
            database_url: A PostgreSQL server for tests, instead of one that is started for the
                process. The lab makes a database of its own there, and drops it in the end.
            settings: Settings by name, in small letters, such as `content_concurrency=1`. All
                others have their defaults: neither the environment nor `.env` counts in a lab.

        Example:
            ```python
            from roadmap_worker.testing import lab

            async def test_book() -> None:
                async with lab(book) as l:
                    task = await l.run({"topic": "Kites"}, answers={Plot: PLOT})
                assert task.status == "completed"
            ```
        """
        if not workflows:
            raise LabError("Say what to run: lab(book), or lab(book, report).")
        definitions = [_definition(each) for each in workflows]
        return Lab(definitions, settings=settings, database_url=database_url)

    async def kill_at_every_step(
        self,
        workflow: Any,
        request: Any,
        *,
        answers: Answers = None,
        decide: Decide = None,
        only: str = "",
        database_url: str | None = None,
        **settings: Any,
    ) -> list[str]:
        """Run a workflow once for each place where its worker can die, killing one there.

        Each worker is a process of its own, ended by SIGKILL; another one takes over. What steps
        change in memory dies with their worker, as in production; functions in `answers` and
        `decide` are called in the test's own process.

        Args:
            workflow: The `Workflow`.
            request: What is asked for: an instance of the request model, or a dictionary.
            answers: As of `Lab.run`.
            decide: Ditto.
            only: Only the places whose words contain this, to look closer at one that was told.
            database_url: As of `lab`.
            settings: Ditto.

        Returns:
            The places, in words.

        Raises:
            AssertionError: A step or part was done twice or lost; it names what, and where the
                worker died.

        Example:
            ```python
            async def test_no_kill_matters() -> None:
                await lab.kill_at_every_step(book, {"topic": "Kites"})
            ```
        """
        async with self(workflow, database_url=database_url, **settings) as opened:
            return await opened.kill_at_every_step(
                request, answers=answers, decide=decide, only=only
            )


def _definition(workflow: Any) -> Definition:
    if isinstance(workflow, Definition):
        return workflow
    if isinstance(workflow, Workflow):
        return definition(workflow)
    raise LabError(f"A lab runs workflows, not {workflow!r}: lab(book), `book` being a Workflow.")


lab: Final = _Door()
kill_at_every_step: Final = lab.kill_at_every_step
