// The digest of a file of any size, read piece by piece, while the process goes on with other work.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** Large pieces: the time goes into hashing them, not into asking for them. */
const PIECE = 1024 * 1024;

/** The SHA-256 of a file, in lower-case hexadecimal digits. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: PIECE }), hash);
  return hash.digest("hex");
}
