import type { Clock } from '../clock.ts';
import type { NotifySection } from '../fl/config/notify-section.ts';
import { Notifier } from '../fl/notify/notifier.ts';
import type { FederationEvent } from '../fl/round/event.ts';
import type { TrackingTarget } from '../fl/tracking/tracked-run.ts';
import { startTracking } from '../fl/tracking/tracking.ts';
import { describeEvent } from './federation-text.ts';
import { httpClient } from './http-send.ts';
import type { Notices } from './notices.ts';
import { deliveryOf } from './tell-outside.ts';

interface OnlookerOptions {
  readonly tracking: readonly TrackingTarget[];
  readonly notify: NotifySection | null;
  readonly savePath: string;
  /** Null for the server. */
  readonly name: string | null;
  /** What MLflow is told of the run's settings. */
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Tell the person here. */
  readonly tell: Notices['tell'];
  readonly environment: NodeJS.ProcessEnv;
}

/** Whoever looks on from outside: places that numbers go to, and who is told of trouble. */
export interface Onlookers {
  /** Guarantees: never throws, never waits. */
  observe(event: FederationEvent): void;
  /** Let them have the rest, the end above all. Guarantees: never fails; little more than 10 s at most. */
  close(): Promise<void>;
}

/** Those that a configuration names. */
export function openOnlookers(options: OnlookerOptions): Onlookers {
  const { tracking: targets, notify: section, name, tell, environment } = options;
  const client = httpClient(environment);
  const { send } = client;
  const token = environment['MLFLOW_TRACKING_TOKEN'] ?? '';
  const tracking = startTracking({
    ...options,
    targets,
    send,
    token: token === '' ? null : token,
    notify: tell,
  });
  const notifier =
    section === null
      ? undefined
      : new Notifier({
          deliver: deliveryOf(section, send),
          describe: (event) => describeEvent(event, options.clock.now()),
          name: name ?? 'server',
          clock: options.clock,
          notify: tell,
        });
  return {
    observe(event) {
      tracking.observe(event);
      notifier?.observe(event);
    },
    async close() {
      await Promise.all([tracking.close(), notifier?.close()]);
      await client.close();
    },
  };
}
