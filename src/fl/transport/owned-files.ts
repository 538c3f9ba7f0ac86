import { TASK_FILE } from '../round/run-folder.ts';
import type { ForeignFile, RunOwner } from '../round/server-ownership.ts';
import { foreignWriter, ownerOf } from '../round/server-ownership.ts';
import type { Workdir, WorkdirEntry } from './workdir.ts';

/**
 * The server's files of one run, as a client may take them: those that the run's owner wrote.
 *
 * Guarantees: the owner is settled once it is known, so that a file put in another's place later changes nothing; where
 * nobody can tell who wrote a file, everything is the server's.
 */
export class OwnedFiles {
  readonly #workdir: Workdir;
  readonly #run: string;
  readonly #named: string | null;
  readonly #found = new Map<string, ForeignFile>();
  readonly #told = new Set<string>();
  #owner: RunOwner | null = null;

  /** `named`: the server's account, where this site names it. */
  constructor(workdir: Workdir, run: string, named: string | null = null) {
    this.#workdir = workdir;
    this.#run = run;
    this.#named = named;
  }

  /** Who may write for the server; null while nobody can tell. */
  async owner(): Promise<RunOwner | null> {
    if (!this.#workdir.identifies) return null;
    if (this.#owner !== null) return this.#owner;
    const folder = (await this.#workdir.list('')).find(({ name }) => name === this.#run);
    const task = (await this.#workdir.list(this.#run)).find(({ name }) => name === TASK_FILE);
    this.#owner = ownerOf(this.#named, folder?.createdBy, task);
    return this.#owner;
  }

  /** Those of a folder's entries that are the server's, the others noted: to be asked of names that are the server's. */
  async own<Entry extends WorkdirEntry>(
    folder: string,
    entries: readonly Entry[],
  ): Promise<readonly Entry[]> {
    const owner = await this.owner();
    if (owner === null) return entries;
    return entries.filter((entry) => {
      const by = entry.kind === 'folder' ? null : foreignWriter(owner, entry);
      if (by !== null) this.note(`${folder}/${entry.name}`, by);
      return by === null;
    });
  }

  /** Remember a file to tell of. */
  note(path: string, by: ForeignFile['by']): void {
    this.#found.set(`${path} ${by.id}`, { path, by });
  }

  /** A small file's bytes, if the server wrote them; undefined otherwise. Errors: as `Workdir.read`. */
  async read(path: string, maxBytes: number): Promise<Buffer | undefined> {
    if ((await this.owner()) === null) return this.#workdir.read(path, maxBytes);
    const before = await this.#entry(path);
    // Until the owner's version has arrived, the bytes that stand there are the former writer's.
    if (before?.present !== true) return undefined;
    const bytes = await this.#workdir.read(path, maxBytes);
    // What was read is whose the listing says only if nothing came in between.
    return (await this.#entry(path))?.version === before.version ? bytes : undefined;
  }

  async #entry(path: string): Promise<WorkdirEntry | undefined> {
    const entry = await this.#workdir.entry(path);
    return entry && (await this.own(path.slice(0, path.lastIndexOf('/')), [entry]))[0];
  }

  /** What was found to be somebody else's and was not told yet. */
  takeForeign(): readonly ForeignFile[] {
    const fresh = [...this.#found].filter(([key]) => !this.#told.has(key));
    for (const [key] of fresh) this.#told.add(key);
    this.#found.clear();
    return fresh.map(([, file]) => file);
  }
}
