/** What a program asks the client for: addresses, tokens, lost answers, and what is sent again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RoadmapClient } from "../../../api/static/roadmap-client.js";
import { TASK } from "./fakes.mjs";

const BASE = "http://api.example";

/** Answer each request with the next of these; the last one again and again. */
function answering(...answers) {
  const sent = [];
  const fetch = async (address, options = {}) => {
    sent.push({ address, ...options });
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (next instanceof Error) throw next;
    return new Response(next.body ?? "{}", { status: next.status ?? 200, headers: next.headers });
  };
  return { fetch, sent };
}
const lost = new TypeError("fetch failed");

test("an address or a token that cannot be used is told at once, and nothing is sent", async () => {
  const { fetch, sent } = answering({});
  for (const baseUrl of [null, "api.example", "ftp://api.example", "http://", `${BASE}?a=1`]) {
    assert.throws(() => new RoadmapClient({ baseUrl, fetch }), /is no address of an API/);
  }
  assert.throws(() => new RoadmapClient({ baseUrl: BASE, token: "a\nb", fetch }), /characters that no token has/);
  const late = new RoadmapClient({ baseUrl: BASE, getToken: () => "a b", fetch });
  await assert.rejects(late.task(TASK), TypeError);
  assert.equal(sent.length, 0);
  const client = new RoadmapClient({ baseUrl: ` ${BASE}/ `, token: "abc\n", fetch });
  await client.task(TASK);
  assert.equal(sent[0].headers.Authorization, "Bearer abc");
  assert.equal(sent[0].address, `${BASE}/api/v1/tasks/${TASK}`);
});

test("an answer of nothing is not the API's", async () => {
  const { fetch } = answering({ body: "" });
  await assert.rejects(new RoadmapClient({ baseUrl: BASE, fetch, retries: 0 }).task(TASK), { code: "unreachable" });
});

test("a pause until a date is the time from the server's clock until then", async () => {
  const headers = { "Retry-After": "Tue, 01 Dec 2026 10:02:00 GMT", Date: "Tue, 01 Dec 2026 10:00:00 GMT" };
  const { fetch } = answering({ status: 503, headers });
  const client = new RoadmapClient({ baseUrl: BASE, fetch });
  await assert.rejects(client.task(TASK), { status: 503, retryAfterMs: 120_000 });
  delete headers.Date;
  headers["Retry-After"] = "soon";
  await assert.rejects(new RoadmapClient({ baseUrl: BASE, fetch, retries: 0 }).task(TASK), { retryAfterMs: null });
});

test("what failed in passing is sent again where that cannot do anything twice", async () => {
  const { fetch, sent } = answering(lost, { status: 503 }, {});
  const client = new RoadmapClient({ baseUrl: BASE, fetch, random: () => 0 });
  await client.createTask({ goal: "Learn Rust" });
  const keys = new Set(sent.map(({ headers }) => headers["Idempotency-Key"]));
  assert.equal(sent.length, 3);
  assert.equal(keys.size, 1);
  assert.ok([...keys][0]);
  const away = answering(lost);
  const other = new RoadmapClient({ baseUrl: BASE, fetch: away.fetch, random: () => 0 });
  await assert.rejects(other.cancel(TASK), { uncertain: true, message: /may have been done/ });
  assert.equal(away.sent.length, 1);
  await assert.rejects(other.task(TASK), { uncertain: false, message: "The server cannot be reached." });
  assert.equal(away.sent.length, 5);
});

test("a refusal for the moment is waited for only as long as is bearable", async () => {
  for (const [headers, times] of [[{ "Retry-After": "31" }, 1], [{}, 1], [{ "Retry-After": "0.01" }, 4]]) {
    const { fetch, sent } = answering({ status: 429, headers });
    await assert.rejects(new RoadmapClient({ baseUrl: BASE, fetch, random: () => 0 }).retry(TASK), { status: 429 });
    assert.equal(sent.length, times);
  }
});

test("each method asks at its own address", async () => {
  const { fetch, sent } = answering({});
  const client = new RoadmapClient({ baseUrl: BASE, fetch });
  await client.tasks({ status: ["failed", "cancelled"], q: "é & b", limit: 5 });
  await client.roadmap("r1");
  await client.concept("r1", "c/1");
  await client.regenerate("r1", "c1", ["quiz"]);
  assert.deepEqual(sent.map(({ address, method }) => `${method ?? "GET"} ${address.slice(BASE.length + 7)}`), [
    "GET /tasks?status=failed&status=cancelled&q=%C3%A9+%26+b&limit=5", "GET /roadmaps/r1", "GET /roadmaps/r1/concepts/c%2F1",
    "POST /roadmaps/r1/concepts/c1/regenerate",
  ]);
});
