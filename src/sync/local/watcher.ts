import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Clock, Timer } from '../../clock.ts';
import type { Logger } from '../../logger.ts';

/** A running watch; `close` is idempotent. */
export interface Watcher {
  close(): Promise<void>;
}

interface WatcherOptions {
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
 * A folder is listed again so long after names in it changed: chokidar lists a new folder first and watches it only
 * then, so that what is made in between is neither reported nor, if it is a folder, ever watched; and of many changes
 * in quick succession it loses some.
 */
const SECOND_LOOKS_MS = [100, 1_500];
/** Looks that are due within this time of each other are one. */
const LOOK_SLOT_MS = 100;

/** Folders that are to be listed again; those due at about one moment together, because asking chokidar for all it watches is dear. */
class SecondLooks {
  readonly #watcher: FSWatcher;
  readonly #options: WatcherOptions;
  readonly #timers = new Map<number, { readonly timer: Timer; readonly folders: Set<string> }>();
  #closed = false;

  constructor(watcher: FSWatcher, options: WatcherOptions) {
    this.#watcher = watcher;
    this.#options = options;
  }

  plan(folder: string): void {
    if (this.#closed) return;
    const now = this.#options.clock.monotonic();
    for (const delayMs of SECOND_LOOKS_MS) {
      const slot = Math.ceil((now + delayMs) / LOOK_SLOT_MS);
      const batch = this.#timers.get(slot) ?? this.#open(slot, slot * LOOK_SLOT_MS - now);
      batch.folders.add(folder);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #open(slot: number, delayMs: number) {
    const folders = new Set<string>();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(slot);
      void this.#look([...folders]);
    });
    const batch = { timer, folders };
    this.#timers.set(slot, batch);
    return batch;
  }

  async #look(folders: readonly string[]): Promise<void> {
    const found = new Map<string, readonly string[]>();
    // A folder that is gone meanwhile has nothing to tell.
    for (const folder of folders) found.set(folder, await readdir(folder).catch(() => []));
    if (this.#closed) return;
    const watched = this.#watcher.getWatched();
    for (const [folder, names] of found) {
      const known = new Set(watched[folder]);
      for (const name of names) if (!known.has(name)) this.#takeIn(join(folder, name));
    }
  }

  #takeIn(path: string): void {
    if (this.#options.ignored(path)) return;
    this.#watcher.add(path);
    this.#options.onHint(path);
    // If this is a folder, the same may have happened in it.
    this.plan(path);
  }
}

/** The watched entry that a raw event came from. */
function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return undefined;
  return typeof details.watchedPath === 'string' ? details.watchedPath : undefined;
}

/**
 * Watch a folder for hints of change.
 *
 * Guarantees: resolves once changes from now on are reported; a hint may be late, doubled or missing, so it only ever
 * leads to a look at the disk; a folder made together with what is in it is watched within two seconds.
 */
export async function startWatcher(options: WatcherOptions): Promise<Watcher> {
  const watcher = watch(options.path, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => options.ignored(path),
    alwaysStat: false,
    atomic: false,
    awaitWriteFinish: false,
  });
  const secondLooks = new SecondLooks(watcher, options);
  watcher.on('all', (event, path) => {
    if (event === 'addDir') secondLooks.plan(path);
    options.onHint(path);
  });
  // What the system itself says, before chokidar compares and throttles it.
  watcher.on('raw', (event, name, details) => {
    const folder = watchedPathOf(details);
    if (folder === undefined) return;
    if (event === 'rename') secondLooks.plan(folder);
    const path = typeof name === 'string' && name !== '' ? join(folder, name) : folder;
    if (!options.ignored(path)) options.onHint(path);
  });
  watcher.on('error', (error) => {
    options.logger.warn({ error: String(error) }, 'the watcher reported an error');
    options.onFailure(error);
  });
  await new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
  });
  for (const folder of Object.keys(watcher.getWatched())) secondLooks.plan(folder);
  return {
    async close() {
      secondLooks.close();
      await watcher.close();
    },
  };
}
