"""Reviews, roadmaps and concepts over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.ids import new_id
from roadmaps.kinds import KINDS
from tests.integration.api import seeds
from tests.integration.api.test_problems import assert_problem

if TYPE_CHECKING:
    import asyncpg
    import httpx


async def test_a_roadmap_is_a_tree_with_the_newest_states(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """The tree shows the newest version of each content, and no removed concept."""
    seeded = await seeds.roadmap(database)
    roadmap = (await alice.get(f"/api/v1/roadmaps/{seeded.roadmap_id}")).json()
    assert (roadmap["title"], roadmap["version"]) == ("Kites", 1)
    [stage] = roadmap["stages"]
    [module] = stage["modules"]
    first, second = module["concepts"]
    assert [first["concept_id"], second["concept_id"]] == [str(c) for c in seeded.concepts]
    assert second["prerequisites"] == [first["concept_id"]]
    quiz = {"status": "completed", "version": 1, "error": None, "usage": None}
    assert first["contents"]["quiz"] == quiz
    assert second["contents"]["quiz"] == {
        "status": "failed",
        "version": 2,
        "error": {"code": "content_refused", "message": "No."},
        "usage": None,
    }


async def test_a_concept_shows_the_newest_completed_contents(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A failed newer version does not hide the completed older one; nothing unsafe is shown."""
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[1]}"
    response = await alice.get(url)
    concept = response.json()
    assert concept["contents"]["quiz"]["status"] == "failed"
    assert concept["quiz"] == seeds.BODIES["quiz"]
    assert concept["tutorial"]["markdown"] == seeds.BODIES["tutorial"]["markdown"]
    assert "<h1>Kites</h1>" in concept["tutorial"]["html"]
    assert "<script" not in concept["tutorial"]["html"]
    assert concept["tutorial"]["version"] == 1
    assert [r["url"] for r in concept["resources"]] == ["https://example.org/kites"]
    for tag in (response.headers["etag"], response.headers["etag"][:-1] + '-gzip"'):
        assert (await alice.get(url, headers={"If-None-Match": tag})).status_code == 304


async def test_contents_are_null_until_generated(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A concept without contents shows them as pending and null."""
    seeded = await seeds.review(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    concept = (await alice.get(url)).json()
    assert (concept["tutorial"], concept["resources"], concept["quiz"]) == (None, None, None)
    pending = {"status": "pending", "version": None, "error": None, "usage": None}
    assert concept["contents"] == dict.fromkeys(KINDS, pending)


async def test_a_concept_of_another_roadmap_is_404(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A concept is only found in its own roadmap."""
    one, two = await seeds.roadmap(database), await seeds.roadmap(database)
    response = await alice.get(f"/api/v1/roadmaps/{one.roadmap_id}/concepts/{two.concepts[0]}")
    assert_problem(response, 404, "not_found")


async def test_an_open_review_shows_structure_and_deadline(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """The review has the tree, its version as ETag, the deadline, and what is still at fault."""
    seeded = await seeds.review(database)
    response = await alice.get(f"/api/v1/tasks/{seeded.task_id}/review")
    review = response.json()
    assert response.headers["etag"] == '"1"'
    assert (review["version"], review["round"], review["overdue"]) == (1, 1, False)
    assert review["roadmap"]["roadmap_id"] == str(seeded.roadmap_id)
    assert review["issues"] == ["The way is long."]
    assert review["diff"] is None
    assert review["due_at"].endswith("Z")


async def test_a_later_round_shows_what_changed(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """From the second round on the review has the changes since the previous one."""
    seeded = await seeds.review(database, rounds=2)
    review = (await alice.get(f"/api/v1/tasks/{seeded.task_id}/review")).json()
    assert (review["round"], review["version"]) == (2, 2)
    [change] = review["diff"]
    assert (change["change"], change["from"], change["to"]) == (
        "renamed",
        "Concept in version 1",
        "Concept in version 2",
    )


async def test_a_stale_version_is_412(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A decision about other versions than the open one is 412, and changes nothing."""
    seeded = await seeds.review(database)
    url = f"/api/v1/tasks/{seeded.task_id}/review"
    for given in ('"7"', "7", '"7", "8"', '"old"', "nonsense"):
        response = await alice.post(url, json={"decision": "approve"}, headers={"If-Match": given})
        assert_problem(response, 412, "stale_version")
        assert "-1" not in response.json()["detail"]
    etag = (await alice.get(url)).headers["etag"]
    given = f'"77", {etag}'
    taken = await alice.post(url, json={"decision": "approve"}, headers={"If-Match": given})
    assert taken.status_code == 202, "any of those that are named may match"


async def test_a_review_is_decided_once(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """The first decision is 202 with the task; another one 409, and the review is gone."""
    seeded = await seeds.review(database)
    url = f"/api/v1/tasks/{seeded.task_id}/review"
    etag = (await alice.get(url)).headers["etag"]
    first = await alice.post(
        url, json={"decision": "reject", "feedback": "Shorter."}, headers={"If-Match": etag}
    )
    second = await alice.post(url, json={"decision": "approve"})
    assert (first.status_code, first.json()["status"]) == (202, "processing")
    assert first.headers["location"] == f"/api/v1/tasks/{seeded.task_id}"
    assert_problem(second, 409, "conflict")
    late = await alice.post(url, json={"decision": "approve"}, headers={"If-Match": '"7"'})
    assert_problem(late, 409, "conflict")  # another version, too: nothing is left to decide
    gone = await alice.get(url)
    assert gone.status_code == 404
    assert gone.json()["detail"].endswith("; the last one was already decided (reject by alice).")


async def test_rejecting_needs_feedback(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A rejection without feedback is 422 and the review stays open."""
    seeded = await seeds.review(database)
    url = f"/api/v1/tasks/{seeded.task_id}/review"
    assert_problem(await alice.post(url, json={"decision": "reject"}), 422, "invalid_request")
    assert (await alice.get(url)).status_code == 200


async def test_regenerating_makes_a_new_version(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Regenerating is 202 with the task; the old version stays readable meanwhile."""
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    response = await alice.post(f"{url}/regenerate", json={"kinds": ["quiz"]})
    assert response.status_code == 202, response.text
    assert response.json()["task_id"] == str(seeded.task_id)
    concept = (await alice.get(url)).json()
    assert concept["contents"]["quiz"]["version"] == 2
    assert concept["contents"]["quiz"]["status"] == "pending"
    assert concept["quiz"] == seeds.BODIES["quiz"]


async def test_regenerating_an_unknown_concept_is_404(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A concept that the roadmap does not have is 404."""
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{new_id()}/regenerate"
    assert_problem(await alice.post(url, json={"kinds": ["quiz"]}), 404, "not_found")


async def test_regenerating_too_early_says_what_to_do(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Regenerating is 409 before the task has ended, and when only a retry can go on."""
    seeded = await seeds.review(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}/regenerate"
    waiting = await alice.post(url, json={"kinds": ["quiz"]})
    assert "when it has ended" in assert_problem(waiting, 409, "conflict")["detail"]
    await alice.post(f"/api/v1/tasks/{seeded.task_id}/cancel")
    cancelled = await alice.post(url, json={"kinds": ["quiz"]})
    assert "retry it first" in assert_problem(cancelled, 409, "conflict")["detail"]
