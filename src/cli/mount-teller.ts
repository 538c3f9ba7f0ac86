import type { Clock, Timer } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Paced } from '../sync/box/pacer.ts';
import type { EngineState } from '../sync/engine/status.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { MountStory, type Told } from './mount-story.ts';
import type { Output } from './output.ts';

/** How often a mount is looked at for what is to be told of it. */
const LOOK_MS = { watched: 2_000, unwatched: 5_000 };
/** Calls were held back if one was within this time. */
const PACED_MS = 5_000;

interface TellerOptions {
  readonly output: Output;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells on standard error what a mount goes through, while it runs in the foreground.
 *
 * Guarantees: never throws: a mount that cannot be described goes on, and that is logged once.
 */
export class MountTeller {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #story: MountStory;
  #paced: { readonly call: Paced; readonly atMs: number } | undefined;
  #status: (() => MountStatus) | undefined;
  #wasUndescribed = false;
  #timer: Timer | undefined;

  constructor({ output, clock, logger }: TellerOptions) {
    this.#output = output;
    this.#clock = clock;
    this.#logger = logger;
    this.#story = new MountStory(clock.monotonic());
  }

  readonly onState = (state: EngineState): void => {
    if (this.#output.json) this.#output.document({ event: 'state', state });
    // Its index is closed next.
    if (state === 'stopped') this.close();
    const trouble = state === 'offline' ? this.#described()?.trouble : undefined;
    this.#tell(this.#story.onState(state, this.#clock.monotonic(), trouble));
  };

  readonly onPaced = (call: Paced): void => {
    this.#paced = { call, atMs: this.#clock.monotonic() };
  };

  /** The mount is ready: from now on it is looked at. */
  watch(status: () => MountStatus): void {
    this.#status = status;
    const look = () => {
      const seen = this.#described();
      if (seen !== undefined) this.#tell(this.#story.look(seen, this.#clock.monotonic(), this.#pacedNow()));
      this.#timer = this.#clock.after(this.#output.interactive ? LOOK_MS.watched : LOOK_MS.unwatched, look);
    };
    look();
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#status = undefined;
  }

  #described(): MountStatus | undefined {
    try {
      return this.#status?.();
    } catch (error) {
      if (!this.#wasUndescribed)
        this.#logger.warn({ error: messageOf(error) }, 'what the mount is at cannot be told');
      this.#wasUndescribed = true;
      return undefined;
    }
  }

  #pacedNow(): Paced | undefined {
    const paced = this.#paced;
    return paced !== undefined && this.#clock.monotonic() - paced.atMs < PACED_MS ? paced.call : undefined;
  }

  #tell(all: readonly Told[]): void {
    for (const { kind, text } of all)
      if (kind === 'news') this.#output.note(text);
      else this.#output.passing?.(text);
  }
}
