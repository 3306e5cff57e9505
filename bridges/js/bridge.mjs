// Lets isolation-tests talk to a memory system in JavaScript. No dependencies; Node 18 or newer.
// The protocol is described in docs/reference/bridge-protocol.md. Types are in bridge.d.mts.
import { createInterface } from "node:readline";

const PROTOCOL = 1;
const NAMES = { add: "add", search: "search", get_all: "getAll", delete_all: "deleteAll", get: "get",
  update: "update", delete: "delete", history: "history", count: "count", users: "users", export: "export",
  page: "page", maintain: "maintain", intrude: "intrude" };
const CORE = ["add", "search", "get_all", "delete_all"];
const KEYWORDS = ["filters", "key", "metadata", "update_metadata"];

/** The system refused the call: nothing was read, written or deleted. */
export class Refused extends Error {}

/** It is unknown whether the call took effect: a time-out, a broken connection. */
export class Indeterminate extends Error {}

/** The system has no such way in; only for `intrude`. */
export class Unsupported extends Error {}

/**
 * Answers the suite's calls until its input ends.
 * @param {import("./bridge.d.mts").Store | import("./bridge.d.mts").Opens} store the methods, or a function that
 *   opens them; it gets the target's own options
 * @param {import("./bridge.d.mts").Description} description name and version of the system, and its keywords
 */
export function serve(store, { name, version, keywords = [] }) {
  const print = process.stdout.write.bind(process.stdout);
  // Standard output is for the protocol, so what libraries log goes to standard error.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const send = (message) => print(encoded(message) + "\n");
  const running = new Map();
  let ready;

  const open = async ({ options }) => {
    const opened = typeof store === "function" ? await store(options) : store;
    const offered = Object.keys(NAMES).filter((each) => typeof opened[NAMES[each]] === "function");
    for (const each of CORE) {
      if (!offered.includes(each)) throw new Error(`the store has no method ${NAMES[each]}`);
    }
    for (const each of keywords) {
      if (!KEYWORDS.includes(each)) throw new Error(`there is no keyword ${each}; use ${KEYWORDS.join(", ")}`);
    }
    const capabilities = [...offered.filter((each) => !CORE.includes(each)), ...keywords];
    send({ hello: { protocol: PROTOCOL, name, version, capabilities } });
    return opened;
  };

  const answer = async ({ id, call, arguments: given }) => {
    const cancelling = new AbortController();
    running.set(id, cancelling);
    try {
      if (call === "echo") return send({ id, value: given.value });
      const opened = await ready;
      send({ id, ...answered(call, await opened[NAMES[call]](...positional(call, given, cancelling.signal))) });
    } catch (error) {
      send({ id, ...failed(error) });
    } finally {
      running.delete(id);
    }
  };

  createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on("line", (line) => {
      const message = JSON.parse(line);
      if ("hello" in message) ready = open(message.hello).catch(giveUp);
      else if ("cancel" in message) running.get(message.cancel)?.abort();
      else answer(message);
    })
    .on("close", async () => {
      await (await ready)?.close?.();
      process.exit(); // Pools and timers of the system must not keep the process alive.
    });
}

function giveUp(error) {
  console.error(error?.stack ?? "");
  console.error(String(error?.message ?? error)); // The suite shows the last line.
  process.exit(1);
}

/** The arguments in the order of the store's methods; an argument that was not sent stays undefined. */
function positional(call, { user, text, query, id, cursor, victim, how, ...options }, signal) {
  const last = { ...options, signal };
  if (call === "add") return [user, text, last];
  if (call === "search") return [user, query, last];
  if (call === "update") return [user, id, text, last];
  if (["get", "delete", "history"].includes(call)) return [user, id, last];
  if (call === "page") return [user, cursor, last];
  if (call === "intrude") return [user, victim, how, last];
  return call === "users" ? [last] : [user, last];
}

/** What a method returned, as the protocol says it; `undefined` is never taken for an answer. */
function answered(call, value) {
  if (["delete_all", "update", "delete", "maintain"].includes(call)) {
    if (value !== undefined && value !== null) throw new Error(`${NAMES[call]} must return nothing`);
    return { nothing: true };
  }
  if (value === undefined) throw new Error(`${NAMES[call]} returned undefined`);
  if (call === "get") return value === null ? { nothing: true } : { memory: value };
  if (call === "page") return { page: value };
  return { [{ count: "number", users: "users" }[call] ?? "memories"]: value };
}

/** A failure with the error's own fields, which the suite searches for other users' data. */
function failed(error) {
  const kind = error instanceof Refused ? "refused" : error instanceof Indeterminate ? "indeterminate"
    : error instanceof Unsupported ? "unsupported" : "error";
  const message = String(error instanceof Error && kind !== "error" ? error.message : error);
  const fields = error instanceof Error && { ...error, cause: error.cause, errors: error.errors };
  const answer = { [kind]: message, ...(fields && { data: fields }) };
  try {
    encoded(answer);
  } catch {
    delete answer.data; // It holds what JSON can't carry, such as a circle.
  }
  return answer;
}

/** JSON that keeps what JSON.stringify would drop without a word: maps, sets, errors and big integers. */
function encoded(message) {
  return JSON.stringify(message, (_, value) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    if (value instanceof Error) return { message: value.message, ...value };
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return typeof value === "bigint" ? String(value) : value;
  });
}
