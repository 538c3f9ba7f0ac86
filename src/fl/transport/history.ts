import { appendFile, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { FederationEvent } from '../round/event.ts';

/** Events that only say how far something has come; a history of them would be noise. */
const PASSING: ReadonlySet<FederationEvent['event']> = new Set([
  'training',
  'uploading',
  'aggregating',
  'waiting',
]);
const CSV_HEADER = 'round,participant,metric,value\n';

interface HistoryOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A value of a CSV cell; quoted where it would break the row. */
function cell(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** The rows that an event adds to the table of metrics. */
function rowsOf(event: FederationEvent): string {
  if (event.event !== 'update-received') return '';
  const { round, participant, samples, metrics } = event;
  const values = Object.entries(samples === null ? metrics : { samples, ...metrics });
  return values.map(([name, value]) => `${round},${cell(participant)},${cell(name)},${value}\n`).join('');
}

/**
 * Keeps what happened in a run: `history.jsonl` with every event and its time, `metrics.csv` with every
 * participant's numbers per round.
 *
 * Guarantees: lines stand in the order of the events; a full disk costs lines, never the run.
 */
export class History {
  readonly #options: HistoryOptions;
  #queue: Promise<void>;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#queue = this.#attempt(async () => void (await mkdir(options.folder, { recursive: true })));
  }

  record(event: FederationEvent): void {
    if (PASSING.has(event.event)) return;
    const { folder, clock } = this.#options;
    const line = `${JSON.stringify({ at: new Date(clock.now()).toISOString(), ...event })}\n`;
    const rows = rowsOf(event);
    this.#queue = this.#queue.then(() =>
      this.#attempt(async () => {
        await appendFile(join(folder, 'history.jsonl'), line);
        if (rows === '') return;
        const table = join(folder, 'metrics.csv');
        const isNew = (await stat(table).catch(() => null)) === null;
        await appendFile(table, isNew ? CSV_HEADER + rows : rows);
      }),
    );
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
