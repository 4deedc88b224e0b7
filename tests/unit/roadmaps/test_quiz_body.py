"""A quiz as it is shown: options and the right ones' indices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roadmaps.kinds.quiz import QuestionDraft, quiz_body

texts = st.text(max_size=5)
questions = st.builds(
    QuestionDraft,
    question=texts,
    kind=st.sampled_from(["single", "multiple", "true_false"]),
    answers=st.lists(texts, min_size=1, max_size=5),
    distractors=st.lists(texts, min_size=1, max_size=5),
    explanation=texts,
)


@given(st.lists(questions, min_size=1, max_size=4))
def test_indices(drafts: list[QuestionDraft]) -> None:
    """Indices point at exactly the right answers, options are distinct, the order is fixed."""
    body = quiz_body(drafts)
    assert body == quiz_body(drafts)
    for draft, shown in zip(drafts, body["questions"], strict=True):
        options, correct = shown["options"], shown["correct"]
        assert len(set(options)) == len(options)
        assert correct == sorted(set(correct))
        right = {options[index] for index in correct}
        wanted = set(draft.answers) if draft.kind == "multiple" else {draft.answers[0]}
        assert right == wanted
        wrong = [text for text in draft.distractors if text not in wanted]
        shown_wrong = wrong[:1] if draft.kind == "true_false" else wrong
        assert set(options) == wanted | set(shown_wrong)
        assert shown["kind"] == draft.kind
        assert (shown["question"], shown["explanation"]) == (draft.question, draft.explanation)


def test_order_tells_nothing() -> None:
    """The right answer does not always stand in the same place."""
    places = {
        quiz_body(
            [
                QuestionDraft(
                    question=f"Q{n}",
                    kind="single",
                    answers=["right"],
                    distractors=["one", "two", "three"],
                    explanation="",
                )
            ]
        )["questions"][0]["correct"][0]
        for n in range(40)
    }
    assert places == {0, 1, 2, 3}
