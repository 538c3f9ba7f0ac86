import { appendFile, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { jsonLine } from '../../printable.ts';
import type { FederationEvent } from '../round/event.ts';
import { measurementsOf } from '../tracking/measurement.ts';
import { METRICS_CSV_HEADER, metricRows } from '../tracking/metrics-csv.ts';

/** Events that only say how far something has come; a history of them would be noise. */
const PASSING: ReadonlySet<FederationEvent['event']> = new Set([
  'training',
  'uploading',
  'aggregating',
  'waiting',
]);
/** The file with every event. */
export const HISTORY_FILE = 'history.jsonl';
/** The file with every participant's numbers. */
export const METRICS_FILE = 'metrics.jsonl';

interface HistoryOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A line that a death cut short must not take the next one with it. */
async function endLine(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    if (size === 0 || buffer.toString() === '\n') return;
  } finally {
    await handle.close();
  }
  await appendFile(path, '\n');
}

/**
 * Keeps what happened in a run: `history.jsonl` with every event and its time; `metrics.csv` and `metrics.jsonl` with
 * every participant's numbers per round, and the whole round's under the name `server`.
 *
 * Guarantees: no cell of metrics.csv is a formula; lines stand in the order of the events; a full disk costs lines, never the run.
 */
export class History {
  readonly #options: HistoryOptions;
  #queue: Promise<void>;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#queue = this.#attempt(async () => {
      await mkdir(options.folder, { recursive: true });
      for (const name of [HISTORY_FILE, METRICS_FILE, 'metrics.csv']) await endLine(this.#path(name));
    });
  }

  record(event: FederationEvent): void {
    if (PASSING.has(event.event)) return;
    const at = new Date(this.#options.clock.now()).toISOString();
    const line = `${jsonLine({ at, ...event })}\n`;
    const measurements = measurementsOf(event);
    const rows = measurements.map(metricRows).join('');
    const lines = measurements.map((each) => `${jsonLine({ at, ...each })}\n`).join('');
    this.#queue = this.#queue.then(() =>
      this.#attempt(async () => {
        await appendFile(this.#path(HISTORY_FILE), line);
        if (rows === '') return;
        await appendFile(this.#path(METRICS_FILE), lines);
        const table = this.#path('metrics.csv');
        const isNew = (await stat(table).catch(() => null)) === null;
        await appendFile(table, isNew ? METRICS_CSV_HEADER + rows : rows);
      }),
    );
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  /** Wait until everything is written. */
  async close(): Promise<void> {
    await this.#queue;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'The history could not be written.');
    }
  }
}
