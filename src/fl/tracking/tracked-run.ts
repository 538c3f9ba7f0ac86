import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { reasonOf } from '../../errors.ts';
import type { FederationEvent } from '../round/event.ts';
import { participantKey } from '../round/run-folder.ts';
import { resultsFolder } from '../transport/client-results.ts';
import { METRICS_FILE } from '../transport/history.ts';
import type { HttpSend } from './http-send.ts';
import { measurementsOf, SERVER } from './measurement.ts';
import { MetricsTail } from './metrics-tail.ts';
import { MlflowApi } from './mlflow-api.ts';
import { MlflowTracker } from './mlflow-tracker.ts';
import { Pump } from './pump.ts';
import { TensorboardTracker } from './tensorboard-tracker.ts';
import type { FinalStatus, Tracker } from './tracker.ts';

/** A place that a configuration file names. */
export type TrackingTarget =
  | { readonly type: 'tensorboard'; readonly directory: string | null }
  | { readonly type: 'mlflow'; readonly uri: string; readonly experiment: string };

export interface TrackingOptions {
  readonly targets: readonly TrackingTarget[];
  readonly savePath: string;
  /** Null for the server. */
  readonly name: string | null;
  /** What is told to MLflow beside the run's name and its participants. */
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly send: HttpSend;
  /** MLflow's; null for none. */
  readonly token: string | null;
  /** Tell a person what does not work; undefined: that is over. */
  readonly notify: (key: string, text: string | undefined) => void;
}

/** How long the end of a program may wait for the places. Units: milliseconds. */
const CLOSE_MAX_MS = 10_000;

/** Whatever stops a run for everybody without a fault of anybody here. */
const STOPPED = ['stopped-by-user', 'stopped'];

function statusOf({ success, reason }: { success: boolean; reason: string }): FinalStatus {
  if (success) return 'FINISHED';
  return STOPPED.includes(reason) ? 'KILLED' : 'FAILED';
}

interface Place {
  /** As the configuration file counts it. */
  readonly key: string;
  readonly tracker: Tracker;
  readonly pump: Pump;
}

/** One run with the places that its numbers go to. */
export class TrackedRun {
  readonly run: string;
  readonly #options: TrackingOptions;
  readonly #places: readonly Place[];
  #participants: readonly string[];
  #status: FinalStatus | null = null;

  constructor(run: string, options: TrackingOptions) {
    const { targets, clock, name } = options;
    this.run = run;
    this.#options = options;
    this.#participants = name === null ? [] : [name];
    this.#places = targets.map((target, index) => {
      const key = `tracking.${index}`;
      const tracker = this.#trackerOf(target);
      const onTrouble = (error: unknown) => this.#tellTrouble(key, tracker, error);
      return { key, tracker, pump: new Pump({ tracker, clock, onTrouble }) };
    });
  }

  /** Guarantees: never throws, never waits. */
  observe(event: FederationEvent): void {
    if (event.event === 'ended') this.#status = statusOf(event);
    const hasParticipants = event.event === 'registration-closed' || event.event === 'round-started';
    // Only once: MLflow lets nobody change a parameter.
    if (hasParticipants && this.#options.name === null && this.#participants.length === 0)
      this.#participants = event.participants ?? [];
    const isBegin = 'run' in event;
    if (!isBegin && !hasParticipants && measurementsOf(event).length === 0) return;
    for (const { pump } of this.#places) pump.poke();
  }

  /**
   * Bring the rest there, with `otherwise` where no end was told. Guarantees: never fails; 10 s at most, and no second
   * try where the run is gone on with later.
   */
  async leave(otherwise: FinalStatus | null): Promise<void> {
    const status = this.#status ?? otherwise;
    await Promise.all(this.#places.map((place) => this.#leavePlace(place, status)));
  }

  async #leavePlace({ key, tracker, pump }: Place, status: FinalStatus | null): Promise<void> {
    const error = await pump.close(status, CLOSE_MAX_MS);
    const later =
      status === null
        ? 'the next start brings them there'
        : 'mila-sync export brings there what the run folder tells';
    const trouble = `not all numbers of run ${this.run} reached ${tracker.title}: ${reasonOf(error)}; ${later}`;
    this.#options.notify(key, error === undefined ? undefined : trouble);
  }

  #tellTrouble(key: string, { title }: Tracker, error: unknown): void {
    const later = 'they are kept, and brought there when it works again';
    const trouble = `numbers do not reach ${title}: ${reasonOf(error)}; ${later}`;
    this.#options.notify(key, error === undefined ? undefined : trouble);
  }

  #params(): Readonly<Record<string, string>> {
    const { settings } = this.#options;
    const participants = this.#participants.join(', ');
    return { run: this.run, ...settings, ...(participants === '' ? {} : { participants }) };
  }

  #trackerOf(target: TrackingTarget): Tracker {
    const { savePath, name, clock, send, token } = this.#options;
    const { run } = this;
    const participant = name ?? SERVER;
    const folder = name === null ? join(savePath, run) : resultsFolder({ savePath, name }, run);
    const tail = new MetricsTail(join(folder, METRICS_FILE));
    if (target.type === 'tensorboard') {
      const { directory } = target;
      const own =
        directory === null ? join(folder, 'tensorboard') : join(directory, run, participantKey(participant));
      return new TensorboardTracker({ directory: own, tail, self: participant });
    }
    const { uri, experiment } = target;
    const api = new MlflowApi({ uri, token, send });
    const params = () => this.#params();
    return new MlflowTracker({ api, uri, experiment, folder, run, participant, tail, clock, params });
  }
}
