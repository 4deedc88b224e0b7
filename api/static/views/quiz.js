/** A quiz: answered in one go, marked by the server, then reviewed question by question. */

import { call, complainIn } from "../lib/api.js";
import { draft } from "../lib/drafts.js";
import { fill, guarded, h, icon, said } from "../lib/dom.js";
import { list, t } from "../lib/i18n.js";
import { announce, note } from "../lib/say.js";
import { isRight, score as scoreOf } from "../model/quiz.js";

const HINT = { single: t`One answer is right.`, multiple: t`Several answers may be right.`, true_false: "" };

/**
 * @param {any} quiz As the API gives it.
 * @param {{version: number, path: string, key: string, score: any, marked: (progress: any) => void}} how
 *   `path` is where answers go, `key` where they are kept until then; `score` is the newest one, shown
 *   when it belongs to this version.
 */
export function quizView(quiz, { version, path, key, score, marked }) {
  const element = h("div.quiz");
  const kept = draft(`quiz/${key}/${version}`);
  if (!settled()) ask(kept.read() ?? []);
  kept.onSent(settled); // from another tab: what was ticked here before is older
  return {
    element,
    /** Take a newer score, of another tab perhaps. */
    scored(newer) {
      if (JSON.stringify(newer) === JSON.stringify(score)) return;
      score = newer;
      settled();
    },
    /** Whether there are answers that were not sent. */
    dirty: () => kept.read() !== null,
    drop: () => kept.clear(),
  };

  /** Show what came of it, unless there are answers that were not sent. */
  function settled() {
    const is = !kept.read() && score?.version === version;
    if (is) review(score);
    return is;
  }

  function ask(ticked) {
    const told = new Set(); // what was said to have no answer
    const form = h("form", { onsubmit: (event) => event.preventDefault(), onchange: () => {
      keep(form);
      tell();
    } },
      score && h("p.quiet", {}, t`Last time: ${score.correct} of ${score.total}.`),
      quiz.questions.map((each, number) => question(each, number, ticked[number] ?? [])));
    const problem = h("p.field-error", { role: "alert" });
    const here = h("p.field-error", { id: "gaps" });
    const button = guarded(h("button.button.is-primary", { type: "submit" }, t`Check my answers`), async () => {
      const answers = answersIn(form);
      const open = gaps(answers);
      if (open.every((number) => told.has(number))) return send(answers, problem);
      open.forEach((number) => told.add(number));
      tell();
      const first = form.querySelectorAll("fieldset")[open[0]];
      first.querySelector("legend").after(here);
      first.setAttribute("aria-describedby", here.id);
      first.querySelector("input").focus({ preventScroll: true });
      first.scrollIntoView({ block: "nearest" });
    });
    form.append(problem, h("p.actions", {}, button));
    fill(element, form);

    /** Which questions have no answer yet, at the first of them and at the button. */
    function tell() {
      const open = gaps(answersIn(form)).filter((number) => told.has(number)).map((number) => number + 1);
      here.textContent = problem.textContent = !open.length ? ""
        : open.length > 1 ? t`Questions ${list(open.map(String))} have no answer yet. Check again to leave them out.`
          : t`Question ${open[0]} has no answer yet. Check again to leave it out.`;
    }
  }

  function answersIn(form) {
    return quiz.questions.map((_, number) =>
      [...form.querySelectorAll(`input[name="q${number}"]:checked`)].map((input) => Number(input.value)));
  }

  function keep(form) {
    const answers = answersIn(form);
    kept.write(answers.some((chosen) => chosen.length) ? answers : null);
  }

  function question(each, number, ticked) {
    const several = each.kind === "multiple";
    return h("fieldset.question", { dir: "auto" },
      h("legend", {}, h("span.question-number", {}, `${number + 1}. `), each.question),
      HINT[each.kind] && h("p.quiet", {}, h("bdi", {}, HINT[each.kind])),
      each.options.map((option, at) =>
        h("label.option", {},
          h("input", { type: several ? "checkbox" : "radio", name: `q${number}`, value: String(at), checked: ticked.includes(at) }),
          said("span", option))));
  }

  async function send(answers, problem) {
    try {
      const { data } = await call(path, { method: "PUT", body: { version, answers }, keepalive: true });
      kept.sent();
      score = data.quiz;
      marked(data);
      shown(data.quiz);
    } catch (error) {
      if (error.status !== 412) {
        return complainIn(problem, error);
      }
      // what was ticked is worth an answer all the same; only it cannot be kept
      kept.clear();
      note(t`This quiz was written anew meanwhile: your answers are marked here, but not kept.`, { tone: "ask" });
      shown({ correct: scoreOf(quiz.questions, answers), total: quiz.questions.length, answers });
    }
  }

  function shown(result) {
    score = result;
    review(result);
    element.querySelector(".score-line").focus();
    announce(t`${result.correct} of ${result.total} right`);
  }

  function review({ correct, total, answers }) {
    const again = h("button.button", { type: "button", onclick: () => {
      ask([]);
      element.querySelector("input")?.focus();
    } }, t`Answer again`);
    fill(element,
      h("p.score-line", { tabIndex: -1 }, h("strong", {}, t`${correct} of ${total} right.`), " ", verdict(correct, total)),
      quiz.questions.map((each, number) => answered(each, number, answers[number] ?? [])),
      h("p.actions", {}, again));
  }

  function answered(each, number, chosen) {
    const right = isRight(each, chosen);
    return h("div.question.is-answered", { dir: "auto", class: right ? "is-right" : "is-wrong" },
      h("p.question-title", {}, h("bdi.verdict", {}, icon(right ? "check" : "cross"), right ? t`Right` : chosen.length ? t`Not right` : t`Left out`),
        h("span.question-number", {}, `${number + 1}. `), each.question),
      h("ul.options", {}, each.options.map((option, at) => optionLine(option, each.correct.includes(at), chosen.includes(at)))),
      each.explanation && said("p.explanation", each.explanation));
  }
}

/** The numbers of the questions without an answer. */
const gaps = (answers) => answers.flatMap((chosen, number) => (chosen.length ? [] : [number]));

function optionLine(option, correct, chosen) {
  const words = correct && chosen ? t`your answer, right` : correct ? t`the right answer` : chosen ? t`your answer` : "";
  return h("li", { dir: "auto", class: correct ? "is-correct" : chosen ? "is-mistake" : "" }, option,
    words && h("span.option-note", {}, words));
}

function verdict(correct, total) {
  if (correct === total) return t`You have got it.`;
  return correct >= total / 2 ? t`Nearly. Look at what was not right.` : t`It is worth reading once more.`;
}
