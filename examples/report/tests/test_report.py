"""What the report's workflow does, and that no worker's death hurts it."""

from company_report.flow import report
from company_report.shapes import (
    Argument,
    Draft,
    Finding,
    Plan,
    Question,
    ReportRequest,
    Source,
)
from roadmap_worker import PartFailed
from roadmap_worker.testing import lab

REQUEST = ReportRequest(company="Acme", analysts=["market", "news"])
THOROUGH = ReportRequest(company="Acme", depth="thorough", analysts=["market"])
PLAN = Plan(focus="Growth", questions=[Question(analyst="market", question="How large is it?")])


def answers(model, prompt, step, round, key):
    """Answer as a small team would."""
    if model is Plan:
        return PLAN
    if model is Finding:
        source = Source(title=f"On {key}", url=f"https://example.org/{key}")
        return Finding(markdown=f"The {key} is fine.", sources=[source])
    if model is Argument:
        return Argument(markdown=f"Argument of round {round}", gives_in=round == 2)
    return Draft(title="Acme", verdict="hold", markdown="It is fine.")


async def test_the_report_has_its_sources() -> None:
    """The analysts' sources stand below the approved draft."""
    async with lab(report) as l:
        task = await l.run(REQUEST, answers=answers)
    assert task.status == "completed"
    finished = task.results["finish"]
    assert finished.verdict == "hold"
    assert [source.title for source in finished.sources] == ["On market", "On news"]
    assert "https://example.org/news" in finished.markdown


async def test_the_debate_goes_on_until_it_is_settled() -> None:
    """A thorough report debates until one side gives in: here in the second of three rounds."""
    async with lab(report) as l:
        task = await l.run(THOROUGH, answers=answers)
    debate = task.results["debate"]
    assert [each.bull for each in debate.rounds] == ["Argument of round 1", "Argument of round 2"]
    assert debate.settled


async def test_a_missing_analyst_is_told() -> None:
    """Half of the analysts are enough; the report says who is missing, and a retry asks again."""

    def one_is_silent(model, prompt, step, round, key):
        if key == "news":
            raise PartFailed("no_news", "Nobody writes about Acme.")
        return answers(model, prompt, step, round, key)

    async with lab(report) as l:
        task = await l.run(REQUEST, answers=one_is_silent)
        assert task.status == "partial_failure"
        assert task.results["finish"].missing == ["news"]
        task = await l.retry(task, answers=answers)
    assert task.status == "completed"
    assert task.results["finish"].missing == []


async def test_a_rejected_draft_is_written_again() -> None:
    """What the reviewer wants changed is told to the model; the analysts are not asked again."""

    def decide(review):
        if review.round == 1:
            return {"decision": "reject", "feedback": "Less jargon"}
        return "approve"

    async with lab(report) as l:
        task = await l.run(REQUEST, answers=answers, decide=decide)
    drafts = [asked for asked in task.asked if asked.step == "draft"]
    assert "Less jargon" in str(drafts[1].prompt)
    assert sum(asked.step == "analysis" for asked in task.asked) == 2


async def test_no_kill_matters() -> None:
    """Wherever its worker is killed, the report is finished and nothing is done twice."""
    await lab.kill_at_every_step(report, THOROUGH, answers=answers)
