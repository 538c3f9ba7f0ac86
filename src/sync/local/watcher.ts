import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Clock, Timer } from '../../clock.ts';
import type { Logger } from '../../logger.ts';

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
 * A folder is listed again so long after names in it changed: chokidar lists a new folder first and watches it only
 * then, so that what is made in between is neither reported nor, if it is a folder, ever watched; and of many changes
 * in quick succession it loses some. So whatever stands in a new folder is hinted at.
 */
const SECOND_LOOKS_MS = [100, 1_500];
/** Looks that are due within this time of each other are one. */
const LOOK_SLOT_MS = 100;

/** Whether a folder is watched for long, or so newly that what stands in it may have come before its watch. */
type Watched = 'long' | 'newly';

/** Folders that are to be listed again; those due at about one moment together, because asking chokidar for all it watches is dear. */
class SecondLooks {
  readonly #watcher: FSWatcher;
  readonly #options: WatcherOptions;
  readonly #timers = new Map<number, { readonly timer: Timer; readonly folders: Map<string, Watched> }>();
  #closed = false;

  constructor(watcher: FSWatcher, options: WatcherOptions) {
    this.#watcher = watcher;
    this.#options = options;
  }

  plan(folder: string, watched: Watched = 'long'): void {
    if (this.#closed || !isWithin(this.#options.path, folder)) return;
    const now = this.#options.clock.monotonic();
    for (const delayMs of SECOND_LOOKS_MS) {
      const slot = Math.ceil((now + delayMs) / LOOK_SLOT_MS);
      const batch = this.#timers.get(slot) ?? this.#open(slot, slot * LOOK_SLOT_MS - now);
      if (watched === 'newly' || !batch.folders.has(folder)) batch.folders.set(folder, watched);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #open(slot: number, delayMs: number) {
    const folders = new Map<string, Watched>();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(slot);
      void this.#look(folders);
    });
    const batch = { timer, folders };
    this.#timers.set(slot, batch);
    return batch;
  }

  async #look(folders: ReadonlyMap<string, Watched>): Promise<void> {
    const found = new Map<string, readonly Dirent[]>();
    // A folder that is gone meanwhile has nothing to tell.
    for (const folder of folders.keys())
      found.set(folder, await readdir(folder, { withFileTypes: true }).catch(() => []));
    if (this.#closed) return;
    const watched = this.#watcher.getWatched();
    for (const [folder, entries] of found) {
      const names = new Set(watched[folder]);
      for (const entry of entries) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && !names.has(entry.name)) this.#takeIn(path);
        else if (folders.get(folder) === 'newly') this.#tell(path, entry);
      }
    }
  }

  #takeIn(path: string): void {
    if (this.#options.ignored(path)) return;
    this.#watcher.add(path);
    this.#options.onHint(path);
    this.plan(path, 'newly');
  }

  /** Hint at what chokidar will not tell of, and look into it. */
  #tell(path: string, entry: Dirent): void {
    if (this.#options.ignored(path)) return;
    this.#options.onHint(path);
    if (entry.isDirectory()) this.plan(path, 'newly');
  }
}

/** True for the root and what is below it: chokidar keeps the root's parent among what it watches. */
function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(`${root}${sep}`);
}

/** The watched entry that a raw event came from. */
function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return undefined;
  return typeof details.watchedPath === 'string' ? details.watchedPath : undefined;
}

/**
 * Watch a folder for hints of change.
 *
 * Guarantees: resolves once changes from now on are reported; nothing outside the folder is looked at; a hint may be
 * late, doubled or missing, so it only ever leads to a look at the disk; a folder made together with what is in it is
 * watched, and its content hinted at, within two seconds.
 */
export async function startWatcher(options: WatcherOptions): Promise<Watcher> {
  const watcher = watch(options.path, {
    ignoreInitial: true,
    followSymlinks: false,
    // Folders only: a folder's own watch tells of the files in it, and a watch for each file would use up the system's.
    ignored: (path, facts) => options.ignored(path) || (facts !== undefined && !facts.isDirectory()),
    alwaysStat: false,
    atomic: false,
    awaitWriteFinish: false,
  });
  const secondLooks = new SecondLooks(watcher, options);
  watcher.on('all', (event, path) => {
    if (event === 'addDir') secondLooks.plan(path, 'newly');
    // A listing that was older than the folder makes chokidar drop it: the parent tells whether it is really gone.
    if (event === 'unlinkDir') secondLooks.plan(dirname(path));
    options.onHint(path);
  });
  // What the system itself says of the entries of a folder.
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
