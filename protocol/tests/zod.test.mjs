// The Zod schemas take what the sidecar takes and writes, and refuse what the JSON Schema refuses.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

import { build } from "esbuild";
import * as zod from "workspace-sidecar/zod";

import { random } from "./support/random.mjs";
import { check, samplesOf, typeNames } from "./support/samples.mjs";
import { examples, traffic } from "./support/traffic.mjs";

/** Another one makes other messages. */
const SEED = Number(process.env.ZOD_TEST_SEED || 1);
const ROUNDS = 400;
/** Words of the contract, each right in one place and wrong in others. */
const WORDS = ["glob", "ready", "synced", "modified", "tsx", "all", "spread", "attribute", "internal", "smart"];

let requests;
let lines;
before(async () => {
  ({ requests, lines } = await traffic());
});

test("there is a schema for each type, method and event", () => {
  assert.deepEqual(Object.keys(zod).sort(), [...typeNames, "methods", "events"].sort());
  const ready = lines.find((line) => line.event === "ready");
  assert.deepEqual(Object.keys(zod.methods), ready.data.methods);
  const seen = new Set(lines.flatMap((line) => line.event ?? []));
  assert.deepEqual([...seen].sort(), Object.keys(zod.events).sort(), "an event was not seen");
});

test("the examples of the reference are requests", async () => {
  const requests = await examples();
  assert.deepEqual(requests.map(({ method }) => method), Object.keys(zod.methods));
  for (const request of requests) {
    assert.deepEqual(zod.Request.parse(request), request);
    assert.deepEqual(zod.methods[request.method].params.parse(request.params ?? {}), request.params ?? {});
  }
});

test("what a sidecar takes and writes comes through as it was", (t) => {
  const methods = new Map(requests.map((request) => [request.id, request.method]));
  const answered = new Set();
  for (const request of requests) assert.deepEqual(zod.Request.parse(request), request);
  for (const line of lines) {
    if ("event" in line) {
      assert.deepEqual(zod.Event.parse(line), line);
      assert.deepEqual(zod.events[line.event].parse(line.data), line.data);
      continue;
    }
    assert.deepEqual(zod.Response.parse(line), line);
    if (!line.ok) continue;
    const method = methods.get(line.id);
    assert.deepEqual(zod.methods[method].result.parse(line.result), line.result);
    answered.add(method);
  }
  assert.deepEqual([...answered].sort(), Object.keys(zod.methods).sort(), "a method was not answered");
  t.diagnostic(`${requests.length} requests, ${lines.length} responses and events`);
});

test("unknown fields are refused in params and kept in results", () => {
  assert.ok(!zod.GlobParams.safeParse({ include: [], includes: [] }).success);
  const result = { cancelled: true, since: { when: 5 } };
  assert.deepEqual(zod.CancelResult.parse(result), result);
  const response = { id: "1", ok: true, result, node: 20 };
  assert.deepEqual(zod.Response.parse(response), response);
});

test("integers are those that JavaScript can count to", () => {
  for (const limit of [0, 1.0, 1e3, Number.MAX_SAFE_INTEGER]) {
    assert.ok(zod.GlobParams.safeParse({ include: [], limit }).success, `${limit}`);
  }
  for (const limit of [-1, 0.5, 2 ** 53, Infinity, NaN, "1"]) {
    assert.ok(!zod.GlobParams.safeParse({ include: [], limit }).success, `${limit}`);
  }
});

test("an id's length is counted in characters, as the JSON Schema counts it", () => {
  for (const [id, taken] of [["", false], ["a\nb", true], ["😀".repeat(256), true], ["😀".repeat(257), false]]) {
    assert.equal(check("#/$defs/RequestId")(id), taken);
    assert.equal(zod.RequestId.safeParse(id).success, taken);
  }
});

test("an optional field may be undefined, as where a program passes on what it was not given", () => {
  assert.ok(zod.GlobParams.safeParse({ include: [], limit: undefined }).success);
  assert.ok(!zod.GlobParams.safeParse({ include: undefined }).success);
});

test("objects can be made into others", () => {
  const Listing = zod.GlobParams.pick({ include: true, limit: true });
  assert.ok(!Listing.safeParse({ include: [], exclude: [] }).success);
  assert.equal(Listing.parse({ include: [], limit: 1 }).limit, 1);
  assert.equal(zod.ErrorCode.options.length, 24);
});

