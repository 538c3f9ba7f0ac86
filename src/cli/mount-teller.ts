import type { Clock, Timer } from '../clock.ts';
import type { Paced } from '../sync/box/pacer.ts';
import type { EngineState } from '../sync/engine/status.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { MountStory, type Told } from './mount-story.ts';
import type { Output } from './output.ts';

/** How often a mount is looked at for what is to be told of it. */
const LOOK_MS = { watched: 2_000, unwatched: 5_000 };
/** Calls were held back if one was within this time. */
const PACED_MS = 5_000;

/** Tells on standard error what a mount goes through, while it runs in the foreground. */
export class MountTeller {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #story: MountStory;
  #paced: { readonly call: Paced; readonly atMs: number } | undefined;
  #status: (() => MountStatus) | undefined;
  #timer: Timer | undefined;

  constructor({ output, clock }: { readonly output: Output; readonly clock: Clock }) {
    this.#output = output;
    this.#clock = clock;
    this.#story = new MountStory(clock.monotonic());
  }

  readonly onState = (state: EngineState): void => {
    if (this.#output.json) this.#output.document({ event: 'state', state });
    this.#tell(this.#story.onState(state, this.#clock.monotonic(), this.#status?.().trouble));
  };

  readonly onPaced = (call: Paced): void => {
    this.#paced = { call, atMs: this.#clock.monotonic() };
  };

  /** The mount is ready: from now on it is looked at. */
  watch(status: () => MountStatus): void {
    this.#status = status;
    const look = () => {
      const nowMs = this.#clock.monotonic();
      const isPaced = this.#paced !== undefined && nowMs - this.#paced.atMs < PACED_MS;
      this.#tell(this.#story.look(status(), nowMs, isPaced ? this.#paced?.call : undefined));
      this.#timer = this.#clock.after(this.#output.interactive ? LOOK_MS.watched : LOOK_MS.unwatched, look);
    };
    look();
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#status = undefined;
  }

  #tell(all: readonly Told[]): void {
    for (const { kind, text } of all)
      if (kind === 'news') this.#output.note(text);
      else this.#output.passing?.(text);
  }
}
