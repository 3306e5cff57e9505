// LangGraph.js stores: one namespace for each user, as their documentation shows it.
// node langgraph.mjs NPM memory | node langgraph.mjs NPM postgres ADDRESS; NPM is the folder of the packages.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Indeterminate, Refused, serve } from "./bridge.mjs";
import { DIMENSIONS, embed } from "./embedding.mjs";

const PAGE = 10;
const LISTED = 100;
const BAD_NAMESPACE = /^(Invalid namespace label|Namespace labels? cannot|Namespace cannot|Root label)/;
const BAD_VALUE = /^2[23]/; // Postgres: the value can't be stored, or breaks a constraint
const NO_CONNECTION = /^(08|57P|ECONN|EPIPE|ETIMEDOUT)/;

const [folder, kind, address] = process.argv.slice(2);
const name = `@langchain/langgraph-checkpoint${kind === "postgres" ? "-postgres" : ""}`;
const { version } = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
const require = createRequire(join(folder, "package.json"));
const embeddings = {
  embedQuery: async (text) => embed(text),
  embedDocuments: async (texts) => texts.map(embed),
};

async function opened() {
  if (kind === "memory") {
    const { InMemoryStore } = require("@langchain/langgraph-checkpoint");
    return new InMemoryStore({ index: { dims: DIMENSIONS, embeddings, fields: ["text"] } });
  }
  const { PostgresStore } = require("@langchain/langgraph-checkpoint-postgres/store");
  const index = { dims: DIMENSIONS, embed: embeddings.embedDocuments, fields: ["text"] };
  const store = PostgresStore.fromConnString(address, { index });
  await store.setup();
  return store;
}

/** An error of the store, as the suite understands it. */
function meaning(error) {
  const code = String(error.code ?? "");
  if (error.name === "InvalidNamespaceError" || BAD_NAMESPACE.test(error.message) || BAD_VALUE.test(code)) {
    return Object.assign(new Refused(error.message), { ...error });
  }
  return NO_CONNECTION.test(code) ? Object.assign(new Indeterminate(error.message), { ...error }) : error;
}

const plain = (item) => ({ id: item.key, text: item.value.text, raw: item });

serve(
  async () => {
    const store = await opened();
    const namespace = (user) => ["memories", user];

    async function listed(user, filter) {
      const found = [];
      for (;;) {
        const items = await store.search(namespace(user), { filter, limit: LISTED, offset: found.length });
        found.push(...items);
        if (items.length < LISTED) return found;
      }
    }

    const methods = {
      async add(user, text, { metadata, key = randomUUID() }) {
        const value = { ...metadata, text };
        await store.put(namespace(user), key, value);
        return [{ id: key, text, raw: value }];
      },
      async search(user, query, { limit, filters }) {
        return (await store.search(namespace(user), { query, filter: filters, limit })).map(plain);
      },
      async getAll(user, { filters }) {
        return (await listed(user, filters)).map(plain);
      },
      async deleteAll(user) {
        // The store has no call that deletes a namespace.
        for (const item of await listed(user)) await store.delete(namespace(user), item.key);
      },
      async get(user, id) {
        const item = await store.get(namespace(user), id);
        return item ? plain(item) : null;
      },
      async update(user, id, text, { metadata }) {
        await store.put(namespace(user), id, { ...metadata, text });
      },
      async delete(user, id) {
        await store.delete(namespace(user), id);
      },
      async page(user, cursor) {
        const offset = Number(cursor ?? 0);
        const items = await store.search(namespace(user), { limit: PAGE, offset });
        return { items: items.map(plain), cursor: items.length === PAGE ? String(offset + PAGE) : null };
      },
    };
    const translated = ([name, method]) => [
      name,
      async (...all) => {
        try {
          return await method(...all);
        } catch (error) {
          throw meaning(error);
        }
      },
    ];
    return { ...Object.fromEntries(Object.entries(methods).map(translated)), close: () => store.stop?.() };
  },
  { name, version, keywords: ["filters", "key", "metadata", "update_metadata"] },
);
