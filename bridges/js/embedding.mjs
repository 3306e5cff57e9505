// A deterministic embedding for tests: words hashed into a vector. No model, no network.
import { createHash } from "node:crypto";

export const DIMENSIONS = 64;

/** A vector of length 1 that texts with equal words share, whatever their case. */
export function embed(text) {
  const vector = new Array(DIMENSIONS).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const digest = createHash("sha256").update(word).digest();
    vector[digest[0] % DIMENSIONS] += digest[1] % 2 ? 1 : -1;
  }
  if (!vector.some(Boolean)) vector[0] = 1;
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
