/** What one more roadmap is likely to take: from what one's last ones took, else from what is known of roadmaps. */

import { h } from "../lib/dom.js";
import { figure, t } from "../lib/i18n.js";
import { maybeAdmin } from "../lib/session.js";
import { brief, range } from "../lib/time.js";
import { dollars } from "../lib/words.js";

/** The tasks to learn it from, whatever a list shows. */
export const LAST_ONES = "/tasks?workflow=roadmap&status=completed&limit=10";
/** What a roadmap consists of, and takes of a model's tokens, before there is any experience. */
export const TYPICAL = { concepts: 15, contents: 45, calls: 48, tokens: 160_000 };

/**
 * What these tasks took.
 *
 * @typedef {{count: number, time: string|null, tokens: number, cost: number|null, perContent: number, price: number|null, unpriced: boolean}} Past
 *   `time` is a range in words, `tokens` and `cost` are those of one roadmap; `price` is that of a token; `unpriced` tells
 *   that prices are not known, to those who may set them.
 * @returns {Past}
 */
export function learned(tasks) {
  const done = tasks.filter(({ progress, usage }) => progress.total > 0 && usage.tokens > 0);
  const took = done.map(({ took_s: seconds }) => seconds).filter(Boolean);
  const paid = done.filter(({ usage }) => usage.cost > 0);
  const sum = (which, of) => which.reduce((all, each) => all + of(each), 0);
  return {
    count: done.length,
    time: took.length > 1 ? range({ p50: Math.min(...took), p90: Math.max(...took) }) : took.length ? brief(1000 * took[0]) : null,
    tokens: done.length ? middle(done.map(({ usage }) => usage.tokens)) : TYPICAL.tokens,
    cost: paid.length ? middle(paid.map(({ usage }) => usage.cost)) : null,
    perContent: done.length ? sum(done, ({ usage }) => usage.tokens) / sum(done, ({ progress }) => progress.total) : TYPICAL.tokens / TYPICAL.contents,
    unpriced: maybeAdmin() && done.some(({ usage }) => usage.cost === null),
    price: paid.length ? sum(paid, ({ usage }) => usage.cost) / sum(paid, ({ usage }) => usage.tokens) : null,
  };
}

/** What one more is likely to take, for below the form. @param {Past} past */
export function usually({ count, time, tokens, cost, unpriced }) {
  if (!count) {
    return [t`A roadmap has about ${TYPICAL.concepts} concepts: ${TYPICAL.contents} contents, written in about ${TYPICAL.calls} model calls. `,
      explained(t`That takes a few minutes with most models, and about ${figure(tokens)} tokens.`)];
  }
  const spent = priced(t`${figure(round(tokens))} tokens`, cost, unpriced);
  if (count === 1) return explained(time ? t`Your last one took ${time} and ${spent}.` : t`Your last one took ${spent}.`);
  return explained(time ? t`Your last ones took ${time} and ${spent}.` : t`Your last ones took ${spent}.`);
}

/** What some contents are likely to take. @param {number} contents @param {Past} past */
export function likely(contents, { perContent, price, unpriced }) {
  const tokens = Math.max(1000, Math.round((contents * perContent) / 1000) * 1000);
  return explained(priced(t`about ${figure(tokens)} tokens`, price && price * tokens, unpriced));
}

function priced(tokens, cost, unpriced) {
  if (unpriced) return t`${tokens} (no price is set)`;
  return cost ? t`${tokens}, about ${dollars(cost)}` : tokens;
}

/** Nobody has to know what a token is. */
function explained(words) {
  return h("span", { title: t`A token is a piece of a word, about four letters: models read and write in tokens, and providers count and charge by them.` }, words);
}

function middle(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function round(number) {
  const size = 10 ** Math.max(0, Math.floor(Math.log10(number || 1)) - 1);
  return Math.round(number / size) * size;
}
