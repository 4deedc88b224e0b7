/** JSON with all digits of its integers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, integer } from "../../../api/static/lib/exact.js";
import { differences } from "../../../api/static/model/differences.js";
import { optionOf } from "../../../api/static/model/json-schema.js";

const LONG = "12345678901234567891";

test("integers of any length are read and written with all their digits", () => {
  for (const text of [`{"a":[${LONG},-${LONG},9007199254740993],"b":"${LONG}"}`, `${LONG}`, `["\\"${LONG}","\\\\",${LONG}]`, `{"${LONG}":${LONG}}`]) {
    assert.equal(exact.stringify(exact.parse(text)), text);
  }
  assert.deepEqual(exact.parse(`[${LONG},9007199254740991,1.5,1e300]`), [12345678901234567891n, 9007199254740991, 1.5, 1e300]);
  assert.equal(exact.stringify({ a: [12345678901234567891n] }, 2), `{\n  "a": [\n    ${LONG}\n  ]\n}`);
});

test("what is no JSON stays none, and is told in the browser's words", () => {
  for (const text of [`{${LONG}: 1}`, `[0${LONG}]`, `[${LONG}`, `[${LONG} 1]`, `[-]`]) {
    assert.throws(() => exact.parse(text), { name: "SyntaxError", message: (() => { try { JSON.parse(text); } catch (error) { return error.message; } return ""; })() });
  }
});

test("long texts are read as any others", () => {
  const text = JSON.stringify(["1234567890\\\"".repeat(500_000)]);
  assert.equal(exact.stringify(exact.parse(text)), text);
});

test("only what a number cannot hold is no number", () => {
  assert.deepEqual(["7", "-7", "1e3", "100000000000000000000", "1.5", "9007199254740993"].map(integer), [7, -7, 1000, 1e20, 1.5, 9007199254740993n]);
});

test("long integers are told apart, and fit where numbers do", () => {
  const [one, two] = [`{"a":${LONG}}`, `{"a":${LONG.replace(/1$/, "2")}}`].map(exact.parse);
  assert.notEqual(JSON.stringify(one), JSON.stringify(two));
  assert.deepEqual(differences(one, two).map(({ path }) => path), ["a"]);
  assert.deepEqual(differences(one, exact.parse(exact.stringify(one))), []);
  const options = [{ type: "string" }, { type: "number" }, { type: "integer" }].map((schema) => ({ schema }));
  assert.equal(optionOf(options, one.a, {}), 1);
});
