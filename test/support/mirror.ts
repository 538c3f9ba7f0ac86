import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.ts';
import { silentLogger } from '../../src/logger.ts';
import { seededRandom } from '../../src/random.ts';
import { SyncEngine } from '../../src/sync/engine/engine.ts';
import { Replica } from '../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../src/sync/index/version-index.ts';
import { LocalDisk } from '../../src/sync/local/disk.ts';
import { MirrorRoot } from '../../src/sync/local/mirror-root.ts';
import { startWatcher } from '../../src/sync/local/watcher.ts';
import { profileFilter } from '../../src/sync/mount/profiles.ts';
import type { Filter } from '../../src/sync/plan/op.ts';
import type { RemoteStore } from '../../src/sync/remote/remote-store.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';

/** One engine on a real directory of its own, over any store. */
export class Mirror {
  readonly directory: string;
  readonly root: MirrorRoot;
  #store: RemoteStore;
  #folder: RemoteFolder;
  readonly #filter: Filter;
  #engine: SyncEngine | undefined;
  #index: VersionIndex | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(directory: string, store: RemoteStore, folder: RemoteFolder, filter: Filter) {
    this.directory = directory;
    this.root = new MirrorRoot({ directory, rootPath: ['shared'] });
    this.#store = store;
    this.#folder = folder;
    this.#filter = filter;
  }

  static async create(
    store: RemoteStore,
    folder: RemoteFolder,
    filter: Filter = profileFilter({ kind: 'full' }),
  ): Promise<Mirror> {
    const directory = await mkdtemp(join(tmpdir(), 'mila-mirror-'));
    const mirror = new Mirror(directory, store, folder, filter);
    await mkdir(mirror.root.path, { recursive: true });
    await mkdir(join(directory, '.mila-sync'));
    return mirror;
  }

  get store(): RemoteStore {
    return this.#store;
  }

  /** From its next start on it mirrors another folder of another store. */
  moveTo(store: RemoteStore, folder: RemoteFolder): void {
    this.#store = store;
    this.#folder = folder;
  }

  get indexPath(): string {
    return join(this.directory, '.mila-sync', 'index.sqlite');
  }

  get engine(): SyncEngine {
    if (this.#engine === undefined) throw new Error('the mirror is not started');
    return this.#engine;
  }

  get index(): VersionIndex {
    if (this.#index === undefined) throw new Error('the mirror is not started');
    return this.#index;
  }

  /** Start the engine and wait until both sides agreed. */
  async start(options: { deletionsMax?: number; clock?: Clock } = {}): Promise<void> {
    this.#index = VersionIndex.open(this.indexPath);
    const replica = Replica.open(this.#index, this.#folder);
    this.#engine = new SyncEngine({
      store: this.store,
      replica,
      disk: new LocalDisk(this.root),
      watch: startWatcher,
      filter: this.#filter,
      clock: systemClock(),
      random: seededRandom(1),
      logger: silentLogger,
      ...options,
    });
    this.#running = this.#engine.run();
    this.#running.catch(() => undefined);
    await Promise.race([this.#engine.ready(), this.#running]);
  }

  async stop(): Promise<void> {
    this.#engine?.stop();
    await this.#running;
    this.#index?.close();
    this.#index = undefined;
  }

  async destroy(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  path(...names: string[]): string {
    return join(this.root.path, ...names);
  }

  /** Every file's path and content, and every folder's path with a slash. */
  async snapshot(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const visit = async (folder: string, prefix: string): Promise<void> => {
      for (const name of (await readdir(folder)).sort()) {
        const path = join(folder, name);
        const isFolder = (await stat(path)).isDirectory();
        if (isFolder) {
          found[`${prefix}${name}/`] = '';
          await visit(path, `${prefix}${name}/`);
        } else found[`${prefix}${name}`] = await readFile(path, 'utf8');
      }
    };
    await visit(this.root.path, '');
    return found;
  }
}
