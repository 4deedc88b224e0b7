/** The operations page, for admins: queue, workers, connections; refreshed every few seconds. */

import { get, inWords } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { fill, h, write } from "../lib/dom.js";
import { ago, duration, upcoming } from "../lib/time.js";
import { STATUS, TONE } from "../lib/words.js";

const EVERY_MS = 5000;
const PARTS = { queue: queueCard, database: databaseCard, redis: redisCard, streams: streamsCard, schedules: schedulesCard };

const NAME = {
  queue: "Queue and workers", database: "PostgreSQL", redis: "Redis", streams: "Live viewers of this process", schedules: "Maintenance",
};

start(async (main) => {
  title("Operations");
  await get("/admin/queue"); // who is no admin is told so instead of seeing empty cards
  const cards = Object.fromEntries(Object.keys(PARTS).map((name) => [name, h("section.card", { class: `is-${name}`, "aria-labelledby": `${name}-title` },
    heading(name, NAME[name]), h("p.quiet", {}, "Reading…"))]));
  const flower = h("p.actions");
  const state = h("p.quiet");
  fill(main, h("div.operations-page", {},
    h("header", {}, h("h1", {}, "Operations"), state, flower),
    h("div.cards", {}, Object.values(cards))));
  let readAt = null;
  setInterval(() => readAt && write(state, `Read ${ago(readAt)}`), 1000);
  await readAll();

  async function readAll() {
    if (!document.hidden) {
      const answers = await Promise.all(Object.keys(PARTS).map(read));
      if (answers.some(Boolean)) readAt = new Date().toISOString();
    }
    setTimeout(readAll, EVERY_MS);
  }

  async function read(name) {
    const card = cards[name];
    try {
      const data = await get(`/admin/${name}`);
      if (name === "queue") showFlower(flower, data.flower_url);
      card.hidden = false;
      fill(card, PARTS[name](data));
      return true;
    } catch (error) {
      card.hidden = error.status === 404; // this version has no such report
      fill(card, heading(name, NAME[name]), h("p.cause", {}, inWords(error)));
      return false;
    }
  }
});

function showFlower(element, address) {
  if (!address || element.firstChild) return;
  fill(element, h("a.button", { href: address, target: "_blank", rel: "noopener noreferrer" }, "Open Flower, to see each delivery"));
}

const heading = (name, words) => h("h2.card-title", { id: `${name}-title` }, words);

function big(number, words, tone = "") {
  return h(`div.figure${tone}`, {}, h("strong", {}, number), h("span", {}, words));
}

function rows(pairs) {
  return h("dl.rows", {}, pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** So many of so many, with a bar. */
function share(used, limit) {
  if (!limit) return String(used ?? "?");
  return h("span.share", {}, h("progress", { max: limit, value: used, "aria-label": "used" }), ` ${used} of ${limit.toLocaleString()}`);
}

function queueCard(data) {
  const late = (data.oldest_waiting_s ?? 0) > 30;
  const workers = Object.entries(data.workers);
  return [heading("queue", NAME.queue),
    h("div.figures", {}, big(data.waiting, "waiting for a worker", late ? ".is-bad" : ""),
      big(data.oldest_waiting_s === null ? "–" : duration(data.oldest_waiting_s * 1000), "oldest waits", late ? ".is-bad" : ""),
      big(data.running, "being worked on"),
      big(data.queue.depth ?? "?", data.queue.status === "up" ? "messages in the queue" : "broker does not answer", data.queue.status === "up" ? "" : ".is-bad")),
    h("h3.sub", {}, "Tasks"),
    h("ul.statuses", {}, Object.entries(data.tasks_by_status).map(([status, number]) =>
      h("li", {}, h(`span.chip.is-${TONE[status]}`, {}, STATUS[status]), h("strong", {}, number.toLocaleString())))),
    h("h3.sub", {}, "Workers with tasks"),
    workers.length
      ? rows(workers.map(([name, tasks]) => [name, `${tasks} at the moment`]))
      : h("p.quiet", {}, data.waiting ? "None, though tasks wait: is a worker running?" : "None at the moment; nothing is to be done.")];
}

function databaseCard({ pool, server }) {
  return [heading("database", NAME.database),
    rows([
      ["Connections of ours, of those the server admits", share(server.sessions, server.admitted ?? server.max_connections)],
      ...Object.entries(server.sessions_by_state).map(([state, number]) => [state, number]),
      ["Pool of the API", share(pool.checked_out, pool.pool_size)],
      ["Our budget, over all processes", pool.budget],
    ])];
}

function redisCard({ hub, pool, server, advice }) {
  return [heading("redis", NAME.redis),
    rows([
      ["Clients", share(server.clients, server.max_clients)],
      ["of which in Pub/Sub", server.pubsub_clients],
      ["Tasks watched", server.task_channels],
      ["Pool of the API", share(pool.in_use, pool.limit)],
      ["Live events of the API", hub.connected ? "connected" : "polled from PostgreSQL"],
    ]),
    ...(advice ?? []).map((words) => h("p.cause", {}, words))];
}

function streamsCard({ by_transport: transports, by_user: users, by_task: tasks }) {
  const total = Object.values(transports).reduce((sum, number) => sum + number, 0);
  return [heading("streams", NAME.streams),
    h("div.figures", {}, big(total, "streams open"), big(Object.keys(users).length, "users"), big(Object.keys(tasks).length, "tasks watched")),
    rows(Object.entries(transports).map(([name, number]) => [name === "ws" ? "WebSocket" : "SSE", number]))];
}

function schedulesCard(data) {
  const all = data.schedules ?? data;
  return [heading("schedules", NAME.schedules),
    h("ul.schedules", {}, all.map((each) => h("li", {},
      h("strong", {}, each.name), each.paused && h("span.chip", {}, "paused"),
      h("span.quiet", {}, [
        each.last_run_at ? `ran ${ago(each.last_run_at)}` : "has not run yet",
        each.next_run_at && upcoming(each.next_run_at),
        each.outcome?.error && `failed: ${each.outcome.error}`,
      ].filter(Boolean).join(", ")))))];
}
