import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { Clock } from '../../clock.ts';
import { ConfigError, messageOf, RejectedError } from '../../errors.ts';
import { unreachable } from '../../invariant.ts';
import { stringifyAsWritten } from '../config/written-numbers.ts';
import type { Executor, TaskConfiguration, TrainingRequest, TrainingResult } from '../executor/executor.ts';
import { scheduleOddity } from '../executor/schedule.ts';
import type { ClientAction, ClientResult, TrainedUpdate } from '../round/client-state.ts';
import type { FederationEvent } from '../round/event.ts';
import { copyModel as copyCheckedModel } from '../torch/clean-copy.ts';
import type { Background } from './background.ts';
import type { ClientSession } from './client-transport.ts';
import { type EndedTraining, EndedTrainings } from './ended-training.ts';
import type { Lives } from './lives.ts';
import { outgoingUpdate, type UploadScope } from './outgoing-update.ts';
import { RoundAccounts } from './round-account.ts';
import type { CopyModel, StartModel } from './start-model.ts';
import { takeStartModel } from './start-model.ts';
import { TaskReader } from './task-reader.ts';
import { progressEvents } from './training-progress.ts';

export interface ClientEffectsOptions {
  readonly session: ClientSession;
  readonly name: string;
  /** The run's folder among the client's own results. */
  readonly results: string;
  readonly clock: Clock;
  /** When this client ran. */
  readonly lives: Lives;
  readonly executor: Executor;
  /** Replaces keys of the task's configuration, whole key by whole key. */
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  readonly background: Background;
  /** What of a training's checkpoint goes to the others. Default: its model. */
  readonly upload?: UploadScope;
  /** How models are read and written anew. Default: by this project's codec. */
  readonly copyModel?: CopyModel;
  readonly onResult: (result: ClientResult) => void;
  readonly onEvent: (event: FederationEvent) => void;
}

/** Performs what the client's machine asks for. Guarantees: every action may be performed twice. */
export class ClientEffects {
  readonly #options: ClientEffectsOptions;
  readonly #tasks: TaskReader;
  readonly #endedTrainings: EndedTrainings;
  readonly #accounts: RoundAccounts;
  #toldOddity: string | null = null;
  #training: { readonly round: number; readonly key: string } | undefined;