test("Zod and the JSON Schema agree about broken messages", (t) => {
  const samples = samplesOf([...requests, ...lines]);
  const counts = new Map();
  let seed = SEED * 1_000_000;
  for (const [name, values] of samples) {
    assert.notEqual(values.length, 0, `no ${name} was seen`);
    const valid = check(`#/$defs/${name}`);
    const agree = (message, change) => {
      const { success, data, error } = zod[name].safeParse(message);
      const why = () => `${name}, seed ${seed}, ${change}: ${JSON.stringify(message)}\n${error ?? "Zod takes it"}`;
      if (success !== valid(message)) assert.fail(why());
      if (success && !isDeepStrictEqual(data, message)) assert.fail(`${why()}, but as ${JSON.stringify(data)}`);
      return success;
    };
    for (const value of values) assert.ok(agree(value, "as it was"));

    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      seed += 1;
      const { pick } = random(seed);
      const holder = { message: structuredClone(pick(values)) };
      const change = mutate(pick, holder);
      const taken = agree(holder.message, change);
      const count = counts.get(change) ?? { taken: 0, refused: 0 };
      counts.set(change, count);
      count[taken ? "taken" : "refused"] += 1;
      if (!taken) refused += 1;
    }
    assert.ok(refused > 0, `no change made a ${name} invalid`);
  }
  for (const [change, { taken, refused }] of counts) t.diagnostic(`${change}: ${taken} taken, ${refused} refused`);
  const total = (key) => [...counts.values()].reduce((sum, count) => sum + count[key], 0);
  t.diagnostic(`${samples.size} types, seed ${SEED}: ${total("taken")} taken, ${total("refused")} refused`);
  assert.ok(total("taken") > 1000 && total("refused") > 1000);
});

test("CommonJS has the same schemas", () => {
  const cjs = createRequire(import.meta.url)("workspace-sidecar/zod");
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(zod).sort());
  assert.deepEqual(cjs.Event.parse(lines[0]), lines[0]);
  assert.ok(!cjs.GlobParams.safeParse({}).success);
});

test("a bundle has the schemas that are used, and no others", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export { GlobParams } from "workspace-sidecar/zod";',
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    external: ["zod"],
    write: false,
  });
  const names = [...outputFiles[0].text.matchAll(/^var (\w+) =/gm)].map(([, name]) => name);
  assert.deepEqual(names.sort(), ["Consistency", "GlobField", "GlobParams", "GlobSort"]);
});

/** Changes one thing in `holder.message`, and tells what. */
function mutate(pick, holder) {
  const places = [];
  const walk = (parent) => {
    for (const key of Object.keys(parent)) {
      places.push([parent, key]);
      if (parent[key] !== null && typeof parent[key] === "object") walk(parent[key]);
    }
  };
  walk(holder);
  const [parent, key] = pick(places);
  const value = parent[key];
  const set = (change, ...values) => {
    parent[key] = pick(values);
    return change;
  };
  const changes = [
    () => set("null", null),
    () => set("another type", "text", "", 0, 1.5, true, [], {}, ["text"], [0], { path: "a" }),
    () => set("part of the message elsewhere", ...places.map(([parent, key]) => structuredClone(parent[key]))),
  ];
  if (parent !== holder && !Array.isArray(parent)) {
    changes.push(() => (delete parent[key], "a field dropped"));
  }
  if (Array.isArray(value)) {
    changes.push(() => set("other items", [], [...value, null], [...value, ...structuredClone(value)], [value]));
  } else if (value !== null && typeof value === "object") {
    changes.push(() => ((value[pick(["unknown", "ok", "event", "id", ""])] = 1), "a field added"));
  } else if (typeof value === "number") {
    const numbers = [-1, -0.5, 0.5, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    changes.push(() => set("another number", ...numbers));
  } else if (typeof value === "string") {
    const words = ["", "other", `${value} `, value.toUpperCase(), "a".repeat(257), "😀".repeat(256)];
    changes.push(() => set("another string", ...words, ...WORDS));
  } else if (typeof value === "boolean") {
    changes.push(() => set("the other boolean", !value));
  }
  return pick(changes)();
}
