import type { FileSystem, Guard, OpenFile } from '../../src/sync/local/file-system.ts';
import type { StatFacts } from '../../src/sync/local/stat-facts.ts';
import { type DiskNode, type SimDisk, systemError } from './sim-disk.ts';

/** Every effect passes here twice: what is asked may fail, and the program may die, before it and after it. */
export interface Gate {
  pass(moment: 'before' | 'after', effect: string, subject: string): Promise<void>;
  /** Told of a file that the engine is about to remove, its guards holding. */
  removes(path: string): void;
}

/** The simulated disk as the engine sees it. */
export class SimFiles implements FileSystem {
  readonly #disk: SimDisk;
  readonly #gate: Gate;

  constructor(disk: SimDisk, gate: Gate) {
    this.#disk = disk;
    this.#gate = gate;
  }

  facts(path: string): Promise<StatFacts | undefined> {
    return this.#do('facts', path, () => {
      const node = this.#disk.find(path);
      return node === undefined ? undefined : this.#disk.facts(node);
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#do('list', path, () => {
      const node = this.#disk.require(path);
      if (node.kind === 'file') throw systemError('ENOTDIR', path);
      return [...node.entries.keys()];
    });
  }

  realPath(path: string): Promise<string> {
    return this.#do('real-path', path, () => {
      this.#disk.require(path);
      return path;
    });
  }

  makeFolder(path: string): Promise<void> {
    return this.#do('make-folder', path, () => this.#disk.makeFolder(path));
  }

  makeFolders(path: string): Promise<void> {
    return this.#do('make-folders', path, () => this.#disk.makeFolders(path));
  }

  link(from: string, to: string): Promise<void> {
    return this.#do('link', to, () => this.#disk.link(from, to));
  }

  rename(from: string, to: string, guards: readonly Guard[] = []): Promise<boolean> {
    return this.#do('rename', `${from} -> ${to}`, () => this.#if(guards, () => this.#disk.rename(from, to)));
  }

  removeFile(path: string, guards: readonly Guard[] = []): Promise<boolean> {
    return this.#do('remove-file', path, () =>
      this.#if(guards, () => {
        this.#gate.removes(path);
        this.#disk.removeFile(path);
      }),
    );
  }

  removeFolder(path: string): Promise<void> {
    return this.#do('remove-folder', path, () => this.#disk.removeFolder(path));
  }

  discard(path: string): Promise<void> {
    return this.#do('discard', path, () => {
      if (this.#disk.find(path) !== undefined) this.#disk.removeFile(path);
    });
  }

  setModified(path: string, modifiedAtMs: number): Promise<void> {
    return this.#do('set-modified', path, () => this.#disk.setModified(path, modifiedAtMs));
  }

  async open(path: string, mode: 'read' | 'write' | 'append'): Promise<OpenFile> {
    const node = await this.#do('open', path, () => {
      if (mode !== 'read') return this.#disk.create(path, mode === 'write');
      const found = this.#disk.require(path);
      if (found.kind === 'folder') throw systemError('EISDIR', path);
      return found;
    });
    return this.#opened(node, path);
  }

  syncFolder(path: string): Promise<void> {
    return this.#do('sync-folder', path, () => this.#disk.sync());
  }

  roomBytes(path: string): Promise<number> {
    return this.#do('room', path, () => this.#disk.roomBytes);
  }

  writersOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#do('writers', '', () => {
      const held = paths.filter((path) => this.#disk.isOpen(this.#disk.find(path)));
      return new Map(held.map((path) => [path, 'a program']));
    });
  }

  takeOverMode(path: string): Promise<void> {
    return this.#do('mode', path, () => void this.#disk.require(path));
  }

  #opened(node: DiskNode, path: string): OpenFile {
    return {
      facts: () => this.#do('facts', path, () => this.#disk.facts(node)),
      read: (buffer, position) =>
        this.#do('read', path, () => node.bytes.copy(buffer, 0, position, position + buffer.byteLength)),
      write: (bytes) =>
        this.#do('write', path, () =>
          this.#disk.write(node, Buffer.concat([node.bytes, bytes]), 'engine', path),
        ),
      sync: () => this.#do('sync', path, () => this.#disk.sync(node)),
      syncData: () => this.#do('sync-data', path, () => this.#disk.syncData(node)),
      close: () => this.#do('close', path, () => {}),
    };
  }

  #if(guards: readonly Guard[], effect: () => void): boolean {
    const hold = guards.every(({ path, holds }) => {
      const node = this.#disk.find(path);
      return holds(node === undefined ? undefined : this.#disk.facts(node));
    });
    if (hold) effect();
    return hold;
  }

  async #do<Result>(effect: string, subject: string, act: () => Result): Promise<Result> {
    await this.#gate.pass('before', effect, subject);
    const result = act();
    await this.#gate.pass('after', effect, subject);
    return result;
  }
}
