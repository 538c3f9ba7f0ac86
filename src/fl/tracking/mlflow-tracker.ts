import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { RejectedError } from '../../errors.ts';
import { createStateFile, loadState, type StateFile } from '../transport/state-file.ts';
import type { MetricsTail } from './metrics-tail.ts';
import type { MlflowApi, MlflowRun } from './mlflow-api.ts';
import {
  batches,
  METRICS_PER_BATCH,
  missing,
  mlflowMetric,
  mlflowParams,
  PARAMS_PER_BATCH,
} from './mlflow-limits.ts';
import { Points } from './point.ts';
import type { FinalStatus, Tracker } from './tracker.ts';

/** What a program remembers of its run at MLflow. */
const STATE = z.object({
  /** Ours, on the run as a tag: by it a run is found whose making was not answered. */
  key: z.string(),
  run_id: z.string().nullable(),
  /** How much of metrics.jsonl MLflow has acknowledged. */
  sent_bytes: z.number().int().nonnegative(),
  /** Parameters that are there: MLflow lets nobody change them. */
  params: z.array(z.string()),
  status: z.enum(['RUNNING', 'FINISHED', 'FAILED', 'KILLED']),
});
type State = z.infer<typeof STATE>;

interface MlflowOptions {
  readonly api: MlflowApi;
  readonly uri: string;
  readonly experiment: string;
  /** The program's own results of the run, where history.jsonl is too. */
  readonly folder: string;
  readonly run: string;
  /** `server`, or the client's name. */
  readonly participant: string;
  readonly tail: MetricsTail;
  readonly clock: Clock;
  /** What is told of the run beside its numbers, as far as it is known by now. */
  readonly params: () => Readonly<Record<string, string>>;
}

const KEY_TAG = 'mila_sync.key';

/** Where the memory of one place stands: another server, or another experiment, gets the whole run. */
export function mlflowStatePath(folder: string, uri: string, experiment: string): string {
  const place = createHash('sha256').update(`${uri}\n${experiment}`).digest('hex').slice(0, 12);
  return join(folder, `mlflow-${place}.json`);
}

/**
 * Brings a run's numbers to MLflow.
 *
 * Guarantees: one run at MLflow for one run of the federation, however often the program is started; no number is there
 * twice, also where an answer was lost: then MLflow is asked how far each metric has come before anything is sent again.
 * Errors: as `MlflowApi`; CorruptError for a state file that this program did not write.
 */
export class MlflowTracker implements Tracker {
  readonly #options: MlflowOptions;
  readonly #file: StateFile<State>;
  #points: Points;
  #state: State | undefined;
  /** What MLflow holds, as long as it is not sure that all that was sent has arrived; null when it is. */
  #held: MlflowRun['latest'] | null = null;
  #isOpen = false;
  #experimentId: string | undefined;

  constructor(options: MlflowOptions) {
    this.#options = options;
    this.#points = new Points(options.participant);
    const { folder, uri, experiment } = options;
    this.#file = createStateFile<State>(mlflowStatePath(folder, uri, experiment));
  }

  get title(): string {
    // Its errors name the host.
    return 'MLflow';
  }

  async catchUp(signal: AbortSignal): Promise<void> {
    try {
      const state = await this.#opened(signal);
      await this.#sendParams(state, signal);
      await this.#sendMetrics(state, signal);
    } catch (error) {
      // What became of the last request is not known: the next time asks.
      this.#isOpen = false;
      throw error;
    }
  }

  async finish(status: FinalStatus | null, signal: AbortSignal): Promise<void> {
    await this.catchUp(signal);
    const state = this.#state;
    if (status === null || state?.run_id == null) return;
    const { api, clock } = this.#options;
    await api.updateRun(state.run_id, { status, endTimeMs: clock.now() }, signal);
    await this.#keep({ ...state, status });
  }

