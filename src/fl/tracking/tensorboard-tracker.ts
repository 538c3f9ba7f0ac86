import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileHeader, summaryRecord } from './event-file.ts';
import type { MetricsTail } from './metrics-tail.ts';
import { Points, type TimedMeasurement } from './point.ts';
import type { Tracker } from './tracker.ts';

interface TensorboardOptions {
  /** The folder of the event files. */
  readonly directory: string;
  readonly tail: MetricsTail;
  readonly self: string;
}

/** So many files beside each other belong to other stories of the same run. */
const FILES_MAX = 100;

/** The name of a run's event file. Units: `atMs` of the run's first number, milliseconds since 1970. */
export function eventFileName(atMs: number, number = 1): string {
  const seconds = String(Math.floor(atMs / 1000)).padStart(10, '0');
  return `events.out.tfevents.${seconds}.mila-sync${number === 1 ? '' : `.${number}`}`;
}

/** What a measurement adds to an event file. */
export function recordOf(points: Points, measurement: TimedMeasurement): Buffer {
  const own = points.of(measurement);
  return own.length === 0 ? Buffer.alloc(0) : summaryRecord(measurement.round, measurement.atMs, own);
}

/** A whole event file of numbers that are all there. Guarantees: more of them at the end make a longer file, else equal. */
export function eventFileOf(measurements: readonly TimedMeasurement[], self: string): Buffer {
  const points = new Points(self);
  const records = measurements.map((each) => recordOf(points, each));
  return Buffer.concat([fileHeader(measurements[0]?.atMs ?? 0), ...records]);
}

/** What stands in the file is not what this run would have written there. */
class DifferentFile extends Error {}
/** Somebody cut or removed the file meanwhile. */
class ShorterFile extends Error {}

/**
 * Writes a run's numbers as TensorBoard reads them.
 *
 * The file's bytes follow from metrics.jsonl alone. A restarted program therefore makes them from the first line again,
 * passes over those that stand there, and goes on behind them, also in the middle of a record that a death cut short.
 *
 * Guarantees: no point stands there twice; a file with other content is left as it is, and one beside it is begun.
 */
export class TensorboardTracker implements Tracker {
  readonly #options: TensorboardOptions;
  #points: Points;
  #number = 1;
  #name: string | undefined;
  /** How many bytes of the file are made. */
  #made = 0;

  constructor(options: TensorboardOptions) {
    this.#options = options;
    this.#points = new Points(options.self);
  }

  get title(): string {
    return `TensorBoard's files in ${this.#options.directory}`;
  }

  async catchUp(): Promise<void> {
    while (this.#number <= FILES_MAX) {
      try {
        return await this.#append();
      } catch (error) {
        // Whatever went wrong, the next time begins with the first line.
        this.#restart();
        if (error instanceof DifferentFile) this.#number += 1;
        else if (!(error instanceof ShorterFile)) throw error;
      }
    }
  }

  /** The files say nothing of how a run ended. */
  async finish(): Promise<void> {
    await this.catchUp();
  }

  #restart(): void {
    this.#options.tail.rewind();
    this.#points = new Points(this.#options.self);
    this.#name = undefined;
    this.#made = 0;
  }

  async #append(): Promise<void> {
    const { tail, directory } = this.#options;
    for (let part = await tail.next(); part !== undefined; part = await tail.next()) {
      const { measurements } = part;
      const first = measurements[0];
      if (first === undefined) continue;
      const records = measurements.map((each) => recordOf(this.#points, each));
      if (this.#name === undefined) records.unshift(fileHeader(first.atMs));
      this.#name ??= eventFileName(first.atMs, this.#number);
      await mkdir(directory, { recursive: true });
      const handle = await open(join(directory, this.#name), constants.O_RDWR | constants.O_CREAT);
      try {
        await this.#put(handle, Buffer.concat(records));
      } finally {
        await handle.close();
      }
    }
  }

  async #put(handle: FileHandle, bytes: Buffer): Promise<void> {
    const { size } = await handle.stat();
    if (size < this.#made) throw new ShorterFile();
    const standing = Math.min(bytes.length, size - this.#made);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(standing), 0, standing, this.#made);
    if (bytesRead < standing || Buffer.compare(buffer, bytes.subarray(0, standing)) !== 0)
      throw new DifferentFile();
    let written = standing;
    while (written < bytes.length)
      written += (await handle.write(bytes, written, bytes.length - written, this.#made + written))
        .bytesWritten;
    this.#made += bytes.length;
  }
}
