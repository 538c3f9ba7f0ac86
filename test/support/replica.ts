import { TEMPORARY_SUFFIX } from '../../src/atomic-file.ts';
import { InvariantError } from '../../src/errors.ts';
import type { Identity, Workdir, WorkdirEntry } from '../../src/fl/transport/workdir.ts';

/** A file of the simulated shared folder. */
export interface ReplicaFile {
  readonly content: string;
  /** Grows with every write anywhere, so that the newer of two is known. */
  readonly version: number;
  readonly createdBy: Identity | null;
  readonly modifiedBy: Identity | null;
}

/** One site's copy of the shared folder, in memory; writes are stamped with the site's account. */
export class Replica implements Workdir {
  readonly description = 'a simulated folder';
  readonly identifies: boolean;
  readonly files = new Map<string, ReplicaFile>();
  readonly folders = new Set<string>();
  /** Deletions, so that they travel too. */
  readonly deleted = new Map<string, number>();
  isConnected = true;
  readonly #nextVersion: () => number;
  readonly #account: Identity | null;

  constructor(nextVersion: () => number, account: Identity | null = null) {
    this.#nextVersion = nextVersion;
    this.#account = account;
    this.identifies = account !== null;
  }

  account(): Identity | null {
    return this.#account;
  }

  connected(): boolean {
    return this.isConnected;
  }

  async list(path: string): Promise<readonly WorkdirEntry[]> {
    const prefix = path === '' ? '' : `${path}/`;
    const entries = new Map<string, WorkdirEntry>();
    for (const folder of this.folders) this.#addFolder(entries, prefix, `${folder}/x`);
    for (const [full, file] of this.files) {
      if (!full.startsWith(prefix)) continue;
      const rest = full.slice(prefix.length);
      if (rest.includes('/')) this.#addFolder(entries, prefix, full);
      else if (!rest.endsWith(TEMPORARY_SUFFIX)) entries.set(rest, entryOf(rest, file));
    }
    return [...entries.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async entry(path: string): Promise<WorkdirEntry | undefined> {
    const cut = path.lastIndexOf('/');
    return (await this.list(path.slice(0, Math.max(0, cut)))).find(
      ({ name }) => name === path.slice(cut + 1),
    );
  }

  #addFolder(entries: Map<string, WorkdirEntry>, prefix: string, full: string): void {
    if (!full.startsWith(prefix)) return;
    const name = full.slice(prefix.length).split('/')[0] ?? '';
    if (name === 'x' || entries.has(name)) return;
    entries.set(name, { ...entryOf(name, EMPTY), kind: 'folder' });
  }

  async read(path: string): Promise<Buffer | undefined> {
    const file = this.files.get(path);
    return file === undefined ? undefined : Buffer.from(file.content);
  }

  text(path: string): string | undefined {
    return this.files.get(path)?.content;
  }

  absolutePath(path: string): string {
    return path;
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    this.put(path, typeof content === 'string' ? content : Buffer.from(content).toString('utf8'));
  }

  put(path: string, content: string): void {
    const createdBy = this.files.get(path)?.createdBy ?? this.#account;
    this.files.set(path, {
      content,
      version: this.#nextVersion(),
      createdBy,
      modifiedBy: this.#account,
    });
    this.deleted.delete(path);
  }

  async writeStream(): Promise<void> {
    throw new InvariantError({ code: 'not-simulated', message: 'the simulation writes whole files' });
  }

  async remove(path: string): Promise<void> {
    if (this.files.delete(path)) this.deleted.set(path, this.#nextVersion());
  }

  async makeFolder(path: string): Promise<void> {
    this.folders.add(path);
  }

  async watch() {
    return { close: async () => {} };
  }
}

const EMPTY: ReplicaFile = { content: '', version: 0, createdBy: null, modifiedBy: null };

function entryOf(name: string, file: ReplicaFile): WorkdirEntry {
  return {
    name,
    kind: 'file',
    sizeBytes: file.content.length,
    modifiedAtMs: file.version,
    version: String(file.version),
    present: true,
    createdBy: file.createdBy,
    modifiedBy: file.modifiedBy,
  };
}

/** The paths that stand differently in two replicas. */
export function differences(left: Replica, right: Replica): readonly string[] {
  const paths = new Set([
    ...left.files.keys(),
    ...right.files.keys(),
    ...left.deleted.keys(),
    ...right.deleted.keys(),
  ]);
  return [...paths].filter((path) => versionIn(left, path) !== versionIn(right, path)).sort();
}

function versionIn(replica: Replica, path: string): number {
  return replica.files.get(path)?.version ?? replica.deleted.get(path) ?? 0;
}

/** Carry the newer state of one path to the other side, as one finished transfer does. */
export function carry(left: Replica, right: Replica, path: string): void {
  const [from, to] = versionIn(left, path) > versionIn(right, path) ? [left, right] : [right, left];
  const file = from.files.get(path);
  if (file !== undefined) {
    to.files.set(path, file);
    to.deleted.delete(path);
  } else {
    to.files.delete(path);
    to.deleted.set(path, versionIn(from, path));
  }
  for (const folder of from.folders) to.folders.add(folder);
}
