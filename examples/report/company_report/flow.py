"""A report on a company: analysts side by side, a debate in rounds, a draft, a review."""

from roadmap_worker import Context, Finished, Next, Parts, Workflow, prompt

from company_report.shapes import (
    Argument,
    Debate,
    Draft,
    Finding,
    Plan,
    Question,
    Report,
    ReportRequest,
    Round,
    Source,
)

ROUNDS = {"brief": 1, "thorough": 3}

report = Workflow(
    "report",
    version=1,
    request=ReportRequest,
    title=lambda request: f"A report on {request.company}",
    budget_tokens=400_000,
)


@report.step
async def outline(ctx: Context, request: ReportRequest) -> Plan:
    """Decide what each analyst is to find out."""
    return await ctx.ask(Plan, prompt("outline.j2", request=request))


def questions(request: ReportRequest, outline: Plan) -> list[Question]:
    """Return one question for each analyst who was asked for, whatever the model planned."""
    asked = {each.analyst: each for each in outline.questions}
    return [
        asked.get(analyst, Question(analyst=analyst, question=outline.focus))
        for analyst in dict.fromkeys(request.analysts)
    ]


@report.parts(of=questions, key="analyst", title="analyst", retries=2, share=0.5)
async def analysis(ctx: Context, request: ReportRequest, part: Question) -> Finding:
    """Look at the company as one analyst; all do so at the same time."""
    words = prompt("analysis.j2", company=request.company, part=part)
    return await ctx.stream(Finding, words, field="markdown")


@report.step(needs=0.5, share=0.2)
async def debate(
    ctx: Context, request: ReportRequest, analysis: Parts[Finding], debate: Debate | None = None
) -> Debate:
    """Argue one more round: the bull first, the bear after that."""
    rounds = debate.rounds if debate else []
    told = {"company": request.company, "findings": analysis, "rounds": rounds}
    ctx.progress(f"Round {len(rounds) + 1} of the debate")
    bull = await ctx.ask(Argument, prompt("debate.j2", side="bull", answers=None, **told))
    bear = await ctx.ask(Argument, prompt("debate.j2", side="bear", answers=bull, **told))
    rounds = [*rounds, Round(bull=bull.markdown, bear=bear.markdown)]
    return Debate(rounds=rounds, settled=bull.gives_in or bear.gives_in)


@report.step(needs=0.5)
async def draft(
    ctx: Context,
    request: ReportRequest,
    analysis: Parts[Finding],
    debate: Debate,
    feedback: str | None = None,
) -> Draft:
    """Weigh it all, and write; after a rejection as the reviewer wants it."""
    words = prompt("draft.j2", request=request, findings=analysis, debate=debate, feedback=feedback)
    return await ctx.stream(Draft, words, field="markdown")


report.review(of=draft, due_hours=72)


@report.step(needs=0.5)
def finish(ctx: Context, draft: Draft, analysis: Parts[Finding]) -> Report:
    """Put the sources below what was approved; no model is asked any more."""
    found = [source for finding in analysis.values() for source in finding.sources]
    sources = list({source.url: source for source in found}.values())
    return Report(
        title=draft.title,
        verdict=draft.verdict,
        markdown=f"{draft.markdown}\n\n## Sources\n\n{_listed(sources)}",
        sources=sources,
        missing=list(analysis.failed),
    )


def _listed(sources: list[Source]) -> str:
    return "\n".join(f"- [{source.title}]({source.url})" for source in sources) or "None."


@report.plan
def way(done: Finished, request: ReportRequest, debate: Debate | None) -> Next:
    """Go round the debate until it is settled, or has had its rounds."""
    if done.last == "debate" and debate and not debate.settled:
        if len(debate.rounds) < ROUNDS[request.depth]:
            return "debate"
    return done.next
