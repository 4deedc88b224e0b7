/** What one more roadmap is likely to take, from what the last ones took. */

import { fill } from "../lib/dom.js";
import { figure, t } from "../lib/i18n.js";
import { range } from "../lib/time.js";
import { dollars } from "../lib/words.js";

const FEWEST = 1;

/** Write it below the form; nothing where nothing is known. */
export function usually(element, tasks) {
  const done = tasks.filter(({ status, progress }) => status === "completed" && progress.total > 0);
  if (done.length < FEWEST) return;
  const took = done.filter(({ review, took_s: seconds }) => !review && seconds).map(({ took_s: seconds }) => seconds);
  const tokens = middle(done.map(({ usage }) => usage.tokens));
  const costs = done.map(({ usage }) => usage.cost).filter((cost) => cost !== null && cost > 0);
  const time = took.length ? range({ p50: Math.min(...took), p90: Math.max(...took) }) : null;
  const money = costs.length ? t`, about ${dollars(middle(costs))}` : "";
  const cost = t`${figure(round(tokens))} tokens${money}`;
  fill(element, time ? t`Your last ones took ${time} and ${cost}.` : t`Your last ones took ${cost}.`);
}

function middle(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function round(number) {
  const size = 10 ** Math.max(0, Math.floor(Math.log10(number || 1)) - 1);
  return Math.round(number / size) * size;
}
