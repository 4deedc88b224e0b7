/** The client module against a server in memory that breaks in every way a network does. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RoadmapClient, backoffMs, sseParser } from "../../../api/static/roadmap-client.js";
import { Server, TASK, event, until } from "./fakes.mjs";

const BASE = "http://api.example";
const open = [];

afterEach(() => open.splice(0).forEach((watch) => watch.stop()));

/** Follow the task; jitter is taken out so that waits are short. */
function follow(server, options = {}, clientOptions = {}) {
  const client = new RoadmapClient({
    baseUrl: BASE, fetch: server.fetch, WebSocket: server.WebSocket, random: () => 0,
    ...clientOptions,
  });
  const got = { seqs: [], states: [], snapshots: [], deltas: [], errors: [], notifications: [], pages: [] };
  const handlers = {
    onEvent: (each) => got.seqs.push(each.seq),
    onDelta: (delta) => got.deltas.push(delta.data.text),
    onState: (state) => got.states.push(state),
    onSnapshot: (task, reason) => got.snapshots.push(reason),
    onError: (error) => got.errors.push(error.status),
    ...options,
  };
  const watch = client.watch(TASK, handlers);
  open.push(watch);
  return { watch, got, client };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Wait shorter where the client waits exactly so long. */
async function withShort(waits, work) {
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (call, ms, ...more) => real(call, waits[ms] ?? ms, ...more);
  try {
    await work();
  } finally {
    globalThis.setTimeout = real;
  }
}

const last = (list) => list.at(-1);
const isLive = (got, transport) =>
  last(got.states)?.status === "live" && last(got.states).transport === transport;

test("events come by WebSocket, in order, and the watch ends after the terminal one", async () => {
  const server = new Server();
  server.commit(event(1), event(2));
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.send(event(3));
  server.finish();
  await until(() => last(got.states).status === "ended", "the end");
  assert.deepEqual(got.seqs, [1, 2, 3, 4]);
  assert.deepEqual(got.snapshots, ["end"]);
});

test("an event that comes twice or late is given once", async () => {
  const server = new Server();
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.send(event(1), event(2));
  server.push(event(1), event(2));
  server.send(event(3));
  await until(() => got.seqs.length >= 3, "three events");
  assert.deepEqual(got.seqs, [1, 2, 3]);
});

test("a gap is filled from the log before anything newer is given, and the snapshot is read anew", async () => {
  const server = new Server();
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.send(event(1));
  server.commit(event(2), event(3));
  server.send(event(4));
  server.send(event(5));
  await until(() => got.seqs.length >= 5, "five events");
  assert.deepEqual(got.seqs, [1, 2, 3, 4, 5]);
  assert.deepEqual(got.snapshots, ["gap"]);
});

test("a log whose beginning was purged is followed from where it begins", async () => {
  const server = new Server();
  server.commit(event(7), event(8));
  const { got } = follow(server);
  await until(() => got.seqs.length >= 2, "what is left");
  assert.deepEqual(got.seqs, [7, 8]);
});

test("after a cut the stream goes on after the last event", async () => {
  const server = new Server();
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.send(event(1), event(2));
  server.commit(event(3));
  server.cut();
  await until(() => got.seqs.length >= 3, "the missed event");
  assert.deepEqual(got.seqs, [1, 2, 3]);
  const opened = server.requests.filter((request) => request.ws);
  assert.equal(last(opened).query.get("after"), "2");
});

test("server-sent events follow when WebSocket keeps failing, polling comes last", async () => {
  const server = new Server();
  server.webSocketsWork = false;
  server.commit(event(1));
  const { got } = follow(server);
  await until(() => isLive(got, "sse"), "the event stream");
  assert.equal(server.requests.filter((request) => request.ws).length, 2);
  server.send(event(2));
  await until(() => got.seqs.length >= 2, "a live event");
  server.sseWorks = false;
  server.cut();
  await until(() => isLive(got, "polling"), "polling");
  server.commit(event(3));
  server.finish();
  await until(() => last(got.states).status === "ended", "the end");
  assert.deepEqual(got.seqs, [1, 2, 3, 4]);
});

test("polling follows where a proxy keeps a stream's events, or all of it", async () => {
  for (const kept of ["", ": ping\nretry: 2000\n"]) {
    const server = new Server();
    server.webSocketsWork = false;
    server.sseOnly = kept;
    server.commit(event(1));
    const { got, watch } = follow(server);
    await withShort({ 10_000: 20, 25_000: 40 }, () => until(() => got.seqs.length === 1, "the event"));
    assert.ok(isLive(got, "polling"), kept);
    watch.stop();
  }
});

test("when nobody answers no transport is blamed, and the state says when it is tried again", async () => {
  const server = new Server();
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.down = true;
  server.cut();
  await until(() => last(got.states).status === "waiting" && got.states.length > 6, "some tries");
  const waiting = last(got.states);
  assert.equal(waiting.reachable, false);
  assert.ok(waiting.retryAt > Date.now());
  server.down = false;
  server.commit(event(1));
  await until(() => isLive(got, "websocket"), "the socket again");
  await until(() => got.seqs.length === 1, "the missed event");
});

test("stopping on purpose never reconnects and calls no handler any more", async () => {
  const server = new Server();
  const { watch, got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  watch.stop();
  const requests = server.requests.length;
  server.send(event(1));
  server.cut();
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(server.requests.length, requests);
  assert.deepEqual(got.seqs, []);
  assert.equal(last(got.states).status, "stopped");
});

test("whoever stops in a handler, or while an answer is on its way, hears nothing more", async () => {
  const server = new Server();
  const { watch, got } = follow(server, {
    onEvent: ({ seq }) => {
      got.seqs.push(seq);
      if (seq === 2) watch.stop();
    },
  });
  await until(() => isLive(got, "websocket"), "a socket");
  server.send(event(1));
  server.commit(event(2), event(3), event(4));
  server.send(event(5));
  await until(() => got.seqs.length >= 2, "the event that is the last");
  await pause(50);
  assert.deepEqual(got.seqs, [1, 2]);
  assert.equal(watch.lastSeq, 2);

  let answer;
  const slow = () => new Promise((resolve) => (answer = resolve));
  const pages = [];
  const client = new RoadmapClient({ baseUrl: BASE, fetch: slow, transports: ["polling"] });
  const inbox = client.watchInbox({ onSnapshot: (page) => pages.push(page), onError: (error) => pages.push(error) });
  await until(() => answer, "the question");
  inbox.stop();
  answer(new Response("{}", { status: 401 }));
  await pause(50);
  answer(new Response('{"notifications": []}'));
  await pause(50);
  assert.deepEqual(pages, []);
});

test("handlers may be an object of a class, which keeps what it knows", async () => {
  class Seen {
    count = 0;

    onEvent() {
      this.count += 1;
    }
  }
  const server = new Server();
  server.commit(event(1), event(2));
  const seen = new Seen();
  const client = new RoadmapClient({ baseUrl: BASE, fetch: server.fetch, WebSocket: server.WebSocket });
  open.push(client.watch(TASK, seen));
  await until(() => seen.count === 2, "both events");
});

test("what the server refuses is told once and not tried again", async () => {
  const server = new Server();
  server.refuse = 404;
  server.webSocketsWork = false;
  const { got } = follow(server);
  await until(() => last(got.states)?.status === "refused", "the refusal");
  assert.deepEqual(got.errors, [404]);
});

test("a watch that was refused goes on with another token", async () => {
  const server = new Server();
  server.commit(event(1));
  server.refuse = 401;
  server.webSocketsWork = false;
  const { got, watch } = follow(server);
  await until(() => last(got.states)?.status === "refused", "the refusal");
  server.refuse = null;
  server.webSocketsWork = true;
  watch.resume();
  await until(() => got.seqs.length === 1, "the event");
  assert.deepEqual(got.errors, [401]);
});

test("what answers in the API's place for a while ends nothing", async () => {
  for (const instead of [
    { status: 404, body: "404 page not found" }, { status: 200, body: "<title>Sign in</title>" }, { status: 200, body: "" },
  ]) {
    const server = new Server();
    server.commit(event(1));
    const { got, client } = follow(server);
    const pages = [];
    open.push(client.watchInbox({ onSnapshot: () => pages.push("snapshot"), onError: (error) => pages.push(error) }));
    await until(() => got.seqs.length === 1 && pages.length === 1, "what there is");
    server.instead = instead;
    server.cut();
    await until(() => last(got.states).reachable === false, "the notice");
    server.instead = null;
    server.commit(event(2));
    await until(() => got.seqs.length === 2 && pages.length >= 2, "the rest");
    assert.deepEqual([got.errors, new Set(pages)], [[], new Set(["snapshot"])]);
  }
  const server = new Server();
  server.instead = { status: 404, body: "Not here" };
  const { got } = follow(server);
  await until(() => last(got.states)?.status === "refused", "an address that never was the API's");
});

test("a server that is away for longer than a timer can wait is not asked without a pause", async () => {
  const server = new Server();
  server.instead = { status: 503, body: "", headers: { "Retry-After": String(30 * 24 * 3600) } };
  const { got } = follow(server);
  await until(() => last(got.states)?.status === "waiting", "the wait");
  await pause(100);
  assert.equal(server.requests.filter((request) => !request.ws).length, 1);
});

test("a token stands in headers only; the socket is opened with a ticket for this task", async () => {
  const server = new Server();
  const { got } = follow(server, {}, { token: "secret-token" });
  await until(() => isLive(got, "websocket"), "a socket");
  const ticket = server.requests.find((request) => request.path.endsWith("/stream-tickets"));
  assert.deepEqual(JSON.parse(ticket.body), { task_id: TASK });
  assert.equal(ticket.headers.Authorization, "Bearer secret-token");
  const socket = server.requests.find((request) => request.ws);
  assert.equal(socket.query.get("ticket"), "t1");
  assert.ok(!server.requests.some((request) => String(request.query).includes("secret-token")));
});

test("whoever asks hears what kept them from a token; a watch waits for one", async () => {
  const server = new Server();
  server.commit(event(1));
  let signedIn = false;
  const getToken = async () => {
    if (!signedIn) throw new Error("Sign in first.");
    return "a-token";
  };
  const { got, client } = follow(server, {}, { getToken });
  await assert.rejects(client.task(TASK), { message: "Sign in first." });
  await until(() => last(got.states)?.status === "waiting", "the wait");
  assert.equal(server.requests.length, 0);
  signedIn = true;
  await until(() => got.seqs.length === 1, "the event");
  assert.deepEqual(got.errors, []);
});

test("after the end a retry is noticed and the numbering goes on", async () => {
  const server = new Server();
  server.status = "completed";
  server.commit(event(1), event(2, "task_completed"));
  const { got } = follow(server, { revisitMs: 20 });
  await until(() => last(got.states)?.status === "ended", "the end");
  server.status = "processing";
  server.commit(event(3, "task_retried"));
  await until(() => got.seqs.length === 3, "the retry");
  assert.deepEqual(got.seqs, [1, 2, 3]);
  assert.ok(isLive(got, "websocket"));
});

test("a terminal event in the middle of the log ends nothing", async () => {
  const server = new Server();
  server.commit(event(1), event(2, "task_failed"), event(3, "task_retried"));
  const { got } = follow(server, {}, { transports: ["polling"] });
  await until(() => got.seqs.length === 3, "the log");
  server.commit(event(4));
  await until(() => got.seqs.length === 4, "a live event");
});

test("streamed text reaches its own callback and is no event", async () => {
  const server = new Server();
  const { got } = follow(server);
  await until(() => isLive(got, "websocket"), "a socket");
  server.push({ type: "content_delta", task_id: TASK, data: { text: "Own" } });
  server.push({ type: "content_delta", task_id: TASK, data: { text: "ership" } });
  server.send(event(1));
  await until(() => got.seqs.length === 1, "an event");
  assert.deepEqual(got.deltas, ["Own", "ership"]);
});

test("a handler that throws does not stop the stream", async () => {
  const server = new Server();
  const seen = [];
  const caught = [];
  globalThis.reportError = (error) => caught.push(error.message);
  try {
    const { got } = follow(server, {
      onEvent: (each) => {
        seen.push(each.seq);
        throw new Error("mine");
      },
    });
    await until(() => isLive(got, "websocket"), "a socket");
    server.send(event(1), event(2));
    await until(() => seen.length === 2, "both events");
    assert.deepEqual(caught, ["mine", "mine"]);
  } finally {
    delete globalThis.reportError;
  }
});

test("a handler that fails later does not end the program", async () => {
  const server = new Server();
  const caught = [];
  globalThis.reportError = (error) => caught.push(error.message);
  try {
    const { got } = follow(server, {
      onEvent: async () => {
        throw new Error("mine");
      },
    });
    await until(() => isLive(got, "websocket"), "a socket");
    server.send(event(1), event(2));
    await until(() => caught.length === 2, "both errors");
    assert.deepEqual(caught, ["mine", "mine"]);
  } finally {
    delete globalThis.reportError;
  }
});

test("waits double up to half a minute and differ between clients", () => {
  assert.equal(backoffMs(0, () => 1), 500);
  assert.equal(backoffMs(0, () => 0), 250);
  assert.equal(backoffMs(3, () => 1), 4000);
  assert.equal(backoffMs(50, () => 1), 30_000);
});

test("an event stream is understood however it is cut into pieces", () => {
  const text = ': ping\nretry: 2000\nid: 1\nevent: x\ndata: {"a":\ndata: 1}\n\n: ping\ndata: {"b":2}\r\n\r\n';
  for (let size = 1; size <= text.length; size++) {
    const got = [];
    const parse = sseParser((message) => got.push(message));
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size));
    assert.deepEqual(got, [{ a: 1 }, { b: 2 }], `pieces of ${size}`);
  }
});

