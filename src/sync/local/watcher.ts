import type { Clock, Timer } from '../../clock.ts';
import type { Logger } from '../../logger.ts';
import { WatchedTree } from './watched-tree.ts';

/** A running watch; `close` is idempotent. */
export interface Watcher {
  close(): Promise<void>;
}

/** What a watch needs. */
export interface WatcherOptions {
  /** The folder to watch, with all that is below it. */
  readonly path: string;
  /** True for names that nobody needs to hear of. */
  readonly ignored: (path: string) => boolean;
  /** Called with the path of each entry that may have changed. */
  readonly onHint: (path: string) => void;
  /** Called when hints may be missing from now on (watch limits, overflow): scan instead. */
  readonly onFailure: (error: unknown) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A folder is listed again so long after names in it changed: soon, so that new folders are watched, and once more for
 * what the system lost of many changes in quick succession.
 */
const LOOKS_MS = [0, 1_500];
/** Looks that are due within this time of each other are one; after a longer rest the first comes at once. */
const LOOK_SLOT_MS = 100;

/** Folders that are to be looked at again; those due at about one moment together. */
class PlannedLooks {
  readonly #look: (folder: string) => void;
  readonly #clock: Clock;
  /** When each folder was looked at without delay. */
  readonly #lastLooksMs = new Map<string, number>();
  readonly #slots = new Map<number, { readonly timer: Timer; readonly folders: Set<string> }>();
  #closed = false;

  constructor(clock: Clock, look: (folder: string) => void) {
    this.#clock = clock;
    this.#look = look;
  }

  plan(folder: string): void {
    if (this.#closed) return;
    const now = this.#clock.monotonic();
    this.#forgetLooksBefore(now - LOOK_SLOT_MS);
    if (!this.#lastLooksMs.has(folder)) {
      this.#lastLooksMs.set(folder, now);
      this.#look(folder);
    }
    for (const delayMs of LOOKS_MS) {
      const slot = Math.ceil((now + delayMs) / LOOK_SLOT_MS);
      const { folders } = this.#slots.get(slot) ?? this.#open(slot, slot * LOOK_SLOT_MS - now);
      folders.add(folder);
    }
  }

  /** Looks are noted in the order of their times. */
  #forgetLooksBefore(timeMs: number): void {
    for (const [folder, atMs] of this.#lastLooksMs) {
      if (atMs > timeMs) return;
      this.#lastLooksMs.delete(folder);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#slots.values()) timer.cancel();
    this.#slots.clear();
  }

  #open(slot: number, delayMs: number) {
    const folders = new Set<string>();
    const timer = this.#clock.after(delayMs, () => {
      this.#slots.delete(slot);
      for (const folder of folders) this.#look(folder);
    });
    const planned = { timer, folders };
    this.#slots.set(slot, planned);
    return planned;
  }
}

/**
 * Watch a folder for hints of change.
 *
 * Guarantees: resolves once changes from now on are reported; nothing outside the folder is looked at; a hint may be
 * late, doubled or missing, so it only ever leads to a look at the disk; a folder made together with what is in it is
 * watched, and its content hinted at, within two seconds.
 */
export async function startWatcher(options: WatcherOptions): Promise<Watcher> {
  const { path, ignored, onHint, clock, logger } = options;
  const onError = (error: unknown) => {
    logger.warn({ error: String(error) }, 'the watcher reported an error');
    options.onFailure(error);
  };
  const looks = new PlannedLooks(clock, (folder) => tree.look(folder));
  const tree = new WatchedTree({ path, ignored, onHint, onError, onNames: (folder) => looks.plan(folder) });
  await tree.open();
  return {
    async close() {
      looks.close();
      await tree.close();
    },
  };
}
