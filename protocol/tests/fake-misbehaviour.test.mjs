// Every way in which the fake sidecar misbehaves, over real pipes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, ask, code, startFake, within } from "./fake-driver.mjs";

const FATAL = { event: "fatal", data: { code: "io_error", message: "no" } };
const PROGRESS = { event: "progress", data: { phase: "scan", files: 1, bytes: 2 } };
const INTERNAL = { code: "internal", message: "" };

/** More than any pipe takes. */
const MANY_PINGS = '{"id":"ping","method":"ping"}\n'.repeat(100_000);

// The wait is for the end of stdin, which would end the process with another status.
const HANG_UNTIL_SIGTERM = [
  { on: "request", method: "glob", do: "hang" },
  { on: "sigterm", do: [{ wait: 50 }, { crash: 5 }] },
];

// One row for each way to misbehave: the rules, and what shows that it does. Whatever is left is killed.
const BEHAVIOURS = [
  ["never ready", [{ on: "start", do: [] }], async (fake) => {
    await fake.request("ping");
    assert.equal(fake.messages().some((message) => message.event === "ready"), false);
  }],
  ["ready late, requests wait", [{ on: "start", do: [{ wait: 20 }, "behave"] }], async (fake) => {
    await fake.request("ping");
    assert.equal(fake.messages()[0].event, "ready");
  }],
  ["fatal", [{ on: "start", do: [{ send: FATAL }, { crash: 3 }] }],
    async (fake) => {
      assert.equal(await fake.ended(), 3);
      assert.deepEqual(fake.messages(), [FATAL]);
    }],
  ["crash at the start", [{ on: "start", do: { crash: 101 } }], async (fake) => {
    assert.equal(await fake.ended(), 101);
    assert.equal(fake.stdout().length, 0);
  }],
  ["crash at the second request of a method", [{ on: "request", method: "glob", nth: 2, do: { crash: 101 } }],
    async (fake) => {
      await fake.request("search");
      await fake.request("glob");
      fake.send(ask("glob"));
      assert.equal(await fake.ended(), 101);
      assert.equal(answered(fake, "glob"), 0);
    }],
  ["death by a signal", [{ on: "request", do: ["behave", { crash: "SIGKILL" }] }], async (fake) => {
    await fake.request("glob");
    assert.equal(await fake.ended(), "SIGKILL");
  }],
  ["death by SIGTERM, without behaving", [{ on: "request", do: { crash: "SIGTERM" } }], async (fake) => {
    fake.send(ask("glob"));
    assert.equal(await fake.ended(), "SIGTERM");
  }],
  ["hang: no answer, no end at the end of stdin, but SIGTERM", HANG_UNTIL_SIGTERM,
    async (fake) => {
      await fake.request("ping");
      fake.send(ask("glob"), ask("ping"));
      // More than a pipe takes: so what came before was read when SIGTERM comes.
      await within(new Promise((resolve) => fake.child.stdin.write(MANY_PINGS, resolve)), "reading on");
      fake.end();
      fake.child.kill("SIGTERM");
      assert.equal(await fake.ended(), 5);
      assert.deepEqual([answered(fake, "glob"), answered(fake, "ping")], [0, 0]);
    }],
  ["hang that SIGTERM does not end",
    [{ on: "request", do: ["behave", "hang"] }, { on: "sigterm", do: { stderr: "no" } }],
    async (fake) => {
      await fake.request("glob");
      fake.child.kill("SIGTERM");
      assert.equal(await Promise.race([fake.ended(), fake.log("no").then(() => "alive")]), "alive");
      fake.child.kill("SIGKILL");
      assert.equal(await fake.ended(), "SIGKILL");
    }],
  ["late", [{ on: "request", method: "glob", nth: 1, do: [{ wait: 100 }, "behave"] }], async (fake) => {
    await fake.event("ready");
    const asked = performance.now();
    fake.send(ask("glob"), ask("ping"));
    await fake.response("glob");
    assert.ok(performance.now() - asked >= 99);
    const ids = fake.messages().flatMap(({ id }) => id ?? []);
    assert.deepEqual(ids, ["ping", "glob"]);
  }],
  ["no answer to one request", [{ on: "request", method: "glob", do: [] }], async (fake) => {
    fake.send(ask("glob"));
    await fake.request("ping");
    fake.end();
    assert.equal(await fake.ended(), 0);
    assert.equal(answered(fake, "glob"), 0);
  }],
  ["another answer, once", [{ on: "request", method: "glob", nth: 1, do: { answer: { error: INTERNAL } } }],
    async (fake) => {
      await assert.rejects(fake.request("glob"), code("internal"));
      assert.deepEqual((await fake.request("glob")).files, []);
    }],
  ["two answers", [{ on: "request", method: "glob", do: ["behave", "behave"] }], async (fake) => {
    fake.send(ask("glob"));
    await fake.request("ping");
    await fake.output((bytes) => bytes.toString().split('{"id":"glob"').length === 3, "two answers");
  }],
  ["an answer nobody asked for", [{ on: "request", do: [{ send: { id: "nobody", ok: true, result: {} } }, "behave"] }],
    async (fake) => {
      await fake.request("ping");
      assert.equal(answered(fake, "nobody"), 1);
    }],
  ["an event", [{ on: "start", do: ["behave", { send: PROGRESS }] }], async (fake) => {
    assert.deepEqual(await fake.event("progress"), PROGRESS);
  }],
  ["text that is no JSON", [{ on: "request", do: [{ write: "Segmentation fault\n" }, "behave"] }], async (fake) => {
    await fake.request("ping");
    assert.ok(fake.lines().includes("Segmentation fault"));
  }],
  ["bytes that are no UTF-8", [{ on: "request", do: [{ write: "/wAK", encoding: "base64" }, "behave"] }],
    async (fake) => {
      await fake.request("ping");
      assert.ok(fake.stdout().includes(Buffer.from([0xff, 0x00, 0x0a])));
    }],
  ["JSON that is no message", [{ on: "request", do: [{ send: [1] }, "behave"] }], async (fake) => {
    await fake.request("ping");
    assert.ok(fake.lines().includes("[1]"));
  }],
  ["half a line, then a crash", [{ on: "request", do: [{ write: '{"id":"gl' }, { crash: 1 }] }], async (fake) => {
    fake.send(ask("glob"));
    assert.equal(await fake.ended(), 1);
    assert.ok(fake.stdout().toString().endsWith('\n{"id":"gl'));
  }],
  ["pieces, through a character of several bytes",
    [{ on: "request", method: "ping", do: [{ split: 1, pauseMs: 10 }, { send: "ä🥐" }, { split: 0 }, "behave"] }],
    async (fake) => {
      await fake.event("indexed");
      // A chunk that begins with a continuation byte. Where this process stood still, it reads the pieces as one.
      const isTorn = () => fake.chunks.some((chunk) => (chunk[0] & 0xc0) === 0x80);
      for (let asked = 0; asked < 50 && !isTorn(); asked++) await fake.request("ping");
      assert.ok(fake.lines().includes('"ä🥐"'));
      assert.ok(isTorn());
    }],
  ["a huge line", [{ on: "request", do: [{ write: "x", times: 5_000_001 }, { write: "\n" }, "behave"] }],
    async (fake) => {
      await fake.request("ping");
      assert.ok(fake.lines().some((line) => line.length === 5_000_001 && !/[^x]/.test(line)));
    }],
  ["a line without end", [{ on: "request", do: [{ write: "xyz", times: 1_000_000 }] }], async (fake) => {
    fake.send(ask("ping"));
    await fake.output((bytes) => bytes.length > 3_000_000, "three megabytes");
    assert.equal(fake.stdout().toString().split("\n").at(-1).length, 3_000_000);
  }],
  ["`shutdown` ignored", [{ on: "request", method: "shutdown", do: [] }], async (fake) => {
    fake.send(ask("shutdown"));
    await fake.request("ping");
    assert.equal(answered(fake, "shutdown"), 0);
  }],
  ["`shutdown` answered, without an exit", [{ on: "request", method: "shutdown", do: { answer: { result: {} } } }],
    async (fake) => {
      await fake.request("shutdown");
      await fake.request("ping");
    }],
  ["the end of stdin ignored", [{ on: "stdin-end", do: { stderr: "stays" } }, { on: "sigterm", do: { crash: 5 } }],
    async (fake) => {
      await fake.event("indexed");
      fake.end();
      await fake.log("stays");
      fake.child.kill("SIGTERM");
      assert.equal(await fake.ended(), 5);
    }],
  ["a request's `timeoutMs` ignored",
    [{ on: "request", method: "glob", do: [{ wait: 60 }, "behave"] }, { on: "timeout", do: { stderr: "passed" } }],
    async (fake) => {
      const result = fake.request("glob", {}, { timeoutMs: 1 });
      await fake.log("passed");
      assert.deepEqual((await result).files, []);
    }],
  ["SIGTERM cancels what is in flight", [{ on: "request", method: "glob", do: [{ wait: 60_000 }, "behave"] }],
    async (fake) => {
      const glob = assert.rejects(fake.request("glob"), code("cancelled"));
      await fake.request("ping");
      fake.child.kill("SIGTERM");
      await glob;
      assert.equal(await fake.ended(), 0);
    }],
  ["a closed stdout",
    [
      { on: "request", method: "glob", do: ["behave", "closeStdout", { stderr: "closed" }] },
      { on: "request", method: "ping", do: ["behave", { stderr: "here" }] },
    ],
    async (fake) => {
      const ended = within(new Promise((resolve) => fake.child.stdout.on("end", resolve)), "the end of stdout");
      await fake.request("glob");
      await ended;
      await fake.log("closed");
      fake.send(ask("ping"));
      await fake.log("here");
      fake.end();
      assert.equal(await fake.ended(), 0);
    }],
  ["a closed stdin", [{ on: "request", method: "glob", do: ["closeStdin", "behave", { wait: 30 }, { send: "alive" }] }],
    async (fake) => {
      const broken = within(new Promise((resolve) => fake.child.stdin.on("error", resolve)), "a broken pipe");
      await fake.request("glob");
      fake.send(ask("ping"));
      assert.match((await broken).code, /^(EPIPE|ECONNRESET)$/);
      await fake.message((message) => message === "alive");
    }],
  ["stdin not read",
    [{ on: "request", method: "glob", do: ["stopReading", "behave", { wait: 100 }, { send: "later" }] }],
    async (fake) => {
      await fake.request("glob");
      let taken = false;
      fake.child.stdin.write(MANY_PINGS, (error) => (taken = !error));
      await fake.message((message) => message === "later");
      assert.equal(taken, false);
    }],
  ["lines on stderr", [{ on: "start", do: [{ stderr: "a warning" }, { stderr: { level: "ERROR" } }, "behave"] }],
    async (fake) => {
      await fake.log('a warning\n{"level":"ERROR"}\n');
      await fake.event("ready");
    }],
];

for (const [name, rules, check] of BEHAVIOURS) {
  test(`misbehaviour: ${name}`, async () => check(startFake({ rules })));
}
