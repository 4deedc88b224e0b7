/** The operations page, for admins: queue, workers, connections, jobs; refreshed every few seconds. */

import { complain, get, inWords, post } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { fill, guarded, h, slot, write } from "../lib/dom.js";
import { COMMA, SERVERS, figure, n, t } from "../lib/i18n.js";
import { isAway } from "../lib/presence.js";
import { ago, duration, now, upcoming } from "../lib/time.js";
import { STATUS, TONE } from "../lib/words.js";
import { bars, curve } from "../views/trend.js";

const EVERY_MS = 5000;
/** How often the last hour is read: it is kept by minutes. */
const HOUR_EVERY_MS = 20_000;
const PARTS = {
  queue: queueCard, database: databaseCard, redis: redisCard, streams: streamsCard, schedules: schedulesCard, "queue/rejected": rejectedCard,
};
const NAME = {
  queue: t`Queue and workers`, database: "PostgreSQL", redis: "Redis", streams: t`Live viewers of this process`,
  schedules: t`Maintenance`, "queue/rejected": t`Rejected messages`,
};
const POOL = { threads: t`threads`, prefork: t`processes (prefork)` };
/** What a job is called, of those that are known here. */
const CALLED = { recover: t`recover`, remind: t`remind`, purge: t`purge`, audit: t`audit` };
/** What PostgreSQL says that its sessions do. */
const SESSION = { active: t`active`, idle: t`idle`, "idle in transaction": t`idle in transaction` };
/** What a job does, and what follows while it is paused; of one that is not known here the server's words. */
const JOBS = {
  recover: [
    t`Takes tasks from workers that went silent, and rings for tasks whose message was lost or whose turn has come. Notes each minute how many wait and run.`,
    t`Tasks of a worker that went silent may stand still, and so may some that wait in line. Curves of the last hour have a gap.`,
  ],
  remind: [
    t`Reminds reviewers of what is due, and does with reviews that are past due what REVIEW_ON_EXPIRY says.`,
    t`Nobody is reminded, and reviews that are past due wait on.`,
  ],
  purge: [t`Deletes events and read notifications of tasks that ended EVENT_RETENTION_DAYS ago.`, t`The database grows; nothing else changes.`],
  audit: [t`Looks for rows that contradict each other, and reports them.`, t`A contradiction is not noticed; nothing else changes.`],
};

start(async (main) => {
  title(t`Operations`);
  await get("/admin/queue"); // who is no admin is told so instead of seeing empty cards
  const cards = Object.fromEntries(Object.keys(PARTS).map((name) => {
    const id = `${name.replace("/", "-")}-title`;
    const body = slot();
    const element = h("section.card", { class: `is-${name.replace("/", "-")}`, "aria-labelledby": id }, h("h2.card-title", { id }, NAME[name]), body.element);
    body.show(null, () => h("p.quiet", {}, t`Reading…`));
    return [name, { element, body }];
  }));
  const flower = h("p.actions");
  const state = h("p.quiet");
  let readAt = null;
  let hour = null;
  let hourAt = -Infinity;
  await readAll();
  fill(main, h("div.operations-page", {},
    h("header", {}, h("h1", {}, t`Operations`), state, flower),
    h("div.cards", {}, Object.values(cards).map(({ element }) => element))));
  addEventListener("online", () => Object.keys(PARTS).forEach(read));
  setInterval(() => readAt && write(state, t`Read ${ago(readAt)}`), 1000);

  async function readAll() {
    if (!document.hidden) {
      const answers = await Promise.all(Object.keys(PARTS).map(read));
      if (answers.some(Boolean)) readAt = new Date().toISOString();
    }
    setTimeout(readAll, EVERY_MS);
  }

  /** Without it there are no curves, and all else. */
  async function readHour() {
    if (performance.now() < hourAt + HOUR_EVERY_MS) return;
    hourAt = performance.now();
    hour = await get("/admin/last-hour").catch(() => hour);
  }

  async function read(name) {
    const { element, body } = cards[name];
    try {
      const [data] = await Promise.all([get(`/admin/${name}`), name === "queue" && readHour()]);
      if (name === "queue") showFlower(flower, data.flower_url);
      element.hidden = name === "queue/rejected" && data.total === 0;
      // nothing is drawn anew under a selection, or under a button that somebody is at
      if (!isBusy(element)) body.show([data, name === "queue" && hour, Math.floor(Date.now() / 30_000)], () => PARTS[name](data, () => read(name), hour));
      return true;
    } catch (error) {
      if (await isAway()) return false; // what was read stays
      element.hidden = error.status === 404; // this version has no such report
      body.show(error.message, () => h("p.cause", {}, inWords(error)));
      return false;
    }
  }
});

