/** A quiz: answered in one go, marked by the server, then reviewed question by question. */

import { call, inWords } from "../lib/api.js";
import { fill, guarded, h, icon } from "../lib/dom.js";
import { announce, note } from "../lib/say.js";
import { isRight } from "../model/quiz.js";

const HINT = { single: "One answer is right.", multiple: "Several answers may be right.", true_false: "" };

/**
 * @param {object} quiz As the API gives it.
 * @param {{version: number, path: string, score: object|null, marked: (progress: object) => void}} how
 *   `path` is where answers go; `score` is the newest one, shown when it belongs to this version.
 */
export function quizView(quiz, { version, path, score, marked }) {
  const element = h("div.quiz");
  if (score && score.version === version) review(score);
  else ask();
  return element;

  function ask() {
    const form = h("form", { onsubmit: (event) => event.preventDefault() },
      score && h("p.quiet", {}, `Last time, on an earlier version: ${score.correct} of ${score.total}.`),
      quiz.questions.map(question));
    const problem = h("p.field-error", { role: "alert" });
    const button = guarded(h("button.button.is-primary", { type: "submit" }, "Check my answers"), async () => {
      const answers = quiz.questions.map((_, number) =>
        [...form.querySelectorAll(`input[name="q${number}"]:checked`)].map((input) => Number(input.value)));
      const open = answers.findIndex((chosen) => chosen.length === 0);
      if (open >= 0 && problem.dataset.asked !== String(open)) {
        problem.dataset.asked = String(open);
        problem.textContent = `Question ${open + 1} has no answer yet. Check again to leave it out.`;
        form.querySelector(`input[name="q${open}"]`)?.focus();
        return;
      }
      await send(answers, problem);
    });
    form.append(problem, h("p.actions", {}, button));
    fill(element, form);
  }

  function question(each, number) {
    const several = each.kind === "multiple";
    return h("fieldset.question", {},
      h("legend", {}, h("span.question-number", {}, `${number + 1}. `), each.question),
      HINT[each.kind] && h("p.quiet", {}, HINT[each.kind]),
      each.options.map((option, at) =>
        h("label.option", {}, h("input", { type: several ? "checkbox" : "radio", name: `q${number}`, value: String(at) }), h("span", {}, option))));
  }

  async function send(answers, problem) {
    try {
      const { data } = await call(path, { method: "PUT", body: { version, answers } });
      marked(data);
      review(data.quiz);
      element.querySelector(".score-line").focus();
      announce(`${data.quiz.correct} of ${data.quiz.total} right`);
    } catch (error) {
      if (error.status === 412) {
        note("This quiz was written anew meanwhile.", { tone: "ask", href: location.href, label: "Show the new one" });
      }
      problem.textContent = inWords(error);
    }
  }

  function review({ correct, total, answers }) {
    const again = h("button.button", { type: "button", onclick: () => {
      ask();
      element.querySelector("input")?.focus();
    } }, "Answer again");
    fill(element,
      h("p.score-line", { tabIndex: -1 }, h("strong", {}, `${correct} of ${total} right. `), verdict(correct, total)),
      quiz.questions.map((each, number) => answered(each, number, answers[number] ?? [])),
      h("p.actions", {}, again));
  }

  function answered(each, number, chosen) {
    const right = isRight(each, chosen);
    return h("div.question.is-answered", { class: right ? "is-right" : "is-wrong" },
      h("p.question-title", {}, h("span.verdict", {}, icon(right ? "check" : "cross"), right ? "Right" : chosen.length ? "Not right" : "Left out"),
        h("span.question-number", {}, `${number + 1}. `), each.question),
      h("ul.options", {}, each.options.map((option, at) => optionLine(option, each.correct.includes(at), chosen.includes(at)))),
      each.explanation && h("p.explanation", {}, each.explanation));
  }
}

function optionLine(option, correct, chosen) {
  const words = correct && chosen ? "your answer, right" : correct ? "the right answer" : chosen ? "your answer" : "";
  return h("li", { class: correct ? "is-correct" : chosen ? "is-mistake" : "" }, option,
    words && h("span.option-note", {}, words));
}

function verdict(correct, total) {
  if (correct === total) return "You have got it.";
  return correct >= total / 2 ? "Nearly. Look at what was not right." : "It is worth reading once more.";
}
