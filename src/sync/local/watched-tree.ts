import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { FewAtOnce } from './few-at-once.ts';
import { FolderWatcher } from './folder-watcher.ts';

/** Folders that are taken in at the same time. */
const OPENINGS_MAX = 4;

/** One folder of the tree; without a watcher while it is being taken in. */
interface WatchedFolder {
  readonly path: string;
  readonly folders: Map<string, WatchedFolder>;
  watcher: FolderWatcher | undefined;
  isClosed: boolean;
  /** Names told of since it was last looked at: what has them may be something else now. */
  renamed: Set<string>;
  /** The look that runs or waits last. */
  looked: Promise<void>;
}

interface WatchedTreeOptions {
  readonly path: string;
  readonly ignored: (path: string) => boolean;
  readonly onHint: (path: string) => void;
  readonly onError: (error: unknown) => void;
  /** The names in a folder changed: it is to be looked at again. */
  readonly onNames: (folder: string) => void;
}

/** Whether a folder was there before, or came so newly that what stands in it may have come before its watch. */
type Age = 'old' | 'new';

/**
 * The watched folders of a tree.
 *
 * Guarantees: a folder is listed after its watch is up, so nothing in it stays unknown; what stands in a new folder
 * is hinted at; a folder that another one took the path of is watched anew.
 */
export class WatchedTree {
  readonly #options: WatchedTreeOptions;
  readonly #openings = new FewAtOnce(OPENINGS_MAX);
  readonly #root: WatchedFolder;
  #closed = false;

  constructor(options: WatchedTreeOptions) {
    this.#options = options;
    this.#root = folderAt(options.path);
  }

  /** Watch everything that is there. */
  async open(): Promise<void> {
    await this.#takeIn(this.#root, 'old').catch((error: unknown) => this.#options.onError(error));
    await this.#openings.idle();
  }

  /**
   * Look at a folder again: take in new folders below it, and let go of those that went.
   *
   * One look after the other: a listing that was overtaken would let go of what a later one took in.
   */
  look(path: string): void {
    const folder = this.#find(path);
    if (folder === undefined) return;
    folder.looked = folder.looked.then(() => this.#lookNow(folder)).catch(this.#options.onError);
  }

  async #lookNow(folder: WatchedFolder): Promise<void> {
    if (folder.watcher === undefined || folder.isClosed || this.#closed) return;
    const { renamed } = folder;
    folder.renamed = new Set();
    const there = new Map((await this.#entriesOf(folder)).map((entry) => [entry.name, entry]));
    for (const [name, below] of folder.folders) {
      const isThere = there.get(name)?.isDirectory() === true;
      if (!isThere || (renamed.has(name) && (await below.watcher?.isAt(below.path)) === false))
        await this.#letGo(folder, name);
    }
    for (const entry of there.values())
      if (entry.isDirectory() && !folder.folders.has(entry.name)) this.#add(folder, entry.name, 'new');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#openings.clear();
    await this.#closeAll(this.#root);
    await this.#openings.idle();
  }

  #add(parent: WatchedFolder, name: string, age: Age): void {
    const folder = folderAt(join(parent.path, name));
    if (this.#closed || this.#options.ignored(folder.path)) return;
    parent.folders.set(name, folder);
    if (age === 'new') this.#options.onHint(folder.path);
    const failed = (error: unknown) => {
      // Gone again before it could be watched: as if it had never been there. Its parent tells if it comes back.
      if (parent.folders.get(name) === folder) parent.folders.delete(name);
      if (!isGone(error)) this.#options.onError(error);
    };
    this.#openings.add(() => this.#takeIn(folder, age).catch(failed));
  }

  async #takeIn(folder: WatchedFolder, age: Age): Promise<void> {
    if (folder.isClosed || this.#closed) return;
    const { ignored, onHint, onError, onNames } = this.#options;
    const watcher = await FolderWatcher.open(folder.path, {
      onEntry: (path) => {
        if (!ignored(path)) onHint(path);
      },
      onName: (name) => {
        if (name !== undefined) folder.renamed.add(name);
        onNames(folder.path);
      },
      onError,
    });
    if (folder.isClosed || this.#closed) return watcher.close();
    folder.watcher = watcher;
    if (!(await watcher.isAt(folder.path))) {
      // Replaced while it was taken in: the watcher may be at what was moved away.
      folder.watcher = undefined;
      await watcher.close();
      return this.#takeIn(folder, 'new');
    }
    // What changed in it before it was watched, nobody told.
    if (age === 'new') onHint(folder.path);
    for (const entry of await this.#entriesOf(folder)) {
      if (entry.isDirectory()) this.#add(folder, entry.name, age);
      else if (age === 'new' && !ignored(join(folder.path, entry.name)))
        onHint(join(folder.path, entry.name));
    }
  }

  async #entriesOf(folder: WatchedFolder) {
    // A folder that is gone meanwhile has nothing to tell.
    return readdir(folder.path, { withFileTypes: true }).catch(() => []);
  }

  #find(path: string): WatchedFolder | undefined {
    const { path: root } = this.#root;
    let folder: WatchedFolder | undefined = this.#root;
    for (const name of path.slice(root.length).split(sep).filter(Boolean)) folder = folder?.folders.get(name);
    return folder;
  }

  async #letGo(parent: WatchedFolder, name: string): Promise<void> {
    const folder = parent.folders.get(name);
    parent.folders.delete(name);
    if (folder !== undefined) await this.#closeAll(folder);
  }

  async #closeAll(folder: WatchedFolder): Promise<void> {
    folder.isClosed = true;
    await folder.watcher?.close();
    for (const below of folder.folders.values()) await this.#closeAll(below);
  }
}

function folderAt(path: string): WatchedFolder {
  return {
    path,
    folders: new Map(),
    watcher: undefined,
    isClosed: false,
    renamed: new Set(),
    looked: Promise.resolve(),
  };
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
