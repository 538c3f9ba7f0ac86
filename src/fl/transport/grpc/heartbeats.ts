import type { Clock } from '../../../clock.ts';
import { unixSecondsText } from '../../round/protocol-texts.ts';
import { runPaths } from '../../round/run-folder.ts';
import type { Workdir } from '../workdir.ts';

/** Heartbeats that come faster than this are one. Units: milliseconds. */
const INTERVAL_MIN_MS = 200;

export interface HeartbeatsOptions {
  readonly workdir: Workdir;
  readonly run: string;
  readonly clock: Clock;
  /** How long a participant may be silent. Units: milliseconds. */
  readonly timeoutMs: number;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

/** Writes the heartbeats of everybody who is connected, and notices who sends them too seldom. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #beatAtMs = new Map<string, number>();

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** A participant was heard of. `name` was judged and admitted. */
  async beat(name: string): Promise<void> {
    const { workdir, run, clock, timeoutMs, onTrouble } = this.#options;
    const now = clock.monotonic();
    const before = this.#beatAtMs.get(name);
    const silentMs = before === undefined ? null : now - before;
    if (silentMs !== null && silentMs < INTERVAL_MIN_MS) return;
    this.#beatAtMs.set(name, now);
    // kMoL's clients do not know the time-out: only here can be seen that they cannot keep to it.
    if (silentMs !== null && silentMs > timeoutMs)
      onTrouble(
        `two heartbeats of ${name} came ${Math.round(silentMs / 1_000)} s apart, and heartbeat_timeout is ${timeoutMs / 1_000} s: unless its connection was down, its heartbeat_frequency is too long`,
      );
    await workdir.write(runPaths.heartbeat(run, name), unixSecondsText(clock.now()));
  }

  /** Begin anew with a participant that comes back: its silence is over. */
  forget(name: string): void {
    this.#beatAtMs.delete(name);
  }
}
