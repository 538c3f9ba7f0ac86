import { join } from 'node:path';
import type { LocalId } from '../../ids.ts';
import { LocalDisk } from '../local/disk.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import type { MirrorRoot } from '../local/mirror-root.ts';
import type { StatFacts } from '../local/stat-facts.ts';
import type { LocalEntry, LocalFile } from '../tree/entry.ts';
import { recordedFault } from './recorded-entries.ts';
import type { Recorder } from './recorder.ts';
import type { NewLine, RecordedLocalEntry } from './recording-line.ts';

type Effect = Extract<NewLine, { kind: 'disk' }>['effect'];
type Names = readonly string[];

/** The disk with a record of every effect on it. Guarantees: as the disk itself. */
export class RecordedDisk extends LocalDisk {
  readonly #recorder: Recorder;

  constructor(root: MirrorRoot, recorder: Recorder) {
    super(root);
    this.#recorder = recorder;
  }

  override async place(
    stagedPath: string,
    names: Names,
    options: { replaces: LocalFile | null; modifiedAtMs: number },
  ): Promise<StatFacts> {
    const facts = await this.#told('place', names, null, () => super.place(stagedPath, names, options));
    this.#recorder.keepFile(this.root.resolve(names), facts.sizeBytes);
    return facts;
  }

  override makeFolder(names: Names): Promise<StatFacts> {
    return this.#told('make-folder', names, null, () => super.makeFolder(names));
  }

  override move(entry: LocalEntry, from: Names, to: Names): Promise<StatFacts> {
    return this.#told('move', from, to, () => super.move(entry, from, to));
  }

  override remove(entry: LocalEntry, names: Names): Promise<void> {
    return this.#told('remove', names, null, () => super.remove(entry, names));
  }

  override setAside(entry: LocalEntry, names: Names, stamp: string): Promise<string> {
    return this.#told('set-aside', names, null, () => super.setAside(entry, names, stamp));
  }

  async #told<Result>(
    effect: Effect,
    names: Names,
    to: Names | null,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const about = { kind: 'disk' as const, effect, path: names.join('/'), to: to?.join('/') ?? null };
    try {
      const result = await work();
      const size =
        typeof result === 'object' && result !== null && 'sizeBytes' in result ? result.sizeBytes : null;
      this.#recorder.write({ ...about, size_bytes: typeof size === 'number' ? size : null, fault: null });
      return result;
    } catch (error) {
      this.#recorder.write({ ...about, size_bytes: null, fault: recordedFault(error) });
      throw error;
    }
  }
}

/** An entry of the local tree as a recording holds it. */
export function recordedLocal(entry: LocalEntry, path: string): RecordedLocalEntry {
  const content = entry.kind === 'file' ? entry.content : null;
  return {
    kind: entry.kind,
    path,
    sha1: content?.sha1 ?? null,
    size_bytes: content?.sizeBytes ?? null,
    modified_at_ms: content?.modifiedAtMs ?? null,
  };
}

/** The local tree with a record of what the observer saw on the disk. */
export function recordedLocalTree(
  store: LocalTreeStore,
  root: MirrorRoot,
  recorder: Recorder,
): LocalTreeStore {
  const pathOf = (id: LocalId) => store.local.pathOf(id)?.join('/') ?? '';
  return {
    get local() {
      return store.local;
    },
    get localRoot() {
      return store.localRoot;
    },
    nextLocalId: () => store.nextLocalId(),
    storeLocal(changes) {
      const removed = changes.remove.map(pathOf);
      store.storeLocal(changes);
      const put = changes.put.map((entry) => recordedLocal(entry, pathOf(entry.id)));
      recorder.write({ kind: 'seen', put, removed });
      for (const { path, sha1, size_bytes: size } of put)
        if (sha1 !== null && size !== null && !recorder.isSettled(sha1, size))
          recorder.keepFile(join(root.path, path), size);
    },
  };
}