  async #keep(state: State): Promise<State> {
    this.#state = state;
    await this.#file.save(state);
    return state;
  }

  /** The run at MLflow, made or found again, and what it holds. */
  async #opened(signal: AbortSignal): Promise<State & { readonly run_id: string }> {
    const known =
      this.#state ??
      (await loadState(this.#file.path, STATE)) ??
      ({ key: randomUUID(), run_id: null, sent_bytes: 0, params: [], status: 'RUNNING' } satisfies State);
    if (this.#isOpen && known.run_id !== null) return { ...known, run_id: known.run_id };
    await this.#keep(known);
    const found = await this.#find(known, signal);
    const run = found ?? (await this.#create(known, signal));
    if (run.isDeleted)
      throw new RejectedError({
        code: 'mlflow-deleted',
        message: `the run was deleted at ${this.#options.api.host}`,
        hint: 'Restore it there, or name another experiment.',
      });
    if (known.status !== 'RUNNING')
      await this.#options.api.updateRun(run.runId, { status: 'RUNNING' }, signal);
    // From the first line: what repeats is then recognised, and what is there is passed over.
    this.#options.tail.rewind();
    this.#points = new Points(this.#options.participant);
    this.#held = run.latest;
    // A new one holds nothing yet, whatever an earlier one held.
    const began = found === undefined ? { sent_bytes: 0, params: [] } : {};
    const state = { ...known, ...began, run_id: run.runId, status: 'RUNNING' as const };
    await this.#keep(state);
    this.#isOpen = true;
    return state;
  }

  async #find({ run_id, key }: State, signal: AbortSignal): Promise<MlflowRun | undefined> {
    const { api } = this.#options;
    if (run_id !== null) return api.run(run_id, signal);
    return api.findRun(await this.#experiment(signal), { key: KEY_TAG, value: key }, signal);
  }

  async #experiment(signal: AbortSignal): Promise<string> {
    const { api, experiment } = this.#options;
    this.#experimentId ??= await api.experimentId(experiment, signal);
    return this.#experimentId;
  }

  async #create({ key }: State, signal: AbortSignal): Promise<MlflowRun> {
    const { api, clock, run, participant } = this.#options;
    const runId = await api.createRun(
      {
        experimentId: await this.#experiment(signal),
        name: participant === 'server' ? run : `${run} ${participant}`,
        startTimeMs: clock.now(),
        tags: [
          { key: 'mlflow.source.name', value: 'mila-sync' },
          { key: KEY_TAG, value: key },
        ],
      },
      signal,
    );
    return { runId, isDeleted: false, latest: new Map() };
  }

  async #sendParams({ run_id }: { run_id: string }, signal: AbortSignal): Promise<void> {
    const told = new Set(this.#state?.params ?? []);
    const params = mlflowParams(this.#options.params()).filter(({ key }) => !told.has(key));
    for (const batch of batches(params, PARAMS_PER_BATCH)) {
      try {
        await this.#options.api.logBatch(run_id, { params: batch }, signal);
      } catch (error) {
        // They were told before with other values, which stay: the numbers must not wait for that.
        if (!(error instanceof RejectedError)) throw error;
      }
      const state = this.#state;
      if (state !== undefined)
        await this.#keep({ ...state, params: [...state.params, ...batch.map(({ key }) => key)] });
    }
  }

  async #sendMetrics({ run_id }: { run_id: string }, signal: AbortSignal): Promise<void> {
    const { tail, api } = this.#options;
    for (let part = await tail.next(); part !== undefined; part = await tail.next()) {
      const metrics = part.measurements.flatMap((each) => this.#points.of(each)).map(mlflowMetric);
      const state = this.#state;
      if (state === undefined || part.endBytes <= state.sent_bytes) continue;
      const unsent = this.#held === null ? metrics : missing(metrics, this.#held);
      for (const batch of batches(unsent, METRICS_PER_BATCH))
        await api.logBatch(run_id, { metrics: batch }, signal);
      await this.#keep({ ...state, sent_bytes: part.endBytes });
    }
    this.#held = null;
  }
}
