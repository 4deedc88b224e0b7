/** Times in words, by the server's clock: the reader's own may be wrong. */

import { figure, locale, n, t } from "./i18n.js";

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
  if (ms < 950) return t`${figure(Math.max(0, Math.round(ms)))} ms`;
  const s = ms / 1000;
  if (s < 9.95) return UNIT.s(figure(s, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
  if (s < 60) return UNIT.s(figure(Math.min(59, Math.round(s))));
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${UNIT.min(figure(minutes))} ${UNIT.s(padded(s % 60))}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${UNIT.h(figure(hours))} ${UNIT.min(padded(minutes % 60))}`;
  return days(hours / 24);
}

/** Return a duration as people want it: nothing is told of parts of a second. */
export const brief = (ms) => (ms < 950 ? `< ${UNIT.s(1)}` : duration(ms));

const UNIT = { s: (text) => t`${text} s`, min: (text) => t`${text} min`, h: (text) => t`${text} h` };
const padded = (number) => figure(Math.floor(number), { minimumIntegerDigits: 2 });
const days = (number) => n(Math.floor(number), "{n} day", "{n} days");

/** Return the range of a time left in one unit: `8-14 s`, `up to 3 min`, `1-3 h`. */
export function range({ p50, p90 }) {
  for (const [size, unit] of /** @type {[number, "h"|"min"][]} */ ([[3600, "h"], [60, "min"]])) {
    if (p90 < 2 * size) continue;
    const [low, high] = [Math.floor(p50 / size), Math.ceil(p90 / size)];
    return low ? UNIT[unit](`${low}-${high}`) : t`up to ${UNIT[unit](high)}`;
  }
  const [low, high] = [Math.floor(p50), Math.ceil(p90)];
  return UNIT.s(high > low ? `${low}-${high}` : high);
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
  return t`next in ${ms < 60_000 ? UNIT.s(Math.floor(ms / 1000)) : duration(ms)}`;
}

/** Return a day and time, in the reader's zone and manner. */
export function moment(at) {
  return new Date(at).toLocaleString(locale, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
  });
}

export const isLate = (at) => Date.parse(at) < now();

/** Return until when something is wanted, as a sentence begins: `Due in 23 h`, `12 min overdue`. */
export const deadline = (at) => (isLate(at) ? due(at) : t`Due ${due(at)}`);

/** Return how long it is until a time: `in 23 h`, `12 min overdue`. */
export function due(at) {
  const ms = Date.parse(at) - now();
  const minutes = Math.max(1, Math.round(Math.abs(ms) / 60_000));
  const late = ms < 0;
  if (minutes < 48 * 60 - 30) {
    const text = minutes < 90 ? UNIT.min(minutes) : UNIT.h(Math.round(minutes / 60));
    return late ? t`${text} overdue` : t`in ${text}`;
  }
  const whole = Math.round(Math.round(minutes / 60) / 24);
  return late ? t`${days(whole)} overdue` : n(whole, "in {n} day", "in {n} days");
}
