"""`Workflow`: where authors declare steps, parts and reviews. It holds data; nothing runs in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, TypeVar, overload

from pydantic import BaseModel

from core.authored import plainly
from workflow.authoring import declaring
from workflow.authoring.declared import DeclaredReview, DeclaredStep
from workflow.authoring.planning import Next
from workflow.context import Context

if TYPE_CHECKING:
    from workflow.authoring.signature import Signature

R = TypeVar("R", bound=BaseModel)
F = TypeVar("F", bound=Callable[Concatenate[Context, ...], Any])
P = TypeVar("P", bound=Callable[..., Next])
U = TypeVar("U", bound=Callable[[dict[str, Any]], Mapping[str, Any]])

Field = str | Callable[[Any], Any]


class Workflow(Generic[R]):
    """A workflow of your own: its steps are functions, and what they return is kept.

    Each step runs once, however often a worker dies. What it returns is stored and handed to later
    steps by the parameter's name. Steps run in the order in which they are declared.

    Args:
        name: Of small letters, digits and `_`; stored with each task.
        version: Raise it when steps or what they return change.
        request: What a task is asked for with, a pydantic model.
        title: What people call a task: a function of the request, or a text.
        budget_tokens: The most tokens that a task may spend; by default the setting's.
        description: What it does, for people; by default the request's docstring.
        page: An ES module that draws the workflow's page, such as `mybook:static/book.js`.

    Raises:
        WorkflowError: Something contradicts itself; the message says what.

    Example:
        ```python
        class BookRequest(BaseModel):
            topic: str

        book = Workflow("book", version=1, request=BookRequest, title=lambda r: r.topic)
        ```
    """

    def __init__(
        self,
        name: str,
        *,
        version: int = 1,
        request: type[R],
        title: Callable[[R], str] | str | None = None,
        budget_tokens: int | None = None,
        description: str | None = None,
        page: str | None = None,
    ) -> None:
        self.name = plainly(name)
        self.version = version
        self.request = request
        self.budget_tokens = budget_tokens
        self.description = plainly(description)
        self.page = plainly(page)
        self._title = plainly(title)
        self.declared: list[DeclaredStep | DeclaredReview] = []
        self.own_plan: Signature | None = None
        self.upgrades: dict[int, Callable[..., Mapping[str, Any]]] = {}
        declaring.check_itself(self, title)

    def __repr__(self) -> str:
        steps = [each.name for each in self.declared if isinstance(each, DeclaredStep)]
        return f"<Workflow {self.name!r} version {self.version}: {', '.join(steps) or 'no step'}>"

    def title_of(self, request: R) -> str:
        """Return what people call a task that asks for this; nothing where the author has none."""
        if self._title is None:
            return self.name.replace("_", " ").capitalize()
        title = self._title if isinstance(self._title, str) else plainly(self._title(request))
        return "" if title is None else str(title)

    # --- steps ----------------------------------------------------------------------------------

    @overload
    def step(self, function: F) -> F: ...
    @overload
    def step(
        self,
        function: None = None,
        *,
        share: float | None = None,
        needs: float | None = None,
        timeout_s: float | None = None,
    ) -> Callable[[F], F]: ...
    def step(
        self,
        function: F | None = None,
        *,
        share: float | None = None,
        needs: float | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Declare a step: a function whose name is the step's, and whose result is kept.

        It takes by name, as far as it wants them: `ctx`, `request`, `feedback` (what a rejection of
        its result wants changed, or None), and results of earlier steps. What it returns is checked
        by its annotation. A function that is no coroutine runs in a thread.

        Args:
            function: The function, when the decorator stands without brackets.
            share: Its share of the whole in the progress, 0 to 1.
            needs: The share of the parts before it that must exist, 0 to 1; all by default.
            timeout_s: The longest that it may take, in seconds.

        Raises:
            WorkflowError: It takes or returns what cannot be.

        Example:
            ```python
            @book.step
            async def plot(
                ctx: Context, request: BookRequest, feedback: str | None = None
            ) -> Plot:
                return await ctx.ask(Plot, f"Plot {request.topic}. {feedback or ''}")
            ```
        """

        def declare(function: F, names: Mapping[str, Any]) -> F:
            step = declaring.declared_step(
                self, function, names, share=share, needs=needs, timeout_s=timeout_s
            )
            self.declared.append(step)
            return function

        if function is None:
            return lambda given: declare(given, declaring.names_around())
        return declare(function, declaring.names_around())

    def parts(  # noqa: PLR0913 - each says one thing of the parts
        self,
        *,
        of: Callable[..., Any],
        key: Field | None = None,
        title: Field | None = None,
        kinds: Sequence[str] | None = None,
        made_from: Sequence[str] | None = None,
        version: int = 1,
        concurrency: int | None = None,
        retries: int | None = None,
        timeout_s: float | None = None,
        share: float | None = None,
    ) -> Callable[[F], F]:
        """Declare a step that makes parts, each of which succeeds or fails by itself.

        The function is called once for each part of a list, many at a time. It takes by name what a
        step takes, and `part`, the entry of the list. What it returns is kept; a part whose source
        is unchanged is never made again, also when the list changes around it.

        Args:
            of: Returns the list, of results that it takes by name; or the step that returns it.
            key: The field that names a part, unique and stable; by default the part itself.
            title: The field that people call it by; by default the key.
            kinds: Several kinds of parts for each entry; the function also takes `kind`.
            made_from: The fields that a part is made from; by default all.
            version: Raise it to have all parts made anew, such as after a better prompt.
            concurrency: Entries that are worked on at the same time; by default the setting's.
            retries: How often a part is tried again before it counts as failed.
            timeout_s: The longest that one part may take, in seconds.
            share: Its share of the whole in the progress, 0 to 1.

        Raises:
            WorkflowError: It takes or returns what cannot be.

        Example:
            ```python
            @book.parts(of=lambda plot: plot.chapters, key="slug", title="title")
            async def chapter(ctx: Context, plot: Plot, part: Chapter) -> ChapterText:
                return await ctx.stream(ChapterText, f"Write '{part.title}'.", field="markdown")
            ```
        """

        def declare(function: F) -> F:
            step = declaring.declared_parts(
                self,
                function,
                declaring.names_around(),
                of=of,
                key=key,
                title=title,
                kinds=kinds,
                made_from=made_from,
                version=version,
                limits={
                    "share": share,
                    "timeout_s": timeout_s,
                    "retries": retries,
                    "concurrency": concurrency,
                },
            )
            self.declared.append(step)
            return function

        return declare

    def review(
        self,
        *,
        of: Callable[..., Any] | str,
        due_hours: float | None = None,
        on_expiry: Literal["keep", "approve", "cancel"] | None = None,
    ) -> DeclaredReview:
        """Ask a human about what a step gave, before the task goes on.

        No worker is held meanwhile. A rejection runs the step again with `feedback`; an edit puts
        another value in its place, which is checked as the step's own. Of a step with parts all
        are asked about at once, by key: a rejection makes all anew, an edit replaces some.

        Args:
            of: The step.
            due_hours: Until when it is to be decided; by default the setting's.
            on_expiry: What happens after that: `keep` waiting, `approve`, or `cancel` the task.

        Raises:
            WorkflowError: There is no such step, or it is reviewed already.

        Example:
            ```python
            book.review(of=plot, due_hours=72, on_expiry="keep")
            ```
        """
        review = declaring.declared_review(self, of, due_hours=due_hours, on_expiry=on_expiry)
        self.declared.append(review)
        return review

    # --- order and versions ---------------------------------------------------------------------

    def plan(self, function: P) -> P:
        """Say yourself which step comes next, instead of the order of declaration.

        The function is asked after each step. It is not `async`, and a pure function of what is
        finished: the same steps must give the same answer after a crash. It takes by name `done`
        (`Finished`: which steps have ended, how often, what a human decided), `request`, and
        results of steps, which are None while a step has not run. It returns a step, a review, or
        `END`; `done.next` is what the order of declaration says.

        Raises:
            WorkflowError: It takes what it cannot get, or there is a plan already.

        Example:
            ```python
            @report.plan
            def plan(done: Finished, debate: Debate | None) -> Next:
                if done.last == "debate" and debate and not debate.settled:
                    return "debate" if done.times("debate") < 5 else draft
                return done.next
            ```
        """
        self.own_plan = declaring.declared_plan(self, function, declaring.names_around())
        return function

    def upgrade(self, *, from_version: int) -> Callable[[U], U]:
        """Take tasks that were begun with an earlier version over into this one.

        The function gets `results`: what each finished step gave, as JSON by the step's name, the
        newest where a step ran several times. It returns the same for the next version: what it
        leaves out runs again, what it adds counts as done. A value that a human has let pass may
        get another step's name. Without one, tasks of the earlier version wait for a worker that
        still has it.

        Args:
            from_version: The version that the tasks were begun with. Several upgrades are applied
                one after the other.

        Raises:
            WorkflowError: There is one from that version, or the version is not an earlier one.

        Example:
            ```python
            @book.upgrade(from_version=1)
            def with_subtitle(results: dict[str, Any]) -> dict[str, Any]:
                if "plot" in results:
                    results["plot"]["subtitle"] = ""
                return results
            ```
        """

        def declare(function: U) -> U:
            declaring.check_upgrade(
                self, function, declaring.names_around(), from_version=from_version
            )
            self.upgrades[from_version] = function
            return function

        return declare