  constructor(options: ClientEffectsOptions) {
    this.#options = options;
    const { session, onEvent, results } = options;
    this.#endedTrainings = new EndedTrainings(results);
    this.#accounts = new RoundAccounts(results, options);
    this.#tasks = new TaskReader({
      ...options,
      read: () => session.readTask(),
      onTrouble: (message) => onEvent({ event: 'trouble', message: `${message}; trying again` }),
      onChange: (message) => onEvent({ event: 'task-oddity', message }),
    });
  }

  /** The round that is being trained; null when none is. */
  get training(): number | null {
    const { background } = this.#options;
    return this.#training !== undefined && background.isRunning(this.#training.key)
      ? this.#training.round
      : null;
  }

  async perform(action: ClientAction): Promise<void> {
    const { session, background } = this.#options;
    switch (action.kind) {
      case 'claim':
        await session.claim(action.layout);
        return;
      case 'train': {
        const key = `train ${action.round}`;
        this.#training = { round: action.round, key };
        background.run(key, (signal) => this.#train(action.round, action.source, signal));
        return;
      }
      case 'abandon-training':
        background.abort(`train ${action.round}`);
        return;
      case 'publish':
        background.run(`publish ${action.update.round} ${action.update.sha256}`, (signal) =>
          this.#publish(action.update, signal),
        );
        return;
      case 'report-failure':
        await session.reportFailure(action.round, action.message);
        return;
      default:
        unreachable(action);
    }
  }

  async #train(round: number, source: 'aggregate' | 'nothing', signal: AbortSignal): Promise<void> {
    const { onResult, onEvent } = this.#options;
    let output: string | undefined;
    const onOutput = (path: string) => {
      output = path;
      onEvent({ event: 'training-output', round, path });
    };
    try {
      const start = source === 'aggregate' ? await this.#takeStart(round, signal) : undefined;
      const ended =
        (await this.#endedTrainings.recall(round, start?.sha256 ?? null)) ??
        (await this.#trainFrom(round, start, { signal, onOutput }));
      onResult({ kind: 'trained', update: { ...ended, ...(await this.#outgoing(ended, signal)) } });
    } catch (error) {
      // An abandoned training ends in silence: its round is over.
      if (!signal.aborted)
        onResult({
          kind: 'training-failed',
          round,
          message: messageOf(error),
          ...(output === undefined ? {} : { output }),
          isConfiguration: error instanceof ConfigError,
        });
    }
  }

  async #trainFrom(
    round: number,
    start: StartModel | undefined,
    watch: Pick<TrainingRequest, 'signal' | 'onOutput'>,
  ): Promise<EndedTraining> {
    const { clock, onEvent } = this.#options;
    const startedAtMs = clock.monotonic();
    // A training program may work in another folder than this one.
    const path = start === undefined ? undefined : resolve(start.path);
    const { omissions = [], ...result } = await this.#accounted(round, watch.signal, () =>
      this.#execute(round, path, watch),
    );
    const seconds = (clock.monotonic() - startedAtMs) / 1000;
    const ended = { round, startSha256: start?.sha256 ?? null, ...result, seconds };
    await this.#endedTrainings.note(ended);
    for (const line of omissions) onEvent({ event: 'trouble', message: `round ${round}: ${line}` });
    return ended;
  }

  async #accounted<Result>(
    round: number,
    signal: AbortSignal,
    train: () => Promise<Result>,
  ): Promise<Result> {
    await this.#accounts.begin(round);
    try {
      const result = await train();
      await this.#accounts.end('trained');
      return result;
    } catch (error) {
      await this.#accounts.end(signal.aborted ? 'stopped' : 'failed');
      throw error;
    }
  }

  #outgoing(ended: EndedTraining, signal: AbortSignal): ReturnType<typeof outgoingUpdate> {
    const { results, upload = 'model', copyModel = copyCheckedModel } = this.#options;
    return outgoingUpdate({ results, upload, copyModel }, ended, signal);
  }

  #takeStart(round: number, signal: AbortSignal): Promise<StartModel> {
    const { onEvent, copyModel = copyCheckedModel } = this.#options;
    const onTrouble = (message: string) => onEvent({ event: 'trouble', message: `${message}; trying again` });
    return takeStartModel({ ...this.#options, copyModel, onTrouble }, round, signal);
  }

  async #execute(
    round: number,
    start: string | undefined,
    watch: Pick<TrainingRequest, 'signal' | 'onOutput'>,
  ): Promise<TrainingResult> {
    const { results, name, executor, clock, onEvent } = this.#options;
    const configuration = await this.#configure(round, start, watch.signal);
    const oddity = scheduleOddity(configuration);
    if (oddity !== null && oddity !== this.#toldOddity) onEvent({ event: 'task-oddity', message: oddity });
    this.#toldOddity = oddity;
    const outputDirectory = String(configuration['output_path']);
    await mkdir(outputDirectory, { recursive: true });
    const configurationPath = join(results, 'config.latest.json');
    await writeFileAtomically(configurationPath, `${stringifyAsWritten(configuration)}\n`);
    // Given up while it was prepared: an executor that only listens for the abort would train for nobody.
    watch.signal.throwIfAborted();
    onEvent({ event: 'training', round, fraction: null });
    return executor.train({
      configuration,
      configurationPath,
      round,
      participant: name,
      outputDirectory,
      ...(start === undefined ? {} : { startCheckpointPath: start }),
      ...watch,
      onProgress: progressEvents(clock, (progress) => onEvent({ event: 'training', round, ...progress })),
    });
  }

  /** The task as it came, this client's overwrites over it, key by key and not merged inside. */
  async #configure(
    round: number,
    start: string | undefined,
    signal: AbortSignal,
  ): Promise<TaskConfiguration> {
    const { modelOverwrites, results } = this.#options;
    const task = await this.#tasks.take(signal);
    const outputPath = modelOverwrites['output_path'];
    return {
      ...task,
      ...modelOverwrites,
      output_path:
        typeof outputPath === 'string' ? resolve(outputPath) : join(resolve(results), `round_${round}`),
      // Without an aggregate, what the task or the overwrites say stands, as in kMoL.
      ...(start === undefined ? {} : { checkpoint_path: start }),
    };
  }

  async #publish(update: TrainedUpdate, signal: AbortSignal): Promise<void> {
    const { session, onResult, onEvent } = this.#options;
    const { round, sha256, sizeBytes, checkpointPath } = update;
    // What is published is in the client's state: should it be refused, another training is wanted.
    await this.#endedTrainings.forget();
    if (!existsSync(checkpointPath)) {
      onResult({ kind: 'checkpoint-gone', round });
      return;
    }
    try {
      await session.publish(update, {
        signal,
        account: await this.#accounts.of(round),
        onProgress: (fraction) => onEvent({ event: 'uploading', round, fraction, size_bytes: sizeBytes }),
      });
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      // What no repetition delivers is a person's to mend.
      onResult({ kind: 'training-failed', round, message: messageOf(error), isConfiguration: true });
      return;
    }
    if (!signal.aborted) onResult({ kind: 'published', round, sha256, sizeBytes });
  }
}
