/** The parts of the pages that need no real browser: children, drafts, steps, edits, messages. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allTexts, textsIn } from "./messages.mjs";
import { applyEdits, changesById, computeEdits, totals } from "../../../api/static/model/edits.js";
import { History } from "../../../api/static/model/history.js";

class Node {
  children = [];
  append(...nodes) {
    this.children.push(...nodes);
  }
  replaceChildren(...nodes) {
    this.children = nodes;
  }
  setAttribute() {}
  addEventListener() {}
}
const store = () => {
  const kept = new Map();
  return Object.defineProperties(new Proxy({}, {
    ownKeys: () => [...kept.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, name) => ({
      getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key), length: kept.size,
    })[name],
  }), {});
};
Object.assign(globalThis, {
  Node,
  document: { documentElement: { dataset: {} }, createElement: () => new Node(), createElementNS: () => new Node() },
});
const { h, fill, slot, svg } = await import("../../../api/static/lib/dom.js");

test("conditions among children leave nothing behind, and numbers and texts stay", () => {
  const children = [true, false, null, undefined, 0, 3, "", "text", [true, ["in lists", false]]];
  const wanted = ["0", "3", "", "text", "in lists"];
  assert.deepEqual(h("p", {}, ...children).children, wanted);
  assert.deepEqual(fill(new Node(), ...children).children, wanted);
  assert.deepEqual(svg("g", {}, ...children).children, wanted);
});

test("what one more roadmap takes is told from the last ones, else from what is typical", async () => {
  const { TYPICAL, learned, likely, usually } = await import("../../../api/static/views/usually.js");
  const words = (of) => [of].flat().flatMap((each) => each.children ?? each).join("");
  const done = (took, tokens, cost = null) => ({ took_s: took, progress: { total: 10 }, usage: { tokens, cost } });
  assert.match(words(usually(learned([]))), /15 concepts: 45 contents, .* 48 model calls\. That takes a few minutes .* about 160,000 tokens/);
  assert.equal(words(usually(learned([done(48.4, 35_000, 0.5)]))), "Your last one took 48 s and 35,000 tokens, about $0.50.");
  assert.equal(words(usually(learned([done(41, 30_000), done(42, 40_000)]))), "Your last ones took 41-42 s and 40,000 tokens (no price is set).");
  assert.equal(words(likely(30, learned([done(48, 10_000, 0.5)]))), "about 30,000 tokens, about $1.50");
  assert.equal(words(likely(TYPICAL.contents, learned([]))), "about 160,000 tokens");
});

test("a place is made anew only when what it is made from is another", () => {
  const place = slot(new Node());
  let made = 0;
  const make = () => `number ${(made += 1)}`;
  assert.equal(place.show({ a: 1 }, make), true);
  assert.equal(place.show({ a: 1 }, make), false);
  assert.deepEqual(place.element.children, ["number 1"]);
  assert.equal(place.show({ a: 2 }, make), true);
  assert.deepEqual(place.element.children, ["number 2"]);
});

test("a tab prefers its own draft, a new tab begins with the newest, and sending forgets one's own only", async () => {
  const tabs = [store(), store()];
  globalThis.localStorage = store();
  globalThis.sessionStorage = tabs[0];
  const { draft, forgetDrafts } = await import("../../../api/static/lib/drafts.js?fresh");
  draft("goal").write("first tab");
  globalThis.sessionStorage = tabs[1];
  const second = (await import("../../../api/static/lib/drafts.js?second")).draft("goal");
  assert.equal(second.read(), "first tab");
  second.write("second tab");
  assert.equal(second.read(), "second tab");
  globalThis.sessionStorage = tabs[0];
  assert.equal(draft("goal").read(), "first tab");
  draft("goal").clear();
  assert.equal(second.read(), "second tab");
  forgetDrafts();
  globalThis.sessionStorage = store();
  assert.equal((await import("../../../api/static/lib/drafts.js?third")).draft("goal").read(), null);
});

test("many things that a page keeps beside drafts take no draft away", async () => {
  globalThis.localStorage = store();
  globalThis.sessionStorage = store();
  for (let n = 0; n < 300; n++) globalThis.sessionStorage.setItem(`place.${n}`, "1");
  const { draft } = await import("../../../api/static/lib/drafts.js?crowded");
  draft("home.review").write(false);
  draft("home.goal").write("chess");
  globalThis.localStorage = store();
  const { draft: anew } = await import("../../../api/static/lib/drafts.js?reloaded");
  assert.deepEqual([anew("home.review").read(), anew("home.goal").read()], [false, "chess"]);
});

test("what one tab sent retires what any tab had written before, and not what comes after", async () => {
  const tabs = [store(), store()];
  globalThis.localStorage = store();
  globalThis.sessionStorage = tabs[0];
  const { draft } = await import("../../../api/static/lib/drafts.js?sender");
  draft("quiz").write("first tab");
  globalThis.sessionStorage = tabs[1];
  const other = (await import("../../../api/static/lib/drafts.js?other")).draft("quiz");
  other.write("second tab");
  globalThis.sessionStorage = tabs[0];
  draft("quiz").sent();
  assert.equal(draft("quiz").read(), null);
  globalThis.sessionStorage = tabs[1];
  assert.equal(other.read(), null);
  other.write("after it");
  assert.equal(other.read(), "after it");
  other.clear();
  assert.equal(other.read(), null);
});

test("steps are taken back and done again, also after they were written down", () => {
  let history = new History({ now: [] });
  assert.equal(history.step([]), false);
  assert.equal(history.step(["a"]), true);
  history.step(["a", "b"]);
  history.undo();
  history = new History(JSON.parse(JSON.stringify(history)));
  assert.deepEqual(history.now, ["a"]);
  assert.equal(history.redo(), true);
  assert.deepEqual(history.now, ["a", "b"]);
  assert.equal(history.redo(), false);
  history.undo();
  history.step(["c"]);
  assert.equal(history.canRedo, false);
  history.undo();
  history.undo();
  assert.deepEqual([history.now, history.undo()], [[], false]);
});

const concept = (id) => ({ concept_id: id, title: id, description: "", estimated_hours: 2, difficulty: "beginner" });
const ROADMAP = { stages: [{ stage_id: "s", title: "S", modules: [
  { module_id: "m", title: "M", concepts: ["a", "b", "c", "d"].map(concept) },
  { module_id: "n", title: "N", concepts: ["e", "f"].map(concept) },
] }] };

test("edits made in a copy lead to the same edits again, whatever they are", () => {
  const random = seeded(7);
  for (let times = 0; times < 300; times++) {
    const stages = applyEdits(ROADMAP, []);
    const modules = stages[0].modules;
    for (let change = 0; change < 5; change++) {
      const from = modules[random(2)];
      const to = modules[random(2)];
      if (!from.concepts.length) continue;
      const at = random(from.concepts.length);
      const one = from.concepts[at];
      [() => (one.title = `${one.title}!`), () => (one.removed = true), () => (one.estimated_hours += 1),
        () => to.concepts.splice(random(to.concepts.length + 1), 0, ...from.concepts.splice(at, 1)),
        () => to.concepts.splice(random(to.concepts.length + 1), 0, { ...concept("new"), concept_id: null, key: `k${change}` })][random(5)]();
    }
    const edits = computeEdits(ROADMAP, stages);
    const again = applyEdits(ROADMAP, JSON.parse(JSON.stringify(edits)));
    const seen = (all) => all[0].modules.map((m) => m.concepts.filter((c) => !c.removed).map((c) => [c.concept_id, c.title, c.estimated_hours]));
    assert.deepEqual(seen(again), seen(stages));
    assert.deepEqual(totals(again), totals(stages));
  }
});

test("edits of what is not there any more are left out", () => {
  const edits = [{ op: "rename", concept_id: "gone", title: "x" }, { op: "move", concept_id: "a", module_id: "gone", position: 1 }, { op: "remove", concept_id: "b" }];
  const [{ modules: [{ concepts }] }] = applyEdits(ROADMAP, edits);
  assert.deepEqual(concepts.map(({ concept_id: id, removed }) => [id, removed]), [["b", true], ["a", false], ["c", false], ["d", false]]);
  assert.deepEqual(changesById(edits).get("b"), ["removed"]);
});

function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

test("texts are read from the modules with their values numbered", () => {
  const source = "t`Retry ${names.map((each) => `<${each}>`).join()}` + n(list.length, \"{n} thing\", \"{n} things\") + t`a ${t`b ${1}`}` + at`no`";
  assert.deepEqual([...textsIn(source)], ["Retry {0}", "a {0}", "b {0}", "{n} thing"]);
});

for (const language of ["de", "es", "zh"]) {
  test(`the interface says everything in ${language}, with all values, and nothing that it does not say`, async () => {
    const { default: messages } = await import(`../../../api/static/messages/${language}.js`);
    const wanted = allTexts();
    assert.deepEqual([...wanted].filter((text) => !(text in messages)), [], "missing");
    assert.deepEqual(Object.keys(messages).filter((text) => !wanted.has(text)), [], "not said any more");
    for (const [text, said] of Object.entries(messages)) {
      const values = (one) => [...new Set(one.match(/\{\w+\}/g) ?? [])].sort();
      for (const form of [said].flat()) assert.deepEqual(values(form), values(text), text);
      assert.equal(Array.isArray(said), text.includes("{n}"), text);
    }
  });
}

test("a look through an outline is no exam in German, and mail is no letter", async () => {
  const { default: messages } = await import("../../../api/static/messages/de.js");
  assert.deepEqual(Object.values(messages).flat().filter((said) => /Prüfung|per Post/.test(said)), []);
});

test("nouns have the case, numbers the signs and lists the commas of their language", () => {
  const says = (language) => JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", `
    Object.defineProperty(globalThis, "navigator", { value: { languages: ["${language}"] } });
    globalThis.document = { documentElement: { dataset: {} } };
    const from = (name) => import("${new URL("../../../api/static/lib/", import.meta.url)}" + name);
    const [{ list, within }, { duration, due }, { contentsReady, conceptsDone, kindName }] = await Promise.all(["i18n.js", "time.js", "words.js"].map(from));
    const kinds = ["tutorial", "resources", "quiz"].map((kind) => within(kindName(kind)));
    const days = due(new Date(Date.now() + 3 * 86_400_000).toISOString());
    console.log(JSON.stringify([contentsReady(48, 48), conceptsDone(2, 16), duration(2200), duration(381_000), list(kinds), days]));`], { encoding: "utf8" }));
  assert.deepEqual(says("en"), ["48 of 48 contents ready", "2 of 16 concepts done", "2.2 s", "6 min 21 s", "tutorial, resources, quiz", "in 3 days"]);
  assert.deepEqual(says("de"), ["48 von 48 Inhalten fertig", "2 von 16 Konzepten erledigt", "2,2 s", "6 min 21 s", "Tutorial, Quellen und Quiz", "in 3 Tagen"]);
  assert.deepEqual(says("es"), ["48 de 48 contenidos listos", "2 de 16 conceptos hechos", "2,2 s", "6 min 21 s", "tutorial, recursos y cuestionario", "en 3 días"]);
  assert.deepEqual(says("zh"), ["48 项内容中 48 项就绪", "16 个概念中已完成 2 个", "2.2 秒", "6 分钟 21 秒", "教程、资源和测验", "3 天后"]);
});

test("the page's shell stands in the messages, too", () => {
  const shell = readFileSync(new URL("../../../api/static/page.html", import.meta.url), "utf8");
  assert.ok(shell.includes("Texts are written by a program: a language model, or the offline sample author. Check what matters."));
});
