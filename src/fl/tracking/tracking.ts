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

interface TrackingOptions {
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

/** Whatever stops a run for everybody without a fault of anybody. */
const STOPPED = ['stopped-by-user', 'stopped'];

/** Brings a run's numbers to the places that its configuration names. */
export interface Tracking {
  /** Guarantees: never throws, never waits. */
  observe(event: FederationEvent): void;
  /** Bring the rest there. Guarantees: never fails; 10 s at most. */
  close(): Promise<void>;
}

/** One run's places. */
interface Session {
  readonly run: string;
  readonly pumps: readonly { readonly tracker: Tracker; readonly pump: Pump }[];
  participants: readonly string[];
  status: FinalStatus | null;
}

function statusOf({ success, reason }: { success: boolean; reason: string }): FinalStatus {
  if (success) return 'FINISHED';
  return STOPPED.includes(reason) ? 'KILLED' : 'FAILED';
}

/**
 * Start to track what a server or a client tells.
 *
 * What goes to the places is read from `metrics.jsonl`, which the run's history writes: what a place misses while it
 * cannot be reached stands there, also after a death of the program.
 * Guarantees: no round waits for a place or fails for it; one notice for each that cannot be reached.
 */
export function startTracking(options: TrackingOptions): Tracking {
  const { clock, notify, name } = options;
  let session: Session | undefined;
  const leaving: Promise<void>[] = [];

  const keyOf = (tracker: Tracker) => `tracking ${tracker.title}`;
  const onTrouble = (tracker: Tracker, error: unknown) =>
    notify(
      keyOf(tracker),
      error === undefined
        ? undefined
        : `numbers do not reach ${tracker.title}: ${reasonOf(error)}; they are kept, and brought there when it works again`,
    );
  const leave = async ({ pumps, status, run }: Session): Promise<void> => {
    await Promise.all(
      pumps.map(async ({ tracker, pump }) => {
        const error = await pump.close(status, CLOSE_MAX_MS);
        if (error === undefined) return;
        const later =
          status === null
            ? 'the next start brings them there'
            : 'mila-sync export brings those of the run there';
        notify(
          keyOf(tracker),
          `not all numbers of run ${run} reached ${tracker.title}: ${reasonOf(error)}; ${later}`,
        );
      }),
    );
  };
  const enter = (run: string): void => {
    if (session?.run === run) return;
    // A client that goes over to a newer run does not come back to this one.
    if (session !== undefined) leaving.push(leave({ ...session, status: session.status ?? 'KILLED' }));
    const begun: Session = { run, pumps: [], participants: name === null ? [] : [name], status: null };
    const params = () => ({
      run,
      ...options.settings,
      ...(begun.participants.length === 0 ? {} : { participants: begun.participants.join(', ') }),
    });
    const pumps = options.targets
      .map((target) => trackerOf(target, options, run, params))
      .map((tracker) => ({ tracker, pump: new Pump({ tracker, clock, onTrouble }) }));
    session = Object.assign(begun, { pumps });
  };
  const isNews = (event: FederationEvent): boolean => {
    if (event.event === 'run-created' || event.event === 'run-resumed' || event.event === 'run-joined') {
      enter(event.run);
      return true;
    }
    if (session === undefined) return false;
    if (event.event === 'ended') session.status = statusOf(event);
    const hasParticipants = event.event === 'registration-closed' || event.event === 'round-started';
    // Only once: MLflow lets nobody change a parameter.
    if (hasParticipants && name === null && session.participants.length === 0)
      session.participants = event.participants ?? [];
    return hasParticipants || measurementsOf(event).length > 0;
  };
  return {
    observe(event) {
      if (options.targets.length > 0 && isNews(event))
        for (const { pump } of session?.pumps ?? []) pump.poke();
    },
    async close() {
      if (session !== undefined) leaving.push(leave(session));
      session = undefined;
      await Promise.all(leaving);
    },
  };
}

function trackerOf(
  target: TrackingTarget,
  { savePath, name, clock, send, token }: TrackingOptions,
  run: string,
  params: () => Readonly<Record<string, string>>,
): Tracker {
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
  return new MlflowTracker({ api, uri, experiment, folder, run, participant, tail, clock, params });
}
