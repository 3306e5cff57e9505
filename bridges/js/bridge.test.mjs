// node --test bridges/js: what the helper makes of a store's answers and errors.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test as named } from "node:test";

const test = (name, body) => named(name, { timeout: 60_000 }, body);

/** Runs a store in a process of its own, sends lines, and returns the answers, standard error and the status. */
async function talk(store, calls, description = '{ name: "t", version: "1" }', cancels = []) {
  const helper = new URL("./bridge.mjs", import.meta.url).href;
  const script = `import { Indeterminate, Refused, Unsupported, serve } from ${JSON.stringify(helper)};
    const rows = async () => [];
    const core = { add: rows, search: rows, getAll: rows, deleteAll() {} };
    serve(${store}, ${description});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const lines = [];
  const due = calls.length + 1;
  const heard = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(JSON.parse(line));
      if (lines.length === due) resolve();
    });
  });
  child.stdin.write(`${JSON.stringify({ hello: { protocol: 1, options: { size: 3 } } })}\n`);
  calls.forEach(([call, given], index) => {
    child.stdin.write(`${JSON.stringify({ id: index + 1, call, arguments: given })}\n`);
  });
  for (const id of cancels) child.stdin.write(`${JSON.stringify({ cancel: id })}\n`);
  await Promise.race([heard, ended]);
  child.stdin.end();
  const status = await ended;
  const [hello, ...answers] = lines;
  return { hello: hello?.hello, answers: answers.sort((a, b) => a.id - b.id), errors, status };
}

test("the hello names what the store has", async () => {
  const store = "({ size }) => ({ ...core, get: () => null, count: () => size, extra() {} })";
  const { hello, answers, status } = await talk(store, [["count", { user: "a" }]], '{ name: "n", version: "2", keywords: ["key"] }');
  assert.deepEqual(hello, { protocol: 1, name: "n", version: "2", capabilities: ["get", "count", "key"] });
  assert.deepEqual(answers, [{ id: 1, number: 3 }]);
  assert.equal(status, 0);
});

test("arguments keep their place, null is passed and an absent one is undefined", async () => {
  const store = `{ ...core, add: (...all) => [{ id: "1", text: String(all.map((each) => typeof each)), raw: all }],
    search: (user, query, { limit, filters }) => [{ id: null, text: String([user === null, limit, filters]) }] }`;
  const { answers } = await talk(store, [
    ["add", { user: null, text: "t", key: "k" }],
    ["search", { user: null, query: "q", limit: 3 }],
  ]);
  assert.equal(answers[0].memories[0].text, "object,string,object");
  assert.equal(answers[0].memories[0].raw[2].key, "k");
  assert.equal(answers[1].memories[0].text, "true,3,");
});

test("errors keep their kind and their fields", async () => {
  const store = `{ ...core,
    add() { throw Object.assign(new Refused("no"), { detail: "of bob" }); },
    search() { throw new Indeterminate("perhaps"); },
    async getAll() { throw Object.assign(new TypeError("bad"), { cause: new Error("deep") }); },
    intrude() { throw new Unsupported(); },
    deleteAll() { throw "a text"; } }`;
  const { answers } = await talk(store, ["add", "search", "get_all", "intrude", "delete_all"].map((call) => [call, {}]));
  assert.deepEqual(answers[0], { id: 1, refused: "no", data: { detail: "of bob" } });
  assert.deepEqual(answers[1], { id: 2, indeterminate: "perhaps", data: {} });
  assert.equal(answers[2].error, "TypeError: bad");
  assert.equal(answers[2].data.cause.message, "deep");
  assert.deepEqual(answers[3], { id: 4, unsupported: "", data: {} });
  assert.deepEqual(answers[4], { id: 5, error: "a text" });
});

test("undefined is no answer, and a write answers nothing", async () => {
  const store = `{ ...core, getAll() {}, get: () => null, update: () => undefined, delete: () => ({ deleted: 1 }) }`;
  const { answers } = await talk(store, ["get_all", "get", "update", "delete"].map((call) => [call, {}]));
  assert.match(answers[0].error, /getAll returned undefined/);
  assert.deepEqual(answers[1], { id: 2, nothing: true });
  assert.deepEqual(answers[2], { id: 3, nothing: true });
  assert.match(answers[3].error, /delete must return nothing/);
});

test("what JSON would drop is kept, and a circle is an error", async () => {
  const store = `{ ...core,
    getAll: () => [{ id: "1", text: "t", raw: { map: new Map([["k", new Set([1n])]]), not: NaN, error: new Error("e") } }],
    search() { const circle = {}; circle.self = circle; return [{ id: "1", text: "t", raw: circle }]; } }`;
  const { answers } = await talk(store, [["get_all", {}], ["search", { limit: 1 }]]);
  assert.deepEqual(answers[0].memories[0].raw, { map: [["k", ["1"]]], not: "NaN", error: { message: "e" } });
  assert.match(answers[1].error, /circular/);
});

test("what libraries print does not reach the protocol", async () => {
  const { answers, errors } = await talk('{ ...core, getAll() { console.log("noise"); return []; } }', [["get_all", {}]]);
  assert.deepEqual(answers, [{ id: 1, memories: [] }]);
  assert.equal(errors, "noise\n");
});

test("calls overlap, and a call that was given up hears of it", async () => {
  const store = `{ ...core, search: (user, query, { signal }) =>
    new Promise((resolve) => signal.aborted ? resolve([]) : signal.addEventListener("abort", () => resolve([]))) }`;
  const { answers } = await talk(store, [["search", {}], ["get_all", {}]], undefined, [1]);
  assert.deepEqual(answers, [{ id: 1, memories: [] }, { id: 2, memories: [] }]);
});

test("a store that can't be opened ends with its reason on the last line", async () => {
  for (const [store, reason] of [
    ['() => { throw new Error("no database"); }', "no database"],
    ["{ add() {} }", "the store has no method search"],
  ]) {
    const { hello, errors, status } = await talk(store, []);
    assert.equal(hello, undefined);
    assert.equal(errors.trim().split("\n").at(-1), reason);
    assert.equal(status, 1);
  }
});

test("the store is closed, and timers do not keep the process", async () => {
  const store = `{ ...core, close() { console.error("closed"); }, timer: setInterval(() => {}, 1000) }`;
  const { errors, status } = await talk(store, []);
  assert.equal(errors, "closed\n");
  assert.equal(status, 0);
});
