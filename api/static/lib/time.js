/** Times in words, by the server's clock: the reader's own may be wrong. */

import { locale, t } from "./i18n.js";

let offsetMs = 0;

/** Learn the server's clock from a response. */
export function learnClock(headers) {
  const date = Date.parse(headers.get("Date") ?? "");
  if (Number.isFinite(date) && Math.abs(date - Date.now()) > 2000) offsetMs = date - Date.now();
  else if (Number.isFinite(date)) offsetMs = 0;
}

export function now() {
  return Date.now() + offsetMs;
}

/** Return a duration in words, as `roadmap` does: `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`, `3 days`. */
export function duration(ms) {
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.min(59, Math.round(s))} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return t`${Math.floor(hours / 24)} days`;
}

/** Return a duration as people want it: nothing is told of parts of a second. */
export const brief = (ms) => (ms < 950 ? "< 1 s" : duration(ms));

/** Return the range of a time left in one unit: `8-14 s`, `up to 3 min`, `1-3 h`. */
export function range({ p50, p90 }) {
  for (const [size, unit] of /** @type {[number, string][]} */ ([[3600, "h"], [60, "min"]])) {
    if (p90 < 2 * size) continue;
    const [low, high] = [Math.floor(p50 / size), Math.ceil(p90 / size)];
    return low ? `${low}-${high} ${unit}` : t`up to ${high} ${unit}`;
  }
  const [low, high] = [Math.floor(p50), Math.ceil(p90)];
  return high > low ? `${low}-${high} s` : `${high} s`;
}

/** Return how long ago a time was, coarsely. */
export function ago(at) {
  const s = Math.max(0, (now() - Date.parse(at)) / 1000);
  if (s < 5) return t`just now`;
  if (s < 60) return t`${Math.floor(s)} s ago`;
  if (s < 3600) return t`${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return t`${Math.floor(s / 3600)} h ago`;
  return new Date(at).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
}

/** Return when something comes next: `due now`, `next in 12 s`, `next in 3 min 05 s`. */
export function upcoming(at) {
  const ms = Date.parse(at) - now();
  if (ms < 1000) return t`due now`;
  return t`next in ${ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(ms)}`;
}

/** Return a day and time, in the reader's zone and manner. */
export function moment(at) {
  return new Date(at).toLocaleString(locale, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
  });
}

/** Return how long it is until a time: `in 23 h`, `12 min overdue`. */
export function due(at) {
  const ms = Date.parse(at) - now();
  const text = roughly(Math.abs(ms));
  return ms >= 0 ? t`in ${text}` : t`${text} overdue`;
}

function roughly(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : t`${Math.round(hours / 24)} days`;
}
