import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Random, randomBelow } from '../../src/random.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import type { MemoryItem, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { UploadSource } from '../../src/sync/remote/remote-store.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import type { Oracle } from './oracle.ts';
import type { SimClock } from './sim-clock.ts';
import type { Trace } from './trace.ts';

interface WebUserOptions {
  readonly world: MemoryWorld;
  readonly folder: RemoteFolder;
  readonly clock: SimClock;
  readonly random: Random;
  readonly oracle: Oracle;
  readonly trace: Trace;
}

const NAMES = { file: ['a.txt', 'b.pt', 'c'], folder: ['rounds', 'x'] } as const;

/** Somebody who works in the shared folder in a browser. */
export class WebUser {
  readonly #options: WebUserOptions;
  readonly #store: MemoryStore;
  #count = 0;

  constructor(options: WebUserOptions) {
    const { clock, world } = options;
    this.#options = options;
    this.#store = new MemoryStore({ clock, world, user: { id: 'web', name: 'web' } });
  }

  /** Do one thing; what Box refuses is refused. */
  async act(): Promise<void> {
    const { random, trace } = this.#options;
    const luck = random.next();
    const doing =
      luck < 0.3 ? this.#create() : luck < 0.5 ? this.#edit() : luck < 0.75 ? this.#move() : this.#remove();
    await doing.catch((error: unknown) => trace.note('web', String(error)));
  }

  /** Everything below the shared folder by path: what every mirror must come to show. */
  tree(): Map<string, string> {
    const { world, folder } = this.#options;
    const found = new Map<string, string>();
    const visit = (id: RemoteFolder['id'], prefix: string): void => {
      for (const item of world.children(id, 'web')) {
        const bytes = item.versions.at(-1)?.bytes;
        found.set(`${prefix}${item.name}`, bytes === undefined ? '/' : Buffer.from(bytes).toString());
        if (item.kind === 'folder') visit(item.id, `${prefix}${item.name}/`);
      }
    };
    visit(folder.id, '');
    return found;
  }

  async #create(): Promise<void> {
    const { random, trace } = this.#options;
    const parent = this.#pick('folder')?.id ?? this.#options.folder.id;
    const kind = random.next() < 0.7 ? 'file' : 'folder';
    const name = this.#name(kind);
    trace.note('web', `creates ${kind} ${name} in ${parent}`);
    if (kind === 'folder') await this.#store.createFolder(parent, name);
    else await this.#store.upload({ parentId: parent, name, source: this.#source() });
  }

  async #edit(): Promise<void> {
    const file = this.#pick('file');
    if (file === undefined) return;
    this.#options.trace.note('web', `edits ${file.name} (${file.id})`);
    this.#givesUp(file);
    await this.#store.uploadVersion({
      id: file.id,
      etag: String(file.etag),
      name: file.name,
      source: this.#source(),
    });
  }

  async #move(): Promise<void> {
    const { random, folder, trace } = this.#options;
    const kind = random.next() < 0.6 ? 'file' : 'folder';
    const item = this.#pick(kind);
    if (item === undefined || item.id === folder.id) return;
    const parentId = this.#pick('folder')?.id ?? folder.id;
    const name = random.next() < 0.5 ? item.name : this.#name(kind);
    trace.note('web', `moves ${item.name} (${item.id}) to ${name} in ${parentId}`);
    await this.#store.relocate({ id: item.id, kind, parentId, name, etag: String(item.etag) });
  }

  async #remove(): Promise<void> {
    const { random, folder, trace } = this.#options;
    const kind = random.next() < 0.7 ? 'file' : 'folder';
    const item = this.#pick(kind);
    if (item === undefined || item.id === folder.id) return;
    trace.note('web', `removes ${item.name} (${item.id})`);
    this.#givesUp(item);
    await this.#store.remove({ id: item.id, kind, etag: String(item.etag) });
  }

  /** What stands in an item is somebody's to delete. */
  #givesUp(item: MemoryItem): void {
    const { world, oracle } = this.#options;
    const bytes = item.versions.at(-1)?.bytes;
    if (bytes !== undefined) oracle.givesUp([Buffer.from(bytes).toString()]);
    for (const child of world.children(item.id, 'web')) this.#givesUp(child);
  }

  #name(kind: 'file' | 'folder'): string {
    const names = NAMES[kind];
    return names[randomBelow(this.#options.random, names.length)] ?? 'c';
  }

  /** An item of the shared folder that is neither deleted nor somebody's counter. */
  #pick(kind: 'file' | 'folder'): MemoryItem | undefined {
    const { world, folder, random } = this.#options;
    const found: MemoryItem[] = [];
    const visit = (id: RemoteFolder['id']): void => {
      for (const item of world.children(id, 'web')) {
        if (item.kind === kind && !item.name.startsWith('beat-')) found.push(item);
        if (item.kind === 'folder') visit(item.id);
      }
    };
    visit(folder.id);
    return found[randomBelow(random, found.length + (kind === 'folder' ? 1 : 0))];
  }

  #source(): UploadSource {
    this.#count += 1;
    const content = `web wrote ${this.#count} `.padEnd(20 + randomBelow(this.#options.random, 200), '.');
    this.#options.oracle.finishes(undefined, content);
    // What Box refuses was never anywhere.
    this.#options.oracle.discards(content);
    const bytes = Buffer.from(content);
    const sha1 = createHash('sha1').update(bytes).digest('hex');
    return {
      sizeBytes: bytes.byteLength,
      sha1,
      modifiedAtMs: this.#options.clock.now(),
      open: () => Readable.from([bytes], { objectMode: false }),
    };
  }
}
