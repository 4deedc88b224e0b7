/** The one client of this page, and what all pages do with its answers. */

import { ApiError } from "../client/http.js";
import { Watcher } from "../client/watcher.js";
import { BASE } from "./dom.js";
import { t } from "./i18n.js";
import { heed, isAway } from "./presence.js";
import { note } from "./say.js";
import { token } from "./session.js";
import { learnClock } from "./time.js";

export { ApiError };

const whenRefused = new Set();
const AGE_MS = 10_000;

export const client = new Watcher({
  getToken: token,
  baseUrl: location.origin + BASE,
  fetch: (address, options) => heed(asked(address, options) ?? fetch(address, options), again(address, options)),
});

/** How what only reads is sent again. */
function again(address, options = {}) {
  return (options.method ?? "GET") === "GET" ? () => fetch(address, options) : null;
}

/** Take the answer to what was asked for before the modules were there, once and while it is fresh. */
function asked(address, { method = "GET", headers = {} } = {}) {
  const early = globalThis.early;
  if (!early || method !== "GET" || headers["If-None-Match"] || performance.now() > AGE_MS) return null;
  const { pathname, search } = new URL(address);
  const path = pathname.slice(BASE.length) + search;
  const answer = early.get(path);
  early.set(path, undefined); // from now on it is asked for anew, and not early any more
  return answer;
}

/** Call back when the server wants to know who we are. */
export function onUnauthenticated(callback) {
  whenRefused.add(callback);
}

/** Send a request below `/api/v1`; return `{data, etag, status}`. */
export async function call(path, options = {}) {
  try {
    const { data, headers, status } = await client.http.request(`/api/v1${path}`, options);
    learnClock(headers);
    return { data, status, etag: headers.get("ETag") };
  } catch (error) {
    noticeRefusal(error);
    throw error;
  }
}

export const get = async (path, options = {}) => (await call(path, options)).data;
export const post = async (path, body = undefined) => (await call(path, { method: "POST", body })).data;

/** Ask for a sign-in when that is what an error is about. */
export function noticeRefusal(error) {
  if (error.status === 401) whenRefused.forEach((callback) => callback(error));
}

/** Tell of something that was asked for and failed; not of what the page says anyway. */
export async function complain(error) {
  if (error.status !== 401 && !(await isAway())) note(inWords(error), { tone: "bad" });
}

/** Tell it where it was asked for; that nobody answers only as long as that holds. */
export async function complainIn(place, error) {
  const away = await isAway();
  place.textContent = away ? t`Not sent yet.` : inWords(error);
  if (away) addEventListener("online", () => (place.textContent = ""), { once: true });
}

/** Return an error in words for people. */
export function inWords(error) {
  if (error.uncertain) return t`No answer came, so it may have been done all the same. Look before you try again.`;
  if (error.code === "unreachable") return t`The server cannot be reached. Try again in a moment.`;
  if (error.problem?.errors?.length) {
    return error.problem.errors.map((each) => `${fieldName(each.field)}: ${each.message}`).join(" ");
  }
  return error.message || t`Something went wrong.`;
}

function fieldName(field) {
  const last = field.split(".").filter((part) => !/^\d+$/.test(part)).at(-1) ?? field;
  return last.charAt(0).toUpperCase() + last.slice(1).replace(/_/g, " ");
}
