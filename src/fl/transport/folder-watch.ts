import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

/** How deep a run's folders lie: run / rounds / round_<n>. */
const DEPTH_MAX = 3;
/** Of a folder's many subfolders, only the last by name are watched: the newest runs, the newest rounds. */
const SUBFOLDERS_MAX = 8;
/** How many digits the numbers in names are compared with. */
const NUMBER_WIDTH = 12;

/** Sorts `round_10` behind `round_9`, and dates as they are. */
function sortKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(NUMBER_WIDTH, '0'));
}

/**
 * Watches a shared folder's own folders, one by one.
 *
 * Guarantees: one watch per folder, never one per file, so that a hundred participants' files cost nothing;
 * folders that appear later are watched as well; what cannot be watched is left to the caller's polling.
 */
export class FolderWatch {
  readonly #root: string;
  readonly #onHint: () => void;
  readonly #logger: Logger;
  readonly #watchers = new Map<string, FSWatcher>();
  #closed = false;

  constructor(root: string, onHint: () => void, logger: Logger) {
    this.#root = root;
    this.#onHint = onHint;
    this.#logger = logger;
  }

  /** Watch what is there; idempotent, and worth repeating while something is not there yet. */
  async start(): Promise<void> {
    if (!this.#closed) await this.#add(this.#root, 0);
  }

  close(): void {
    this.#closed = true;
    for (const path of [...this.#watchers.keys()]) this.#drop(path);
  }

  async #add(path: string, depth: number): Promise<void> {
    if (!this.#watchers.has(path)) this.#watch(path, depth);
    if (depth < DEPTH_MAX) await this.#descend(path, depth);
  }

  #watch(path: string, depth: number): void {
    try {
      const watcher = watch(path, { persistent: false }, (change) => {
        this.#onHint();
        // Only a name that comes or goes can be a new folder.
        if (change === 'rename' && depth < DEPTH_MAX)
          this.#descend(path, depth).catch((error: unknown) => this.#tell(path, error));
      });
      watcher.on('error', () => this.#drop(path));
      this.#watchers.set(path, watcher);
    } catch (error) {
      this.#tell(path, error);
    }
  }

  #tell(path: string, error: unknown): void {
    this.#logger.debug({ path, error: messageOf(error) }, 'A folder cannot be watched; polling goes on.');
  }

  async #descend(path: string, depth: number): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    if (this.#closed) return;
    const folders = entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1))
      .slice(-SUBFOLDERS_MAX);
    for (const name of folders) {
      const folder = join(path, name);
      if (this.#watchers.has(folder)) continue;
      await this.#add(folder, depth + 1);
      // What was written into it before the watch began was hinted at by nobody.
      this.#onHint();
    }
    this.#forgetOld(path, new Set(folders));
  }

  #forgetOld(path: string, kept: ReadonlySet<string>): void {
    for (const folder of [...this.#watchers.keys()]) {
      if (!folder.startsWith(`${path}/`)) continue;
      const child = folder.slice(path.length + 1).split('/', 1)[0] ?? '';
      if (!kept.has(child)) this.#drop(folder);
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
