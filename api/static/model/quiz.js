/** Marking a quiz: a question is right when exactly the right options were chosen. */

export function isRight(question, chosen) {
  return question.correct.length === chosen.length && question.correct.every((at) => chosen.includes(at));
}

export function score(questions, answers) {
  return questions.filter((question, number) => isRight(question, answers[number] ?? [])).length;
}
