import { Readable } from 'node:stream';
import { type Clock, delay } from '../../clock.ts';
import { CorruptError, RejectedError, StaleError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';
import { disturbed, type MemoryCall, type MemoryFault } from './memory-faults.ts';
import { abortedError, collect, sha1Of } from './memory-upload.ts';
import {
  currentOf,
  describe,
  describeVersion,
  MEMORY_ROOT,
  type MemoryItem,
  type MemoryVersion,
  MemoryWorld,
  memoryGone,
  wholeSeconds,
} from './memory-world.ts';
import type {
  ChangeHint,
  ChangePage,
  DownloadRequest,
  NewFile,
  NewVersion,
  Relocation,
  RemoteStore,
  RemoteVersion,
  Removal,
  TransferOptions,
  Visibility,
} from './remote-store.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly user: RemoteUser;
  /** Stores of one world share one Box. Default: a world of its own. */
  readonly world?: MemoryWorld;
  readonly fault?: (call: MemoryCall) => MemoryFault | undefined;
  /** Asked at each reading of the feed: true to tell only a part, of whose rest the waiting knows nothing. */
  readonly readsShort?: () => boolean;
  /** Duplicate, reorder or lose what the feed tells. */
  readonly disturbHints?: (hints: readonly ChangeHint[]) => readonly ChangeHint[];
  /** How long an event takes until the feed has it. Units: milliseconds. Default 0. */
  readonly eventDelayMs?: number;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * A RemoteStore without a network: for tests, and for the simulation, where time is the injected clock's.
 *
 * Guarantees: keeps the port's promises; the same calls in the same order give the same ids, etags and events.
 */
export class MemoryStore implements RemoteStore {
  readonly world: MemoryWorld;
  readonly #options: MemoryStoreOptions;
  readonly #closing = new AbortController();
  /** Up to here the feed was asked, though not all of it was told. */
  #toldUpTo = 0;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.world = options.world ?? new MemoryWorld(() => options.clock.now());
  }

  /** Nothing to narrow: there are no tokens. */
  confine(): void {}

  async account(): Promise<RemoteUser> {
    return this.#options.user;
  }

  findFolder(path: readonly string[], signal?: AbortSignal): Promise<RemoteFolder | undefined> {
    return this.#run({ operation: 'findFolder' }, signal, () => {
      let folder = this.world.find(MEMORY_ROOT, this.#userId);
      for (const name of path) {
        const found = folder && this.world.holder(folder.id, name);
        folder = found?.kind === 'folder' ? this.world.find(found.id, this.#userId) : undefined;
      }
      return folder === undefined ? undefined : describeFolder(folder);
    });
  }

  get(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<RemoteEntry | undefined> {
    return this.#run({ operation: 'get', id }, signal, () => {
      const item = this.world.find(id, this.#userId);
      return item?.kind === kind ? describe(item) : undefined;
    });
  }

  visibility(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<Visibility> {
    return this.#run({ operation: 'visibility', id }, signal, () =>
      this.world.visibility(id, kind, this.#userId),
    );
  }

  list(folderId: RemoteId, signal?: AbortSignal): Promise<readonly RemoteEntry[] | undefined> {
    return this.#run({ operation: 'list', id: folderId }, signal, () => {
      const folder = this.world.find(folderId, this.#userId);
      if (folder?.kind !== 'folder') return undefined;
      return this.world.children(folderId, this.#userId).map(describe);
    });
  }

  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder> {
    return this.#run({ operation: 'createFolder', id: parentId, name }, signal, () => {
      this.world.require(parentId, this.#userId);
      this.world.checkName(name);
      this.world.checkFree(parentId, name);
      const createdBy = this.#options.user;
      return describeFolder(this.world.add({ kind: 'folder', name, parentId, createdBy, versions: [] }));
    });
  }

  async upload({ parentId, name, source }: NewFile, options: TransferOptions = {}): Promise<RemoteFile> {
    const bytes = await collect(source, options);
    return this.#run({ operation: 'upload', id: parentId, name }, options.signal, () => {
      this.world.require(parentId, this.#userId);
      this.world.checkName(name);
      const holder = this.world.holder(parentId, name);
      if (holder?.kind === 'file' && holder.name === name && currentOf(holder).sha1 === source.sha1) {
        return describeFile(holder);
      }
      this.world.checkFree(parentId, name);
      const versions = [this.#version(name, bytes, source)];
      const createdBy = this.#options.user;
      return describeFile(this.world.add({ kind: 'file', name, parentId, createdBy, versions }));
    });
  }

  async uploadVersion(
    { id, etag, name, source }: NewVersion,
    options: TransferOptions = {},
  ): Promise<RemoteFile> {
    const bytes = await collect(source, options);
    return this.#run({ operation: 'uploadVersion', id, name }, options.signal, () => {
      const file = this.#file(id);
      if (String(file.etag) !== etag) {
        if (currentOf(file).sha1 === source.sha1) return describeFile(file);
        throw movedOn(file, etag);
      }
      this.world.addVersion(file, this.#version(file.name, bytes, source));
      return describeFile(file);
    });
  }

  async download(request: DownloadRequest, options: TransferOptions = {}): Promise<Readable> {
    const { id, versionId, offset = 0, expected } = request;
    let fault: MemoryFault | undefined;
    const version = await this.#run(
      { operation: 'download', id },
      options.signal,
      () => {
        const found = this.#file(id).versions.find((candidate) => candidate.id === versionId);
        if (found === undefined) throw memoryGone(id);
        return found;
      },
      (seen) => {
        fault = seen;
      },
    );
    const outcome = disturbed(version.bytes, fault);
    async function* chunks() {
      for (let at = offset; at < outcome.bytes.byteLength; at += CHUNK_BYTES) {
        if (options.signal?.aborted) throw abortedError();
        const chunk = outcome.bytes.subarray(at, at + CHUNK_BYTES);
        options.onBytes?.(chunk.byteLength);
        yield chunk;
      }
      if (outcome.error !== undefined) throw outcome.error;
      if (expected !== undefined && offset === 0 && sha1Of(outcome.bytes) !== expected.sha1) {
        throw new CorruptError({ code: 'download-corrupt', message: `File ${id} did not arrive as it is` });
      }
    }
    return Readable.from(chunks(), { objectMode: false });
  }

  relocate(relocation: Relocation, signal?: AbortSignal): Promise<RemoteEntry> {
    const { id, kind, parentId, name, etag } = relocation;
    return this.#run({ operation: 'relocate', id, name }, signal, () => {
      const item = this.world.require(id, this.#userId);
      if (item.kind !== kind) throw memoryGone(id);
      if (item.parentId === parentId && item.name === name) return describe(item);
      if (String(item.etag) !== etag) throw movedOn(item, etag);
      this.world.require(parentId, this.#userId);
      this.world.checkName(name);
      this.world.checkFree(parentId, name, id);
      this.#refuseCycle(item, parentId);
      item.parentId = parentId;
      item.name = name;
      this.world.touch(item);
      return describe(item);
    });
  }

  remove({ id, kind, etag }: Removal, signal?: AbortSignal): Promise<'removed' | 'unseen'> {
    return this.#run({ operation: 'remove', id }, signal, () => {
      const item = this.world.find(id, this.#userId);
      if (item === undefined || item.kind !== kind) return 'unseen';
      if (String(item.etag) !== etag) throw movedOn(item, etag);
      item.trashed = true;
      this.world.touch(item);
      return 'removed';
    });
  }

  versions(id: RemoteId, signal?: AbortSignal): Promise<readonly RemoteVersion[]> {
    return this.#run({ operation: 'versions', id }, signal, () => {
      const versions = this.#file(id).versions.toReversed();
      return versions.map((version, index) => describeVersion(version, index === 0));
    });
  }

  promote(id: RemoteId, versionId: string, signal?: AbortSignal): Promise<RemoteFile> {
    return this.#run({ operation: 'promote', id }, signal, () => {
      const file = this.#file(id);
      const version = file.versions.find((candidate) => candidate.id === versionId);
      if (version === undefined) {
        throw new RejectedError({
          code: 'version-missing',
          message: `File ${id} has no version ${versionId}`,
        });
      }
      if (version === currentOf(file)) return describeFile(file);
      if (file.parentId !== null) this.world.checkFree(file.parentId, version.name, id);
      file.versions.push(this.#version(version.name, version.bytes, version));
      file.name = version.name;
      this.world.touch(file);
      return describeFile(file);
    });
  }

  position(signal?: AbortSignal): Promise<string> {
    return this.#run({ operation: 'position' }, signal, () => String(this.world.lastSequence));
  }

  changes(position: string, signal?: AbortSignal): Promise<ChangePage> {
    return this.#run({ operation: 'changes' }, signal, () => {
      const from = Number(position);
      if (!Number.isSafeInteger(from) || this.world.isForgotten(from)) {
        return { hints: [], position: String(this.world.lastSequence), gap: true, ended: true };
      }
      const all = this.#visibleAfter(from);
      const ended = all.length < 2 || this.#options.readsShort?.() !== true;
      const events = ended ? all : all.slice(0, Math.ceil(all.length / 2));
      if (!ended) this.#toldUpTo = all.at(-1)?.sequence ?? from;
      const hints = events.map(({ itemId, kind, parentId, accessChanged, file, folder }) => ({
        itemId,
        kind,
        parentId,
        accessChanged,
        ...(file === undefined ? {} : { file }),
        ...(folder === undefined ? {} : { folder }),
      }));
      const disturb = this.#options.disturbHints ?? ((all: readonly ChangeHint[]) => all);
      return { hints: disturb(hints), position: String(events.at(-1)?.sequence ?? from), gap: false, ended };
    });
  }

  async waitForChange(position: string, signal: AbortSignal): Promise<void> {
    const fault = this.#options.fault?.({ operation: 'waitForChange', user: this.#userId });
    if (fault?.kind === 'fail') throw fault.error;
    const from = Number(position);
    const knownTo = Math.max(from, this.#toldUpTo);
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    while (!ended.aborted && this.#visibleAfter(knownTo).length === 0 && !this.world.isForgotten(from)) {
      await this.#nextSign(knownTo, ended);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  get #userId(): string {
    return this.#options.user.id;
  }

  /** Resolves when a new event came, when a late one becomes visible, or when the waiting ends. */
  async #nextSign(from: number, ended: AbortSignal): Promise<void> {
    const sign = new AbortController();
    const stop = this.world.listen(() => sign.abort());
    const wake = AbortSignal.any([ended, sign.signal]);
    const pending = this.world.eventsAfter(from, this.#userId)[0];
    if (pending !== undefined) {
      const dueMs = pending.atMs + (this.#options.eventDelayMs ?? 0) - this.#options.clock.now();
      await delay(this.#options.clock, Math.max(0, dueMs), wake);
    } else {
      await new Promise<void>((resolve) => {
        wake.addEventListener('abort', () => resolve(), { once: true });
        if (wake.aborted) resolve();
      });
    }
    stop();
  }

  #visibleAfter(sequence: number) {
    const horizonMs = this.#options.clock.now() - (this.#options.eventDelayMs ?? 0);
    const events = this.world.eventsAfter(sequence, this.#userId);
    const firstLate = events.findIndex(({ atMs }) => atMs > horizonMs);
    return firstLate === -1 ? events : events.slice(0, firstLate);
  }

  #file(id: RemoteId): MemoryItem {
    const item = this.world.require(id, this.#userId);
    if (item.kind !== 'file') throw memoryGone(id);
    return item;
  }

  #version(
    name: string,
    bytes: Uint8Array,
    { sha1, modifiedAtMs }: Pick<MemoryVersion, 'sha1' | 'modifiedAtMs'>,
  ): MemoryVersion {
    return {
      id: this.world.nextId(),
      name,
      sha1,
      bytes,
      modifiedAtMs: wholeSeconds(Math.max(0, modifiedAtMs)),
      receivedAtMs: wholeSeconds(this.world.nowMs()),
      modifiedBy: this.#options.user,
    };
  }

  #refuseCycle(item: MemoryItem, parentId: RemoteId): void {
    for (let above = this.world.find(parentId, this.#userId); above !== undefined; ) {
      if (above.id === item.id) {
        throw new RejectedError({ code: 'cyclic-move', message: 'A folder cannot go into itself' });
      }
      above = above.parentId === null ? undefined : this.world.find(above.parentId, this.#userId);
    }
  }

  /** Let one call happen, with the fault that the hook wants for it. */
  async #run<T>(
    call: Omit<MemoryCall, 'user'>,
    signal: AbortSignal | undefined,
    effect: () => T,
    onFault?: (fault: MemoryFault | undefined) => void,
  ): Promise<T> {
    const fault = this.#options.fault?.({ ...call, user: this.#userId });
    if (fault?.kind === 'delay') await delay(this.#options.clock, fault.delayMs, signal);
    else await Promise.resolve();
    if (signal?.aborted) throw abortedError();
    if (fault?.kind === 'fail') throw fault.error;
    const result = effect();
    if (fault?.kind === 'lose-answer') throw fault.error;
    onFault?.(fault);
    return result;
  }
}

function movedOn(item: MemoryItem, expected: string): StaleError {
  return new StaleError({
    code: 'etag-moved',
    message: `Item ${item.id} changed since it was looked at`,
    data: { id: item.id, found: String(item.etag), expected },
  });
}

function describeFolder(item: MemoryItem): RemoteFolder {
  const entry = describe(item);
  if (entry.kind !== 'folder') throw memoryGone(item.id);
  return entry;
}

function describeFile(item: MemoryItem): RemoteFile {
  const entry = describe(item);
  if (entry.kind !== 'file') throw memoryGone(item.id);
  return entry;
}