function isBusy(element) {
  const selection = getSelection();
  return element.contains(document.activeElement) || element.querySelector("details[open]")
    || (selection && !selection.isCollapsed && selection.containsNode(element, true));
}

function showFlower(element, address) {
  if (!address || element.firstChild) return;
  fill(element, h("a.button", { href: address, target: "_blank", rel: "noopener noreferrer" }, t`Open Flower, to see each delivery`));
}

function big(number, words, { tone = "", trend = null } = {}) {
  return h(`div.figure${tone}`, {}, h("strong", {}, typeof number === "number" ? figure(number) : number), h("span", {}, words), trend);
}

/** A figure's curve, which ends at what it is now. */
function ending(minutes, what, now) {
  return curve([...minutes.slice(0, -1).map((minute) => minute[what]), now]);
}

/** How many tasks ended so in the last hour. */
function ended(minutes, statuses, words, tone = "") {
  const each = minutes.map((minute) => statuses.reduce((sum, status) => sum + minute.ended[status], 0));
  const all = each.reduce((sum, number) => sum + number, 0);
  return big(all, words, { tone: all ? tone : "", trend: bars(each) });
}

function rows(pairs) {
  return h("dl.rows", {}, pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** So many of so many, with a bar. */
function share(used, limit) {
  if (!limit) return String(used ?? "?");
  return h("span.share", {}, h("progress", { max: limit, value: used ?? 0, "aria-label": t`used` }), ` ${t`${figure(used ?? 0)} of ${figure(limit)}`}`);
}

/** The figures add up: what waits is what the status says, told by what it waits for. */
function queueCard(data, again, hour) {
  const minutes = hour?.minutes ?? [];
  const late = (data.oldest_waiting_s ?? 0) > 30;
  const held = Math.max(0, data.tasks_by_status.pending + data.tasks_by_status.processing - data.running - data.waiting);
  const up = data.queue.status === "up";
  return [
    h("div.figures", {},
      big(data.waiting, t`wait for a worker`, { tone: late ? ".is-bad" : "", trend: ending(minutes, "waiting", data.waiting) }),
      big(held, t`wait for other tasks of their users, or for a time`),
      big(data.oldest_waiting_s === null ? "–" : duration(data.oldest_waiting_s * 1000), t`the oldest waits for a worker`, { tone: late ? ".is-bad" : "" }),
      big(data.running, t`are worked on`, { trend: ending(minutes, "running", data.running) }),
      big(data.queue.depth ?? "?", up ? t`messages in the queue` : t`the broker does not answer`, { tone: up ? "" : ".is-bad", trend: up && ending(minutes, "depth", data.queue.depth) }),
      minutes.length > 0 && [
        ended(minutes, ["completed", "partial_failure"], t`finished in the last hour`),
        ended(minutes, ["failed"], t`failed in the last hour`, ".is-bad"),
      ]),
    minutes.length > 0 && h("p.quiet", {}, t`The curves show the last hour, minute by minute.`),
    h("h3.sub", {}, t`Tasks`),
    h("ul.statuses", {}, Object.entries(data.tasks_by_status).map(([status, number]) =>
      h("li", {}, h(`span.chip.is-${TONE[status]}`, {}, STATUS[status]), h("strong", {}, figure(number))))),
    ...(data.unknown?.length ? strangers(data.unknown) : []),
    h("h3.sub", {}, t`Workers`),
    data.fleet.length || Object.keys(data.workers).length ? rows(workersOf(data)) : h("p.cause", {}, t`None: what is asked for waits until one is started.`)];
}

/** All that are there, and those that are not heard of any more and still hold tasks. */
function workersOf({ fleet, workers }) {
  const known = new Set(fleet.map(({ name }) => name));
  const lost = Object.entries(workers).filter(([name]) => !known.has(name));
  return [
    ...fleet.map((each) => [each.name, [
      !each.takes && h("span.chip.is-bad", {}, t`takes no messages`), " ",
      [
        each.tasks ? n(each.slots, "{tasks} of {n} place taken", "{tasks} of {n} places taken", { tasks: figure(each.tasks) }) : n(each.slots, "idle, {n} place", "idle, {n} places"),
        POOL[each.pool] ?? each.pool,
        t`here for ${duration(now() - Date.parse(each.since))}`,
      ].filter(Boolean).join(" · "),
    ]]),
    ...lost.map(([name, tasks]) => [name, `${t`not heard of`} · ${n(tasks, "{n} task at the moment", "{n} tasks at the moment")}`]),
  ];
}

/** Tasks that wait for ever, unless somebody brings their workflow or cancels them. */
function strangers(unknown) {
  return [
    h("h3.sub", {}, t`Tasks of workflows that nobody here knows`),
    rows(unknown.map(({ workflow, version, tasks }) => [`${workflow}${COMMA}${t`version ${version}`}`, figure(tasks)])),
    h("p.quiet", {}, t`They wait until a worker knows the workflow (ROADMAP_WORKFLOWS, or its package), or somebody cancels them.`)];
}

function databaseCard({ pool, server }) {
  return rows([
    [t`Connections of ours, of those the server admits`, share(server.sessions, server.admitted ?? server.max_connections)],
    ...Object.entries(server.sessions_by_state).map(([state, number]) => [SESSION[state] ?? state, figure(number)]),
    [t`Pool of the API`, share(pool.checked_out, pool.pool_size)],
    [t`Our budget, over all processes`, pool.budget],
  ]);
}

function redisCard({ hub, pool, server, advice }) {
  return [
    rows([
      [t`Clients`, share(server.clients, server.max_clients)],
      [t`of which in Pub/Sub`, server.pubsub_clients],
      [t`Tasks watched`, server.task_channels],
      [t`Pool of the API`, share(pool.in_use, pool.limit)],
      [t`Live events of the API`, hub.connected ? t`connected` : t`polled from PostgreSQL`],
    ]),
    ...(advice ?? []).map((words) => h("p.cause", { lang: SERVERS }, words))];
}

function streamsCard({ by_transport: transports, by_user: users, by_task: tasks, last_hour: minutes }) {
  const total = Object.values(transports).reduce((sum, number) => sum + number, 0);
  return [
    h("div.figures", {}, big(total, t`streams open`, { trend: curve(minutes) }), big(Object.keys(users).length, t`users`), big(Object.keys(tasks).length, t`tasks watched`)),
    rows(Object.entries(transports).map(([name, number]) => [name === "ws" ? "WebSocket" : "SSE", figure(number)]))];
}

function schedulesCard(data, again) {
  const all = data.schedules ?? data;
  return h("ul.schedules", {}, all.map((each) => {
    const [does, without] = JOBS[each.name] ?? [each.description, each.if_paused];
    const lang = JOBS[each.name] ? null : SERVERS;
    return h("li", {},
      h("div.schedule", {}, h("strong", {}, CALLED[each.name] ?? each.name), each.paused && h("span.chip.is-ask", {}, t`paused`),
        h("span.quiet", {}, [
          every(each.interval_s),
          each.last_run_at ? t`ran ${ago(each.last_run_at)}` : t`has not run yet`,
          !each.paused && each.next_run_at && upcoming(each.next_run_at),
          each.outcome?.error && t`failed: ${each.outcome.error}`,
        ].filter(Boolean).join(COMMA))),
      h("div.schedule-buttons", {},
        job(each.name, "run", t`Run now`, again),
        each.paused ? job(each.name, "resume", t`Go on`, again) : job(each.name, "pause", t`Pause`, again)),
      h("p.schedule-words", {}, h("span", { lang }, does), " ", h("span.quiet", {}, t`While it is paused: ${h("span", { lang }, without)}`)));
  }));
}

function every(s) {
  if ([1, 60, 3600].includes(s)) return { 1: t`every second`, 60: t`every minute`, 3600: t`every hour` }[s];
  if (s < 60) return n(s, "every {n} second", "every {n} seconds");
  return s < 3600 ? n(s / 60, "every {n} minute", "every {n} minutes") : n(s / 3600, "every {n} hour", "every {n} hours");
}

function job(name, verb, words, again) {
  const button = h("button.button.is-quiet", { type: "button", "aria-label": `${words}: ${name}` }, words);
  return guarded(button, async () => {
    try {
      await post(`/admin/schedules/${name}/${verb}`);
      button.blur();
      await again();
    } catch (error) {
      complain(error);
    }
  });
}

function rejectedCard({ total, kept, counts, rejected }) {
  return [
    h("p", {}, n(total, "{n} message was set aside, since no worker could take it.", "{n} messages were set aside, since no worker could take them."), " ",
      t`${figure(kept)} can still be looked at.`),
    rows(counts.map(({ reason, messages, last_at: last }) => [reason, `${figure(messages)}${COMMA}${ago(last)}`])),
    h("ul.rejected", {}, rejected.slice(0, 10).map((each) => h("li", {}, h("details", {},
      h("summary", {}, each.detail, " ", h("span.quiet", {}, `${each.queue} · ${ago(each.at)}`)), h("pre", { tabIndex: 0 }, each.excerpt)))))];
}
