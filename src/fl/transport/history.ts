import { appendFile, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { jsonLine, printable } from '../../printable.ts';
import { isMetricName } from '../metric-names.ts';
import type { FederationEvent } from '../round/event.ts';

/** Events that only say how far something has come; a history of them would be noise. */
const PASSING: ReadonlySet<FederationEvent['event']> = new Set([
  'training',
  'uploading',
  'aggregating',
  'waiting',
]);
/** Nobody else may be called so. */
const SERVER = 'server';
/** Whose numbers a client's own history holds. */
const SELF = 'self';
/** The file with every event. */
export const HISTORY_FILE = 'history.jsonl';
const CSV_HEADER = 'round,participant,metric,value\n';

interface HistoryOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a spreadsheet takes for the beginning of a formula, also in the width of East Asian letters. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A text as a CSV cell. Guarantees: neither a formula nor the end of its cell or row. */
function cell(text: string): string {
  const shown = text.replaceAll(/[^\t\r\n]+/g, printable);
  const inert = FORMULA.test(shown) && !NUMBER.test(shown) ? `'${shown}` : shown;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
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

/** Numbers that an event tells, by whom; the server's are those of the whole round. */
interface Measurement {
  readonly round: number;
  readonly participant: string;
  readonly metrics: Readonly<Record<string, number>>;
}

function measurementsOf(event: FederationEvent): readonly Measurement[] {
  switch (event.event) {
    case 'update-received': {
      const { round, participant, samples, metrics } = event;
      return [{ round, participant, metrics: samples === null ? metrics : { samples, ...metrics } }];
    }
    case 'aggregated': {
      const { round, weights, metrics = {}, seconds } = event;
      const weighed = Object.entries(weights).map(([participant, weight]) => ({
        round,
        participant,
        metrics: { weight },
      }));
      return [
        ...weighed,
        { round, participant: SERVER, metrics: { ...metrics, aggregation_seconds: seconds } },
      ];
    }
    case 'trained': {
      const { round, samples, metrics, seconds } = event;
      const all = { ...(samples === null ? {} : { samples }), ...metrics, training_seconds: seconds };
      return [{ round, participant: SELF, metrics: all }];
    }
    default:
      return [];
  }
}

function rowsOf({ round, participant, metrics }: Measurement): string {
  return Object.entries(metrics)
    .filter(([name]) => isMetricName(name))
    .map(([name, value]) => `${round},${cell(participant)},${cell(name)},${value}\n`)
    .join('');
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
      for (const name of [HISTORY_FILE, 'metrics.jsonl', 'metrics.csv']) await endLine(this.#path(name));
    });
  }

  record(event: FederationEvent): void {
    if (PASSING.has(event.event)) return;
    const at = new Date(this.#options.clock.now()).toISOString();
    const line = `${jsonLine({ at, ...event })}\n`;
    const measurements = measurementsOf(event);
    const rows = measurements.map(rowsOf).join('');
    const lines = measurements.map((each) => `${jsonLine({ at, ...each })}\n`).join('');
    this.#queue = this.#queue.then(() =>
      this.#attempt(async () => {
        await appendFile(this.#path(HISTORY_FILE), line);
        if (rows === '') return;
        await appendFile(this.#path('metrics.jsonl'), lines);
        const table = this.#path('metrics.csv');
        const isNew = (await stat(table).catch(() => null)) === null;
        await appendFile(table, isNew ? CSV_HEADER + rows : rows);
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
