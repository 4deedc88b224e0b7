"""What learners do with a roadmap, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.ids import new_id
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from tests.integration.api.test_problems import assert_problem

if TYPE_CHECKING:
    import asyncpg
    import httpx

RIGHT: dict[str, Any] = {"version": 1, "answers": [[0]]}


async def test_marking_as_done_is_kept_and_counted(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Marked twice the first time stays; unmarked twice is fine too."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}"
    done = f"{base}/concepts/{seeded.concepts[0]}/done"
    first = (await alice.put(done)).json()
    assert first["done_at"] is not None
    assert (await alice.put(done)).json() == first
    progress = (await alice.get(f"{base}/progress")).json()
    assert (progress["done"], progress["total"], progress["concepts"]) == (1, 2, [first])
    for _ in range(2):
        assert (await alice.delete(done)).json()["done_at"] is None
    progress = (await alice.get(f"{base}/progress")).json()
    assert (progress["done"], progress["concepts"]) == (0, [])


async def test_a_concept_is_learning_done_or_skipped(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Each mark takes the place of the one before, skipped is not done, others are refused."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}"
    concept = f"{base}/concepts/{seeded.concepts[0]}"

    async def counted() -> tuple[int, int, int]:
        progress = (await alice.get(f"{base}/progress")).json()
        return progress["learning"], progress["done"], progress["skipped"]

    for mark, counts in (
        ("learning", (1, 0, 0)),
        ("done", (0, 1, 0)),
        ("skipped", (0, 0, 1)),
        ("skipped", (0, 0, 1)),
        (None, (0, 0, 0)),
    ):
        found = (await alice.put(f"{concept}/mark", json={"mark": mark})).json()
        assert (found["mark"], found["done_at"] is not None) == (mark, mark == "done")
        assert await counted() == counts
    await alice.put(f"{concept}/mark", json={"mark": "skipped"})
    assert (await alice.delete(f"{concept}/done")).json()["mark"] == "skipped"
    first = (await alice.put(f"{concept}/done")).json()
    assert first["mark"] == "done"
    assert (await alice.put(f"{concept}/mark", json={"mark": "done"})).json() == first
    assert (await alice.delete(f"{concept}/done")).json()["mark"] is None
    for body in ({"mark": "read"}, {}, {"mark": "done", "at": 1}):
        assert_problem(await alice.put(f"{concept}/mark", json=body), 422, "invalid_request")


async def test_a_quiz_is_marked_by_the_server(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """The score is computed from the stored quiz, the newest answers stay, the mark is apart."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    assert (await alice.get(base)).json()["versions"]["quiz"] == 1
    await alice.put(f"{base}/done")
    for chosen, correct in ([[1]], 0), ([[]], 0), ([[0, 1]], 0), ([[0, 0]], 1):
        answer = await alice.put(f"{base}/quiz-answers", json={"version": 1, "answers": chosen})
        assert answer.status_code == 200, answer.text
        quiz = answer.json()["quiz"]
        assert (quiz["correct"], quiz["total"], quiz["version"]) == (correct, 1, 1)
    assert quiz["answers"] == [[0]]
    assert answer.json()["done_at"] is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"version": 2, "answers": [[0]]}, 412),
        ({"version": 1, "answers": []}, 422),
        ({"version": 1, "answers": [[0], [0]]}, 422),
        ({"version": 1, "answers": [[2]]}, 422),
        ({"version": 1, "answers": [[-1]]}, 422),
        ({"version": 1}, 422),
        ({"version": 1, "answers": [[0]], "correct": 1}, 422),
    ],
    ids=str,
)
async def test_answers_that_do_not_fit(
    alice: httpx.AsyncClient, database: asyncpg.Connection, body: dict[str, Any], status: int
) -> None:
    """Answers to another version, too many, too few, or to no option are refused and not kept."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}"
    path = f"{base}/concepts/{seeded.concepts[0]}/quiz-answers"
    code = "stale_version" if status == 412 else "invalid_request"
    assert_problem(await alice.put(path, json=body), status, code)
    assert (await alice.get(f"{base}/progress")).json()["concepts"] == []


async def test_progress_is_ones_own(alice: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """Somebody else's roadmap is 404; an admin may see it, and has a progress of their own."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}"
    concept = f"{base}/concepts/{seeded.concepts[0]}"
    await alice.put(f"{concept}/done")
    bob = bearer("bob")
    assert_problem(await alice.get(f"{base}/progress", headers=bob), 404, "not_found")
    assert_problem(await alice.put(f"{concept}/done", headers=bob), 404, "not_found")
    assert_problem(await alice.delete(f"{concept}/done", headers=bob), 404, "not_found")
    assert_problem(
        await alice.put(f"{concept}/quiz-answers", headers=bob, json=RIGHT), 404, "not_found"
    )
    admin = bearer("root", role="admin")
    assert (await alice.get(f"{base}/progress", headers=admin)).json()["done"] == 0
    assert (await alice.get(f"{base}/progress")).json()["done"] == 1


