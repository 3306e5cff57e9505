/** One memory as the system returned it. `raw` is its own row, which the suite searches for others' data. */
export interface Memory { id: string | null; text: string; raw?: unknown }
export interface Page { items: Memory[]; cursor: string | null }
type Awaited_<T> = T | Promise<T>;
type Filters = Record<string, unknown>;
/** `signal` is aborted when the caller has given up. A keyword that the suite did not send is undefined. */
interface Call { signal: AbortSignal }
/** The user is passed exactly as drawn: null, "", 0, objects. `undefined` never stands for a user. */
type User = unknown;

export interface Store {
  add(user: User, text: string, options: Call & { metadata?: Filters; key?: string }): Awaited_<Memory[]>;
  search(user: User, query: string, options: Call & { limit: number; filters?: Filters }): Awaited_<Memory[]>;
  getAll(user: User, options: Call & { filters?: Filters }): Awaited_<Memory[]>;
  deleteAll(user: User, options: Call): Awaited_<void>;
  get?(user: User, id: string, options: Call): Awaited_<Memory | null>;
  update?(user: User, id: string, text: string, options: Call & { metadata?: Filters }): Awaited_<void>;
  delete?(user: User, id: string, options: Call): Awaited_<void>;
  history?(user: User, id: string, options: Call): Awaited_<Memory[]>;
  count?(user: User, options: Call): Awaited_<number>;
  users?(options: Call): Awaited_<unknown[]>;
  export?(user: User, options: Call): Awaited_<Memory[]>;
  page?(user: User, cursor: string | null, options: Call): Awaited_<Page>;
  maintain?(user: User, options: Call): Awaited_<void>;
  intrude?(user: User, victim: User, how: string, options: Call): Awaited_<Memory[]>;
  close?(): Awaited_<void>;
}
export type Opens = (options: Record<string, unknown>) => Awaited_<Store>;
export interface Description {
  name: string;
  version: string;
  keywords?: ("filters" | "key" | "metadata" | "update_metadata")[];
}
export declare class Refused extends Error {}
export declare class Indeterminate extends Error {}
export declare class Unsupported extends Error {}
export declare function serve(store: Store | Opens, description: Description): void;
