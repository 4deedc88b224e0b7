/** A small curve of a figure over the last hour, as this browser has seen it. */

import { h, svg } from "../lib/dom.js";
import { duration, now } from "../lib/time.js";
import { t } from "../lib/i18n.js";

const HOUR_MS = 3_600_000;
const EVERY_MS = 10_000;
const [WIDTH, HEIGHT] = [120, 26];
const KEY = "roadmap.trends";

/** Note a figure, and return its curve. */
export function trend(name, value) {
  const all = read();
  const points = (all[name] ?? []).filter(([at]) => at > now() - HOUR_MS);
  if (typeof value === "number" && (!points.length || points.at(-1)[0] < now() - EVERY_MS)) points.push([Math.round(now()), value]);
  all[name] = points;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // there is no curve, then
  }
  return curve(points);
}

function curve(points) {
  if (points.length < 2) return null;
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const most = Math.max(1, ...points.map(([, value]) => value));
  const at = ([when, value]) => `${((when - from) / (to - from)) * WIDTH} ${HEIGHT - 2 - (value / most) * (HEIGHT - 4)}`;
  const label = t`the last ${duration(to - from)}, at most ${most}`;
  return h("span.trend", { title: label }, svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label },
    svg("path", { d: `M${points.map(at).join("L")}` })));
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
