import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf } from '../../errors.ts';
import type { TimedMeasurement } from './point.ts';

/** How much of the file is read at a time. Units: bytes. */
const CHUNK_BYTES = 262_144;
/** A line longer than this is none of ours. Units: bytes. */
const LINE_MAX_BYTES = 1_048_576;

const LINE = z.object({
  at: z.string(),
  round: z.number().int().nonnegative(),
  participant: z.string(),
  metrics: z.record(z.string(), z.unknown()),
});

function parsed(line: string): TimedMeasurement | undefined {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    // A death cut it short.
    return undefined;
  }
  const { data } = LINE.safeParse(document);
  const atMs = Date.parse(data?.at ?? '');
  if (data === undefined || Number.isNaN(atMs)) return undefined;
  const numbers = Object.entries(data.metrics).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return { round: data.round, participant: data.participant, metrics: Object.fromEntries(numbers), atMs };
}

/** What one step through the file gave. */
export interface TailPart {
  readonly measurements: readonly TimedMeasurement[];
  /** Where the last line of the part ends. Units: bytes from the start of the file. */
  readonly endBytes: number;
}

/**
 * Reads `metrics.jsonl` while it grows.
 *
 * Guarantees: every whole line once and in order; a line that is still being written is left for the next time; a file
 * that became shorter is begun again.
 */
export class MetricsTail {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Read from the first line again. */
  rewind(): void {
    this.#offset = 0;
  }

  /** The next lines; undefined when there is none yet. */
  async next(): Promise<TailPart | undefined> {
    const handle = await open(this.#path, 'r').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat();
      if (size < this.#offset) this.#offset = 0;
      const lines = await this.#lines(handle);
      if (lines === undefined) return undefined;
      this.#offset += lines.length;
      const texts = lines.toString('utf8').split('\n');
      return { measurements: texts.flatMap((line) => parsed(line) ?? []), endBytes: this.#offset };
    } finally {
      await handle.close();
    }
  }

  /** Whole lines from where the last ones ended; undefined when not one is there. */
  async #lines(handle: FileHandle): Promise<Buffer | undefined> {
    for (let length = CHUNK_BYTES; length <= LINE_MAX_BYTES; length *= 2) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, this.#offset);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
      if (end >= 0) return buffer.subarray(0, end + 1);
      if (bytesRead < length) return undefined;
    }
    // It is passed over, or nothing behind it would ever be read.
    return Buffer.alloc(LINE_MAX_BYTES);
  }
}
