// The suite's correct store in JavaScript, as an example of a bridge with everything that a bridge can offer.
// `node reference.mjs LEAK` plants one known way to break isolation; without a name, nothing is planted.
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { Refused, serve } from "./bridge.mjs";

const PAGE = 10;
const KEYWORDS = ["filters", "key", "metadata", "update_metadata"];
const LEAKS = ["blank-user", "cache-by-query", "cache-stale", "case-fold", "count-all", "cursor-names-owner",
  "delete-prefix", "delete-unchecked", "error-tells", "export-all", "filter-overrides", "get-unchecked", "global",
  "history-kept", "history-unchecked", "key-shared", "loose-types", "metadata-moves-owner", "prefix", "shared-user",
  "starved-search", "trimmed", "update-unchecked"];

const leak = process.argv[2] ?? "";
if (leak && !LEAKS.includes(leak)) {
  console.error(`there is no leak ${leak}; the leaks are ${LEAKS.join(", ")}`);
  process.exit(1);
}
const planted = (name) => leak === name;

const secret = randomBytes(16);
const rows = new Map(); // by id, in the order of writing
const cache = new Map();
const gone = new Map();
const counters = new Map();
const shared = { user: undefined };

/** Other calls run while this one waits, as they do with a database. */
const turn = () => new Promise(setImmediate);

function owner(user) {
  if (planted("blank-user") && (user === null || (typeof user === "string" && !user.trim()))) return "";
  if (planted("loose-types") && user !== null && typeof user !== "object") return String(user);
  if (typeof user !== "string" || !user.trim()) throw new Refused("A user must be text that is not blank.");
  if (planted("trimmed")) return user.trim();
  return planted("case-fold") ? user.toLowerCase() : user;
}

async function entered(user) {
  const name = owner(user);
  if (!planted("shared-user")) {
    await turn();
    return name;
  }
  shared.user = name; // A variable of the module in place of one of the request.
  await turn();
  return shared.user;
}

function mine(row, name) {
  return planted("global") || row.owner === name || (planted("prefix") && row.owner.startsWith(name));
}

const shelf = (name) => [...rows.values()].filter((row) => mine(row, name));
const words = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);

function shown({ id, text, metadata = {}, key = null }) {
  return { id, text, raw: { id, text, metadata, key } };
}

function badFilters() {
  return new Refused("These filters have an unknown form.");
}

function compiled(filters) {
  if (filters === null || typeof filters !== "object" || Array.isArray(filters)) throw badFilters();
  const tests = Object.entries(filters).map(([key, value]) => {
    if (["AND", "OR", "NOT"].includes(key)) {
      if (!Array.isArray(value) || !value.length) throw badFilters();
      const inner = value.map(compiled);
      if (key === "AND") return (data) => inner.every((test) => test(data));
      const any = (data) => inner.some((test) => test(data));
      return key === "OR" ? any : (data) => !any(data);
    }
    if (value !== null && typeof value === "object") throw badFilters();
    return (data) => Object.hasOwn(data, key) && data[key] === value;
  });
  return (data) => tests.every((test) => test(data));
}

function chosen(name, filters) {
  if (filters === undefined) return shelf(name);
  const test = compiled(filters);
  if (planted("filter-overrides")) return [...rows.values()].filter((row) => test(row.metadata ?? {}));
  return shelf(name).filter((row) => test(row.metadata ?? {}));
}

function found(name, id, unchecked) {
  const row = rows.get(id);
  if (row && planted("error-tells") && row.owner !== name) throw new Refused(`This memory belongs to ${row.owner}.`);
  if (!row || !(unchecked || mine(row, name))) throw new Refused("There is no such memory.");
  return row;
}

function changed() {
  if (!planted("cache-stale")) cache.clear();
}

/** A cursor that only its owner can use. The name is written as JSON, which keeps a lone surrogate. */
function cursorOf(number, name) {
  const claim = `${number}:${JSON.stringify(name)}`;
  if (planted("cursor-names-owner")) return claim;
  return `${number}.${createHmac("sha256", secret).update(claim).digest("hex")}`;
}

