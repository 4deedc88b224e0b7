/** What shows values of any workflow: Markdown as a tree, JSON Schemas as fields, differences. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, plainly } from "../../../api/static/model/differences.js";
import { beginning, inOrder, isAbout, optionOf, reader } from "../../../api/static/model/json-schema.js";
import { blocks, inline } from "../../../api/static/model/markdown.js";

test("headings, paragraphs, code, quotes, rules and tables become blocks", () => {
  const found = blocks("# One\n\nTwo *three*\nfour\n\n```py\nx = 1\n# no heading\n```\n> said\n\n---\n| a | b |\n|---|---|\n| 1 | `|` |\n");
  assert.deepEqual(found.map(({ type }) => type), ["heading", "paragraph", "code", "quote", "rule", "table"]);
  assert.deepEqual(found[1].inline, ["Two ", { type: "em", inline: ["three"] }, "\nfour"]);
  assert.equal(found[2].text, "x = 1\n# no heading");
  assert.equal(found[2].language, "py");
  assert.deepEqual(found[5].head, [["a"], ["b"]]);
});

test("lists nest, count from their number, and may be tasks", () => {
  const [list] = blocks("3. one\n   - inner\n   - [x] done\n4. two");
  assert.equal(list.ordered, true);
  assert.equal(list.first, 3);
  assert.equal(list.items.length, 2);
  const inner = list.items[0].blocks[1];
  assert.equal(inner.type, "list");
  assert.deepEqual(inner.items.map(({ done }) => done), [null, true]);
});

test("what only looks like a mark stays text", () => {
  for (const text of ["2 * 3 * 4", "snake_case_name", "a ** b", "[no link]", "`open", "5 < 6 > 4", "\\*not\\*"]) {
    const plain = inline(text);
    assert.ok(plain.every((each) => typeof each === "string"), text);
  }
  assert.deepEqual(inline("\\*not\\*"), ["*not*"]);
});

test("only addresses of the web become links", () => {
  assert.deepEqual(inline("[a](https://x.org/a_(b))"), [{ type: "link", href: "https://x.org/a_(b)", inline: ["a"] }]);
  assert.deepEqual(inline("[a](javascript:alert(1))").map((each) => each.type ?? each), ["span"]);
  for (const [text, href] of [["see https://x.org/a_(b), and", "https://x.org/a_(b)"], ["(https://x.org/a_(b)).", "https://x.org/a_(b)"], ["(https://x.org/a)", "https://x.org/a"]]) {
    assert.equal(inline(text)[1].href, href);
  }
  assert.deepEqual(inline("see https://x.org/a."), ["see ", { type: "link", href: "https://x.org/a", inline: ["https://x.org/a"] }, "."]);
});

test("no text takes long, whatever it is made of", () => {
  for (const piece of ["*a ", "**", "_a", "[", "[a](", "`", "> ", "- ", "|a", "<http://", "![", "~~a", "1. ", "\\"]) {
    const text = piece.repeat(Math.ceil(60_000 / piece.length));
    const began = process.cpuUsage();
    blocks(text);
    blocks(piece.repeat(2000).replaceAll(" ", "\n"));
    assert.ok(process.cpuUsage(began).user < 3_000_000, `${JSON.stringify(piece)} took ${process.cpuUsage(began).user} µs`);
  }
});

const SCHEMA = {
  type: "object",
  required: ["topic", "shape", "chapters"],
  properties: {
    topic: { type: "string", minLength: 1, description: "About what." },
    depth: { type: "integer", minimum: 1, maximum: 5, default: 2 },
    tone: { enum: ["dry", "warm"] },
    note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
    shape: { anyOf: [{ $ref: "#/$defs/Round" }, { $ref: "#/$defs/Square" }] },
    chapters: { type: "array", items: { $ref: "#/$defs/Chapter" }, minItems: 1 },
    more: { type: "object", additionalProperties: { type: "number" } },
  },
  $defs: {
    Chapter: { type: "object", required: ["title"], properties: { title: { type: "string" }, inner: { type: "array", items: { $ref: "#/$defs/Chapter" } } } },
    Round: { title: "Round", type: "object", required: ["kind", "radius"], properties: { kind: { const: "round" }, radius: { type: "number" } } },
    Square: { title: "Square", type: "object", required: ["kind", "side"], properties: { kind: { const: "square" }, side: { type: "number" } } },
  },
};

test("each place of a schema is one of the kinds that a form has fields for", () => {
  const read = reader(SCHEMA);
  const kinds = Object.fromEntries(read.at(SCHEMA).fields.map(({ name, schema }) => [name, read.at(schema)]));
  assert.deepEqual(Object.entries(kinds).map(([name, { kind }]) => [name, kind]), [
    ["topic", "text"], ["depth", "number"], ["tone", "choice"], ["note", "text"], ["shape", "union"], ["chapters", "list"], ["more", "map"],
  ]);
  assert.equal(kinds.note.optional, true);
  assert.equal(kinds.depth.most, 5);
  assert.equal(kinds.topic.help, "About what.");
});

test("two places of one shape have names of their own, and what may be nothing can be", () => {
  const [Place, none] = [{ $ref: "#/$defs/Place" }, { type: "null" }];
  const root = {
    properties: {
      home: Place, work: { anyOf: [Place, none], default: null }, sure: { anyOf: [{ type: "boolean" }, none] },
      only: { anyOf: [{ const: "x" }, none] }, mood: { enum: ["dry", null] },
    },
    $defs: { Place: { title: "Place", type: "object", properties: { inner: { anyOf: [Place, none] } } } },
  };
  const read = reader(root);
  const { home, work, sure, only, mood } = Object.fromEntries(Object.entries(root.properties).map(([name, schema]) => [name, read.at(schema)]));
  assert.deepEqual([home.title, home.type, work.title, work.type], [undefined, "Place", undefined, "Place"]);
  assert.deepEqual([work.optional, work.real], [true, Place]);
  assert.deepEqual([sure, only, mood].map(({ kind, options, optional }) => [kind, options, optional]), [["choice", [true, false], true], ["choice", ["x"], true], ["choice", ["dry"], true]]);
});

test("a form begins with defaults, and with what must be there", () => {
  assert.deepEqual(beginning(SCHEMA, SCHEMA), { topic: "", shape: { kind: "round", radius: undefined }, chapters: [{ title: "" }] });
});

test("a value is found among the shapes it may have", () => {
  const { options } = reader(SCHEMA).at(SCHEMA.properties.shape);
  assert.equal(optionOf(options, { kind: "square", side: 2 }, SCHEMA), 1);
  assert.equal(optionOf(options, { kind: "round", radius: 2 }, SCHEMA), 0);
});

test("a shape is told by what is in it, and by the API's name of it", () => {
  const [whole, text, day] = [{ type: "integer" }, { type: "string" }, { type: "string", format: "date" }];
  const of = (options, value) => optionOf(options.map((schema) => ({ schema })), value, SCHEMA);
  const list = (items) => ({ type: "array", items });
  const map = { type: "object", additionalProperties: whole };
  assert.equal(of([list(whole), list(text)], ["x"]), 1);
  assert.equal(of([list(whole), map], { a: 1 }), 1);
  assert.equal(of([day, text], "tomorrow"), 1);
  assert.equal(of([text, day], "2026-01-02"), 1);
  assert.equal(of([whole, { type: "number" }], 1.5), 1);
  const { Square } = SCHEMA.$defs;
  for (const [name, schema] of [["Square", Square], ["square", Square], ["int", whole], ["str", text], ["list[int]", list(whole)], ["dict[str,int]", map]]) assert.ok(isAbout(name, schema, SCHEMA), name);
  for (const [name, schema] of [["Round", Square], ["str", whole], ["side", Square], ["list[str]", list(whole)]]) assert.ok(!isAbout(name, schema, SCHEMA), name);
});

test("choices of one name are told apart by what is in them", () => {
  const [whole, number, text] = ["integer", "number", "string"].map((type) => ({ type }));
  const list = (items) => ({ type: "array", items });
  const map = (additionalProperties) => ({ type: "object", additionalProperties });
  const names = (anyOf) => reader({}).at({ anyOf }).options.map(({ title, of = [] }) => [title, ...of].join(" "));
  assert.deepEqual(names([list(whole), list(text)]), ["list number", "list text"]);
  assert.deepEqual(names([list(list(whole)), list(map(text)), text]), ["list list number", "list object text", "text"]);
  assert.deepEqual(names([list({ anyOf: [whole, text] }), list({})]), ["list number, text", "list"]);
  assert.deepEqual(names([whole, number, list(text)]), ["whole number", "number", "list"]);
  assert.deepEqual(names([text, { type: "string", format: "email" }, { type: "string", const: "x" }]), ["text", "text email", "text x"]);
  assert.deepEqual(names([{ title: "Place", type: "object", properties: { street: text } }, { title: "Place", type: "object", properties: { x: number, y: number } }]), ["Place street", "Place x, y"]);
});

test("differences name their places; entries of lists are known by their names", () => {
  const before = { title: "A", chapters: [{ slug: "one", title: "One" }, { slug: "two", title: "Two" }] };
  const after = { title: "A", chapters: [{ slug: "two", title: "2" }, { slug: "new", title: "New" }] };
  assert.deepEqual(differences(before, after).map(({ path }) => path), ["chapters → one", "chapters → two → title", "chapters → new"]);
  assert.deepEqual(differences(before, structuredClone(before)), []);
  assert.equal(differences(["a", "b"], ["b", "a"]).length, 2);
});

test("fields come in the order of their schema, and a changed entry in its own words", () => {
  assert.deepEqual(inOrder(["mood", "markdown", "odd"], ["markdown", "teaser", "mood"]), ["markdown", "mood", "odd"]);
  assert.equal(plainly({ slug: "more", title: "More", teaser: null }), "more, More");
  for (const value of [{ inner: {} }, {}, null, 7]) assert.equal(plainly(value), null);
});
