"""What is asked for, and what each step gives."""

from typing import Literal

from pydantic import BaseModel, Field

Analyst = Literal["market", "news", "fundamentals", "sentiment"]


class ReportRequest(BaseModel, extra="forbid"):
    """A report on a company, by analysts of your choice."""

    company: str = Field(min_length=1, max_length=120, description="Which company")
    depth: Literal["brief", "thorough"] = Field(
        default="brief", description="Rounds of the debate: one, or up to three"
    )
    analysts: list[Analyst] = Field(
        default=["market", "news", "fundamentals", "sentiment"],
        min_length=1,
        description="Who looks at it",
    )


class Question(BaseModel):
    """What one analyst is to find out."""

    analyst: Analyst
    question: str


class Plan(BaseModel):
    """How the company is looked at."""

    focus: str
    questions: list[Question]


class Source(BaseModel):
    """Where something stands."""

    title: str
    url: str


class Finding(BaseModel):
    """What an analyst found out."""

    markdown: str
    sources: list[Source] = Field(max_length=8)


class Argument(BaseModel):
    """What one side says in one round."""

    markdown: str
    gives_in: bool = Field(description="True when the other side has the better of it")


class Round(BaseModel):
    """One round of the debate."""

    bull: str
    bear: str


class Debate(BaseModel):
    """All rounds so far."""

    rounds: list[Round] = []
    settled: bool = False


class Draft(BaseModel):
    """The report before anybody has read it."""

    title: str
    verdict: Literal["buy", "hold", "sell"]
    markdown: str


class Report(BaseModel):
    """The finished report."""

    title: str
    verdict: Literal["buy", "hold", "sell"]
    markdown: str
    sources: list[Source]
    missing: list[str] = Field(default=[], description="Analysts who found nothing")
