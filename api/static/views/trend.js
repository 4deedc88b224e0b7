/** Small pictures of a figure by the minutes of the last hour: a curve of how it stood, bars of what happened. */

import { h, svg } from "../lib/dom.js";
import { figure, t } from "../lib/i18n.js";

const [WIDTH, HEIGHT] = [120, 26];
const MINUTES = 60;

/**
 * How a figure stood. Minutes that nobody noted are gaps.
 *
 * @param {(number|null)[]} values the oldest first
 */
export function curve(values) {
  const known = values.map((value, at) => [at, value]).filter(([, value]) => typeof value === "number");
  if (known.length < 2) return null;
  const most = Math.max(...known.map(([, value]) => value));
  const path = known.map(([at, value]) =>
    `${typeof values[at - 1] === "number" ? "L" : "M"}${x(at)} ${y(value, most)}${typeof values[at - 1] !== "number" && typeof values[at + 1] !== "number" ? "h2" : ""}`);
  return picture(svg("path", { d: path.join("") }), t`in the last hour at most ${figure(most)}`);
}

/** How often something happened in each minute. */
export function bars(values) {
  const most = Math.max(...values);
  const path = values.map((value, at) => (value ? `M${x(at)} ${HEIGHT - 1}V${y(value, most)}` : ""));
  return picture(svg("path", { d: path.join(""), class: "is-bars" }), t`in a minute of the last hour at most ${figure(most)}`);
}

const x = (at) => Math.round(((at + 0.5) / MINUTES) * WIDTH * 10) / 10;
const y = (value, most) => Math.round((HEIGHT - 2 - (value / Math.max(1, most)) * (HEIGHT - 4)) * 10) / 10;

function picture(path, label) {
  return h("span.trend", { title: label }, svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label },
    svg("path", { d: `M0 ${HEIGHT - .5}H${WIDTH}`, class: "is-ground" }), path));
}
