import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { Clock } from '../../clock.ts';
import { delay } from '../../clock.ts';
import { CorruptError, errnoOf, messageOf } from '../../errors.ts';
import { isRecord } from '../config/json-text.ts';
import { parseAsWritten } from '../config/written-numbers.ts';
import type { TaskConfiguration } from '../executor/executor.ts';
import { isExpected } from './background.ts';

/** How often a task that cannot be read is read again. Units: milliseconds. */
const RETRY_MS = 1_000;
/** How long it may stay unreadable: somebody saves it, or a disk is away. Units: milliseconds. */
const WAIT_MAX_MS = 600_000;
/** The task as this client first took it, among its own results. */
export const FIRST_TASK_FILE = 'task.first.json';

export interface TaskReaderOptions {
  /** The bytes of the run's cfg.json; undefined while they are not here. */
  readonly read: () => Promise<Buffer | undefined>;
  /** The run's folder among the client's own results. */
  readonly results: string;
  readonly clock: Clock;
  /** Called, once for each reason, with why the task cannot be read yet. */
  readonly onTrouble: (message: string) => void;
  /** Called, once for each new content, with what a person should know of a task that changed. */
  readonly onChange: (message: string) => void;
}

/**
 * Takes the task of a run, as often as a round begins.
 *
 * Guarantees: numbers stay as they were written; a task that is unreadable for a while is waited for; one that is not
 * the one that this client began with is told.
 */
export class TaskReader {
  readonly #options: TaskReaderOptions;
  #toldSha256 = '';

  constructor(options: TaskReaderOptions) {
    this.#options = options;
  }

  /** Errors: CorruptError 'task-malformed' when it stays unreadable; an abort's reason. */
  async take(signal: AbortSignal): Promise<TaskConfiguration> {
    const { clock, onTrouble } = this.#options;
    const deadlineMs = clock.monotonic() + WAIT_MAX_MS;
    let said = '';
    for (;;) {
      const found = await this.#look();
      if (typeof found !== 'string') {
        await this.#compare(found.bytes);
        return found.task;
      }
      if (clock.monotonic() >= deadlineMs)
        throw new CorruptError({ code: 'task-malformed', message: `the cfg.json of the run ${found}` });
      if (found !== said) onTrouble(`the cfg.json of the run ${found}`);
      said = found;
      await delay(clock, RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** The task, or why there is none now. */
  async #look(): Promise<{ readonly task: TaskConfiguration; readonly bytes: Buffer } | string> {
    const bytes = await this.#options.read().catch((error: unknown) => {
      if (!isExpected(error)) throw error;
      return `cannot be read: ${messageOf(error)}`;
    });
    if (bytes === undefined) return 'is not here';
    if (typeof bytes === 'string') return bytes;
    try {
      const task = parseAsWritten(bytes.toString('utf8'));
      if (isRecord(task)) return { task, bytes };
    } catch {
      // Said below: one message fits every malformed task.
    }
    return 'holds no JSON object';
  }

  async #compare(bytes: Buffer): Promise<void> {
    const { results, onChange } = this.#options;
    const path = join(results, FIRST_TASK_FILE);
    const first = await readFile(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (first === undefined) {
      await mkdir(results, { recursive: true });
      await writeFileAtomically(path, bytes);
      return;
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (first.equals(bytes) || sha256 === this.#toldSha256) return;
    this.#toldSha256 = sha256;
    onChange(
      `the task of the run was changed since this site began: training goes on with the changed one (the first is in ${path})`,
    );
  }
}
