import type { Clock, Timer } from '../clock.ts';
import { FullError, StateError } from '../errors.ts';
import type { EngineState } from '../sync/engine/status.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';

/** How long entries that failed are tried again before one pass counts as unfinished. */
const PATIENCE_MS = 60_000;

/** Ends a mount when nothing is left to do, or when what is left does not get done by itself. */
export class OncePass {
  readonly #clock: Clock;
  readonly #stop: () => void;
  #state: EngineState | undefined;
  /** The state for which it was given up before the mount was ready. */
  #hopeless: 'full' | 'awaiting-folder' | undefined;
  #running: { status(): MountStatus; stop(): void } | undefined;
  #patience: Timer | undefined;
  #last: MountStatus | undefined;

  /** `stop` ends a mount that is not ready yet. */
  constructor(clock: Clock, stop: () => void) {
    this.#clock = clock;
    this.#stop = stop;
  }

  onReady(running: { status(): MountStatus; stop(): void }): void {
    this.#running = running;
    this.#patience?.cancel();
    const { state } = running.status();
    // What waits for a person does not get done by itself.
    if (state === 'in-sync' || state === 'root-emptied') this.#end();
    else this.#patience = this.#clock.after(PATIENCE_MS, () => this.#end());
  }

  onState(state: EngineState): void {
    // The wait for the folder is over: whatever is lacking next has a patience of its own.
    if (this.#state === 'awaiting-folder') {
      this.#patience?.cancel();
      this.#patience = undefined;
    }
    this.#state = state;
    if (state === 'in-sync') this.#end();
    // A mount without room never becomes ready, nor does one whose folder nobody makes.
    if (state === 'full' || state === 'awaiting-folder')
      this.#patience ??= this.#clock.after(PATIENCE_MS, () => this.#giveUp());
  }

  #giveUp(): void {
    this.#patience = undefined;
    // Otherwise there was room meanwhile.
    if (this.#state !== 'full' && this.#state !== 'awaiting-folder') return;
    this.#hopeless = this.#state;
    this.#stop();
  }

  #end(): void {
    if (this.#running === undefined) return;
    this.#patience?.cancel();
    this.#last ??= this.#running.status();
    this.#running.stop();
  }

  /**
   * Errors: FullError 'unfinished' when there was no room; StateError 'unfinished' when the folder was awaited in vain,
   * or something was left to a person or to a later pass.
   */
  assertFinished(): void {
    this.#patience?.cancel();
    if (this.#hopeless === 'awaiting-folder')
      throw new StateError({
        code: 'unfinished',
        message: 'nothing is done: the server has not made the folder in Box yet',
        hint: "Run again when the server's mount has been started.",
      });
    if (this.#hopeless === 'full')
      throw new FullError({
        code: 'unfinished',
        message: 'not everything is done: the disk or the quota in Box is full',
        hint: 'Make room, and run again.',
      });
    const { held, waiting = [] } = this.#last ?? {};
    const left = [
      ...(held ? [`${held.count} deletions wait for a person (limit ${held.limit})`] : []),
      ...(waiting.length > 0 ? [`${waiting.length} entries failed: ${waiting[0]?.message}`] : []),
    ];
    if (left.length === 0) return;
    throw new StateError({
      code: 'unfinished',
      message: `not everything is done: ${left.join('; ')}`,
      hint: held
        ? `To let the deletions through, run again with --max-delete ${held.count}.`
        : 'Run again later.',
    });
  }
}