const store = {
  async add(user, text, { metadata, key }) {
    const name = await entered(user);
    changed();
    const same = (row) => row.key === key && (planted("key-shared") || row.owner === name);
    const known = key === undefined ? undefined : [...rows.values()].find(same);
    if (known) {
      Object.assign(known, { text, metadata, versions: [...known.versions, text] });
      return [shown(known)];
    }
    const moved = planted("metadata-moves-owner") && typeof metadata?.user_id === "string";
    const by = moved ? metadata.user_id : name;
    const number = counters.get(by) ?? 0; // A common counter would tell how much others write.
    counters.set(by, number + 1);
    const row = { id: randomUUID(), owner: by, number, text, metadata, key, versions: [text] };
    rows.set(row.id, row);
    return [shown(row)];
  },

  async search(user, query, { limit, filters }) {
    const name = await entered(user);
    const asked = JSON.stringify([planted("cache-by-query") ? "" : name, query, limit, filters]);
    const cached = planted("cache-by-query") || planted("cache-stale");
    if (cached && cache.has(asked)) return cache.get(asked);
    const wanted = words(query);
    const score = (row) => [...words(row.text)].filter((word) => wanted.has(word)).length;
    const best = (list) => list.slice().sort((a, b) => score(b) - score(a)).slice(0, limit);
    const starved = () => best([...rows.values()]).filter((row) => row.owner === name);
    const answer = (planted("starved-search") ? starved() : best(chosen(name, filters))).map(shown);
    if (cached) cache.set(asked, answer);
    return answer;
  },

  async getAll(user, { filters }) {
    return chosen(await entered(user), filters).map(shown);
  },

  async deleteAll(user) {
    const name = await entered(user);
    changed();
    const lost = (row) => mine(row, name) || (planted("delete-prefix") && row.owner.startsWith(name));
    for (const row of [...rows.values()].filter(lost)) rows.delete(row.id);
  },

  async get(user, id) {
    return shown(found(await entered(user), id, planted("get-unchecked")));
  },

  async update(user, id, text, { metadata }) {
    const name = await entered(user);
    const row = found(name, id, planted("update-unchecked"));
    changed();
    Object.assign(row, { text, metadata: metadata ?? row.metadata, versions: [...row.versions, text] });
  },

  async delete(user, id) {
    const name = await entered(user);
    const row = found(name, id, planted("delete-unchecked"));
    changed();
    rows.delete(row.id);
    gone.set(row.id, row);
  },

  async history(user, id) {
    const name = await entered(user);
    const kept = planted("history-kept") && gone.get(id)?.owner === name ? gone.get(id) : undefined;
    const row = kept ?? found(name, id, planted("history-unchecked"));
    return row.versions.map((text, version) => ({ id: row.id, text, raw: { id: row.id, text, version } }));
  },

  async count(user) {
    const name = await entered(user);
    return planted("count-all") ? rows.size : shelf(name).length;
  },

  async users() {
    return [...new Set([...rows.values()].map((row) => row.owner))];
  },

  async export(user) {
    const name = await entered(user);
    return (planted("export-all") ? [...rows.values()] : shelf(name)).map(shown);
  },

  async page(user, cursor) {
    const name = await entered(user);
    const number = cursor === null ? -1 : Number.parseInt(cursor, 10);
    const named = planted("cursor-names-owner") && cursor !== null;
    if (cursor !== null && !named && cursor !== cursorOf(number, name)) {
      throw new Refused("There is no such cursor.");
    }
    const whose = named ? JSON.parse(cursor.slice(cursor.indexOf(":") + 1)) : name;
    const rest = shelf(whose).filter((row) => row.number > number);
    const items = rest.slice(0, PAGE);
    return { items: items.map(shown), cursor: rest.length > PAGE ? cursorOf(items.at(-1).number, whose) : null };
  },

  async maintain(user) {
    await entered(user);
  },
};

serve(store, { name: "reference-js", version: "1", keywords: KEYWORDS });
