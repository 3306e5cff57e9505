// mem0 open source in JavaScript on pgvector: userId on every write, filters.user_id on every read.
// node mem0.mjs NPM ADDRESS; NPM is the folder of the packages, ADDRESS that of an empty Postgres.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Indeterminate, Refused, serve } from "./bridge.mjs";
import { DIMENSIONS, embed } from "./embedding.mjs";

const ALL = 10_000; // getAll gives 20 unless more are asked for
const REFUSED = new RegExp(
  "^((AND|OR|NOT) operator |Invalid |One of the filters|filters must contain|At least one |Unsupported filter|Memory with ID |messages )",
);
const BAD_VALUE = /^2[23]/; // Postgres: the value can't be stored or read
const NO_CONNECTION = /^(08|57P|ECONN|EPIPE|ETIMEDOUT)/;

const [folder, connectionString] = process.argv.slice(2);
process.env.MEM0_TELEMETRY = "false";
process.env.MEM0_DIR = join(process.env.TMPDIR ?? "/tmp", "isolation-tests-mem0");
const { version } = JSON.parse(readFileSync(join(folder, "node_modules/mem0ai/package.json"), "utf8"));
const require = createRequire(join(folder, "package.json"));

/** An error of mem0 or of its store, as the suite understands it. */
function meaning(error) {
  const code = String(error.code ?? "");
  const kind = REFUSED.test(error.message) || BAD_VALUE.test(code) ? Refused : Indeterminate;
  if (kind === Indeterminate && !NO_CONNECTION.test(code)) return error;
  return Object.assign(new kind(error.message), { ...error });
}

const plain = (row) => ({ id: row.id, text: row.memory, raw: row });

serve(
  () => {
    const { Memory } = require("mem0ai/oss");
    const model = { embedQuery: async (text) => embed(text), embedDocuments: async (texts) => texts.map(embed) };
    const vectors = { connectionString, collectionName: "memories", embeddingModelDims: DIMENSIONS };
    const memory = new Memory({
      embedder: { provider: "langchain", config: { model, embeddingDims: DIMENSIONS } },
      vectorStore: { provider: "pgvector", config: { ...vectors, dimension: DIMENSIONS } },
      llm: { provider: "openai", config: { apiKey: "not-used", model: "not-used" } }, // infer is false
      historyStore: { provider: "memory", config: {} },
    });
    const methods = {
      async add(user, text, { metadata }) {
        return (await memory.add(text, { userId: user, metadata, infer: false })).results.map(plain);
      },
      async search(user, query, { limit, filters }) {
        // Without a threshold, so that a low score hides nothing from its owner.
        const asked = { filters: { ...filters, user_id: user }, topK: limit, threshold: 0 };
        return (await memory.search(query, asked)).results.map(plain);
      },
      async getAll(user, { filters }) {
        return (await memory.getAll({ filters: { ...filters, user_id: user }, topK: ALL })).results.map(plain);
      },
      async deleteAll(user) {
        await memory.deleteAll({ userId: user });
      },
      // Calls by id take no user: https://docs.mem0.ai/open-source/node-quickstart
      async get(user, id) {
        const row = await memory.get(id);
        return row && plain(row);
      },
      async update(user, id, text, { metadata }) {
        await memory.update(id, { text, metadata });
      },
      async delete(user, id) {
        await memory.delete(id);
      },
      async history(user, id) {
        const rows = await memory.history(id);
        return rows.map((row) => ({ id: String(row.id), text: row.new_value ?? row.newValue ?? "", raw: row }));
      },
    };
    const translated = ([name, method]) => [
      name,
      (...all) =>
        method(...all).catch((error) => {
          throw meaning(error);
        }),
    ];
    return Object.fromEntries(Object.entries(methods).map(translated));
  },
  { name: "mem0ai", version, keywords: ["filters", "metadata", "update_metadata"] },
);