test("the inbox tells its snapshot, then each new entry once, over every transport", async () => {
  for (const transports of [["websocket"], ["polling"]]) {
    const server = new Server();
    server.inbox = [{ notification_id: "01", message: "old" }];
    const client = new RoadmapClient({
      baseUrl: BASE, fetch: server.fetch, WebSocket: server.WebSocket, random: () => 0, transports,
    });
    const fresh = [];
    const pages = [];
    const watch = client.watchInbox({
      onNotification: (entry) => fresh.push(entry.notification_id),
      onSnapshot: (page) => pages.push(page.unread),
    });
    open.push(watch);
    await until(() => pages.length > 0, "the snapshot");
    assert.deepEqual(fresh, []);
    if (transports[0] === "websocket") {
      server.push({ notification_id: "02", message: "new" }, { notification_id: "02", message: "new" });
      await until(() => fresh.length > 0, "the new entry");
      assert.deepEqual(fresh, ["02"]);
    }
    watch.stop();
  }
});

test("an inbox that is polled tells each new entry, however few were enough at first", async () => {
  const entry = (id) => ({ notification_id: id, message: id });
  const server = new Server();
  server.inbox = [entry("01")];
  const client = new RoadmapClient({ baseUrl: BASE, fetch: server.fetch, transports: ["polling"] });
  const fresh = [];
  const pages = [];
  await withShort({ 10_000: 20 }, async () => {
    const watch = client.watchInbox({
      onNotification: ({ notification_id: id }) => fresh.push(id),
      onSnapshot: (page) => pages.push(page.notifications.length),
    }, { atFirst: 1 });
    open.push(watch);
    await until(() => pages.length === 1, "the snapshot");
    server.inbox = ["04", "03", "02", "01"].map(entry);
    await until(() => fresh.length > 0, "what is new");
    assert.deepEqual([fresh, pages], [["02", "03", "04"], [1]]);
  });
});

test("parts are asked for by kind, results without them", async () => {
  const asked = [];
  const fetch = async (address) => {
    asked.push(address);
    return new Response("{}", { headers: { "content-type": "application/json" } });
  };
  const client = new RoadmapClient({ baseUrl: BASE, fetch });
  await client.parts(TASK, { step: "chapter", kind: "text", status: ["failed", "running"] });
  await client.results(TASK);
  await client.results(TASK, { parts: false });
  const of = `${BASE}/api/v1/tasks/${TASK}`;
  assert.deepEqual(asked, [
    `${of}/parts?step=chapter&kind=text&status=failed&status=running`, `${of}/results`, `${of}/results?parts=false`,
  ]);
});
