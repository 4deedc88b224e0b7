/**
 * Whether the server answers. Every request of a page is looked at; when one finds nobody, the server is asked
 * until it answers, and meanwhile one line on the page says so, instead of each thing that needs it.
 */

import { retryAfter } from "../client/http.js";
import { BASE, h } from "./dom.js";
import { t } from "./i18n.js";
import { announce } from "./say.js";
import { token } from "./session.js";

const FIRST_MS = 1000;
const LONGEST_MS = 15_000;
const PATIENCE_MS = 5000;
const MORE_TIMES = 2;
/** Said by a proxy that finds nobody behind it, by a server without its database, to somebody who asks too often. */
const NO = new Set([429, 502, 503, 504]);

const { heed, isAway } = begin();
export { heed, isAway };

function begin() {
  let away = false;
  let asking = null;
  let left = false;
  let wait = FIRST_MS;
  let timer = 0;
  let line = null;
  addEventListener("pagehide", () => (left = true)); // what is given up on the way out says nothing
  addEventListener("pageshow", () => (left = false));
  addEventListener("online", () => away && ask());
  addEventListener("offline", doubt);
  return { heed, isAway };

  /**
   * Look at what becomes of a request. One that got lost while the server answers is sent once or twice more by `again`,
   * where that does no harm. One that was given up, or took too long, is not.
   */
  async function heed(answer, again = null, times = MORE_TIMES) {
    try {
      const response = await answer;
      if (NO.has(response.status)) doubt();
      return response;
    } catch (error) {
      doubt();
      if (!again || !times || left || error.name === "AbortError" || (await isAway())) throw error;
      return heed(again(), again, times - 1);
    }
  }

  /** Tell, as soon as it is known, whether nobody answers: then the line says it. */
  async function isAway() {
    await asking;
    return away;
  }

  function doubt() {
    if (!left && !away) ask();
  }

  function ask() {
    asking ??= found().finally(() => (asking = null));
  }

  async function found() {
    clearTimeout(timer);
    const own = token();
    const answer = await fetch(`${BASE}/api/v1/notifications/unread-count`, {
      headers: own ? { Authorization: `Bearer ${own}` } : {}, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => null);
    if (left) return;
    if (answer && !NO.has(answer.status)) return back();
    if (!away) show(answer?.status === 429);
    away = true;
    timer = setTimeout(ask, Math.max(wait, (answer && retryAfter(answer.headers)) ?? 0));
    wait = Math.min(2 * wait, LONGEST_MS);
  }

  function back() {
    if (!away) return;
    away = false;
    wait = FIRST_MS;
    line.remove();
    announce(t`The server answers again.`);
    dispatchEvent(new Event("online")); // whoever waits for the network goes on at once
  }

  function show(tooOften) {
    const words = tooOften ? t`The server asks for a pause.` : t`The server does not answer at the moment.`;
    line = h("p.away", { role: "alert" }, words, " ", h("span", {}, t`Nothing is lost, and the page goes on by itself.`), " ",
      h("button.link", { type: "button", onclick: ask }, t`Try now`));
    document.querySelector(".top").append(line);
  }
}
