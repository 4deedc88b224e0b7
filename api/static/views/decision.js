/** What a reviewer decides: the card beside the outline, and the bar below it on phones. */

import { fill, guarded, h, write } from "../lib/dom.js";
import { keepField } from "../lib/drafts.js";
import { n, t } from "../lib/i18n.js";
import { announce } from "../lib/say.js";
import { deadline, isLate, moment } from "../lib/time.js";

const LONGEST = 4000;
const TICK_MS = 5000;
/** What happens to a review that nobody decided in time. */
const EXPIRY = {
  keep: t`It waits on after that.`, approve: t`Undecided by then, it is approved.`, cancel: t`Undecided by then, the task is cancelled.`,
};

/** Which look at it this is, from the second on. */
export const roundLine = ({ round }) => round > 1 && h("p.quiet", {}, t`Version ${round}`);

export const changesSince = (round, { length }) => t`Since version ${round}: ${n(length, "{n} change", "{n} changes")}`;

/**
 * @param {any} review
 * @param {{key: string, decide: (kind: string, feedback?: string) => Promise<void>, remarks: () => string[], approval?: string, example?: string}} how
 *   `key` names the draft of the wish; `remarks` are what was said of single concepts.
 */
export function decisionCard(review, { key, decide, remarks, approval = t`Approve the outline`, example = "" }) {
  const unsent = h("div.unsent");
  const barUnsent = h("div.unsent");
  const approve = guarded(h("button.button.is-primary.is-large.approve", { type: "button" }), () => approved(unsent));
  const again = guarded(h("button.button", { type: "button", hidden: true }, t`Make my changes and ask me once more`), () => decide("again"));
  const wish = h("textarea", { id: "feedback", rows: 4, dir: "auto", placeholder: example });
  const kept = keepField(wish, `${key}/feedback`);
  const problem = h("p.field-error", { role: "alert" });
  const warning = h("p.quiet", { hidden: true }, t`Your own changes are not sent along; they stay here.`);
  const alongside = h("p.quiet", { hidden: true });
  const sendBack = guarded(h("button.button", { type: "button" }, t`Send it back`), back);
  const details = h("details.send-back", { open: kept.kept }, h("summary", {}, t`Ask for something different`),
    h("label", { htmlFor: "feedback" }, t`What should be different?`), wish, alongside, problem, warning, sendBack);
  wish.addEventListener("input", settled);
  const left = h("span");
  const until = h("p.due", {}, left,
    h("span.quiet", {}, t` (${moment(review.due_at)}). ${EXPIRY[review.on_expiry]}`));
  const element = h("section.card.decision", { "aria-labelledby": "decision-title" },
    h("h2.card-title", { id: "decision-title" }, t`Your decision`),
    until,
    approve, unsent, again, details);
  const barApprove = guarded(h("button.button.is-primary", { type: "button" }), () => approved(barUnsent));
  const barNumbers = h("span.quiet");
  const bar = h("div.decision-bar", { role: "group", "aria-label": t`Your decision` }, barUnsent, barNumbers,
    h("div.bar-buttons", {}, h("button.button", { type: "button", onclick: () => {
      details.open = true;
      wish.focus();
      wish.scrollIntoView({ block: "center" });
    } }, t`Something different`), barApprove));
  setEdits(0);
  tick();
  setInterval(tick, TICK_MS);
  return {
    element,
    bar,
    setEdits,
    setNumbers: (text) => write(barNumbers, text),
    setRemarks(number) {
      settled();
      alongside.hidden = number === 0;
      write(alongside, n(number, "{n} comment on a concept goes along when you send it back.", "{n} comments on concepts go along when you send it back."));
      if (number) details.open = true;
    },
    /** It went: what was typed for it is not needed any more. */
    sent: kept.clear,
    /** Nothing can be decided any more; what was typed can still be read and copied. */
    close() {
      for (const button of [...element.querySelectorAll("button"), ...bar.querySelectorAll("button")]) button.disabled = true;
      wish.readOnly = true;
      element.classList.add("is-closed");
      bar.hidden = until.hidden = warning.hidden = true;
      settled();
      announce(t`This review is closed.`);
    },
  };

  /** The time may come while the page is open. */
  function tick() {
    write(left, deadline(review.due_at));
    until.classList.toggle("is-overdue", isLate(review.due_at));
  }

  function setEdits(number) {
    const words = number ? n(number, "Approve with my {n} change", "Approve with my {n} changes") : approval;
    approve.textContent = words;
    barApprove.textContent = words;
    warning.hidden = number === 0;
    again.hidden = number === 0;
  }

  async function back() {
    problem.textContent = "";
    const feedback = [wish.value.trim(), ...remarks()].filter(Boolean).join("\n");
    const letters = [...feedback].length; // as the server counts them
    if (!feedback || letters > LONGEST) {
      problem.textContent = feedback ? t`This is too long by ${letters - LONGEST} letters.` : t`Say what should be different.`;
      return wish.focus();
    }
    await decide("reject", feedback);
  }

  /** Approve; a wish or comments, which approving leaves behind, are asked about first. */
  async function approved(place) {
    const wished = wish.value.trim() !== "";
    const said = remarks().length;
    if (!wished && !said) return decide("approve");
    const words = !said ? t`Your wish is not sent when you approve.`
      : wished ? n(said, "Your wish and {n} comment are not sent when you approve.", "Your wish and {n} comments are not sent when you approve.")
        : n(said, "Your {n} comment is not sent when you approve.", "Your {n} comments are not sent when you approve.");
    const send = guarded(h("button.button", { type: "button" }, t`Send it back`), back);
    // the second answer does not stand where the first click was
    fill(place, h("p", {}, words), h("p.question-line", { role: "group", "aria-label": words },
      guarded(h("button.button.is-danger", { type: "button" }, t`Approve anyway`), () => decide("approve")), send));
    send.focus();
    announce(words);
  }

  function settled() {
    fill(unsent);
    fill(barUnsent);
  }
}