async def test_what_is_not_there(alice: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """A concept of another roadmap and one without a quiz are told apart."""
    seeded = await seeds.roadmap(database)
    base = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts"
    assert_problem(await alice.put(f"{base}/{new_id()}/done"), 404, "not_found")
    await database.execute("DELETE FROM contents WHERE kind = 'quiz'")
    assert_problem(
        await alice.put(f"{base}/{seeded.concepts[0]}/quiz-answers", json=RIGHT), 409, "conflict"
    )


async def test_what_a_content_has_cost(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A concept tells the calls and tokens of each content's newest version, failed ones too."""
    seeded = await seeds.roadmap(database)
    await database.execute("UPDATE contents SET calls = 2, tokens = 70 WHERE status = 'failed'")
    path = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[1]}"
    usage = (await alice.get(path)).json()["usage"]
    assert (usage["quiz"]["calls"], usage["quiz"]["tokens"]) == (2, 70)
    assert "tutorial" not in usage, "nothing was spent"


async def test_what_one_is_learning_names_where_one_goes_on(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A roadmap is listed from the first mark to the last, with the next concept; own ones only."""
    seeded = await seeds.roadmap(database)
    first, second = (f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{c}" for c in seeded.concepts)

    async def listed(**who: Any) -> list[tuple[int, int, int, str]]:
        found = (await alice.get("/api/v1/learning", **who)).json()["roadmaps"]
        mine = [each for each in found if each["roadmap_id"] == str(seeded.roadmap_id)]
        return [(r["done"], r["skipped"], r["total"], r["next"]["concept_id"]) for r in mine]

    assert await listed() == []
    await alice.put(f"{second}/mark", json={"mark": "learning"})
    assert await listed() == [(0, 0, 2, str(seeded.concepts[1]))]
    await alice.put(f"{second}/done")
    assert await listed() == [(1, 0, 2, str(seeded.concepts[0]))]
    assert await listed(headers=bearer("bob")) == []
    await alice.put(f"{first}/mark", json={"mark": "skipped"})
    assert await listed() == []


async def test_words_are_found_in_texts_and_not_in_quizzes(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A tutorial's words are found with what stands around them, without marks of Markdown."""
    seeded = await seeds.roadmap(database)
    path = f"/api/v1/roadmaps/{seeded.roadmap_id}/search"
    found = (await alice.get(path, params={"q": "KITES"})).json()["found"]
    assert found
    assert {each["kind"] for each in found} == {"tutorial"}
    assert found[0]["excerpt"].startswith("Kites <script")
    assert "](" not in found[0]["excerpt"]
    for words in ("Stones fall", "100%_", "   "):
        assert (await alice.get(path, params={"q": words})).json() == {"found": []}
    hidden = await alice.get(path, params={"q": "kites"}, headers=bearer("bob"))
    assert_problem(hidden, 404, "not_found")
