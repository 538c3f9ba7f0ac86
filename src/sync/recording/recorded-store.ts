import { PassThrough, pipeline, type Readable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import type { RemoteId } from '../../ids.ts';
import type {
  DownloadRequest,
  NewFile,
  NewVersion,
  Relocation,
  RemoteStore,
  Removal,
  TransferOptions,
  UploadSource,
} from '../remote/remote-store.ts';
import type { EntryKind, RemoteEntry } from '../tree/entry.ts';
import { recordedEntry, recordedFault } from './recorded-entries.ts';
import type { Recorder } from './recorder.ts';
import type { RecordedCall } from './recording-line.ts';

type Args = Readonly<Record<string, unknown>>;

/** What a line tells of an answer. */
interface Shown {
  readonly entries?: readonly RemoteEntry[];
  readonly gone?: boolean;
  readonly answer?: Args;
}

const one = (entry: RemoteEntry): Shown => ({ entries: [entry] });
const maybe = (entry: RemoteEntry | undefined): Shown =>
  entry === undefined ? { gone: true } : { entries: [entry] };
const sent = ({ sizeBytes, sha1, modifiedAtMs }: UploadSource): Args => ({
  size_bytes: sizeBytes,
  sha1,
  modified_at_ms: modifiedAtMs,
});

/**
 * A RemoteStore that records everything that is asked of another one, and what it answers.
 *
 * Guarantees: answers, errors and streams pass through untouched; what is recorded holds names, ids, hashes and
 * accounts, and never a token, an address or an error's words; waiting for changes is not recorded.
 */
export class RecordedStore implements RemoteStore {
  readonly #store: RemoteStore;
  readonly #recorder: Recorder;
  readonly #clock: Clock;

  constructor(store: RemoteStore, recorder: Recorder, clock: Clock) {
    this.#store = store;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  account() {
    return this.#read(
      'account',
      {},
      () => this.#store.account(),
      ({ id, name }) => ({ answer: { id, name } }),
    );
  }

  findFolder(path: readonly string[], signal?: AbortSignal) {
    return this.#read('findFolder', { path }, () => this.#store.findFolder(path, signal), maybe);
  }

  get(id: RemoteId, kind: EntryKind, signal?: AbortSignal) {
    return this.#read('get', { id, kind }, () => this.#store.get(id, kind, signal), maybe);
  }

  visibility(id: RemoteId, kind: EntryKind, signal?: AbortSignal) {
    return this.#read(
      'visibility',
      { id, kind },
      () => this.#store.visibility(id, kind, signal),
      (visibility) => ({ answer: { visibility } }),
    );
  }

  list(folderId: RemoteId, signal?: AbortSignal) {
    const shown = (entries: readonly RemoteEntry[] | undefined): Shown =>
      entries === undefined ? { gone: true } : { entries };
    return this.#read('list', { id: folderId }, () => this.#store.list(folderId, signal), shown);
  }

  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal) {
    const args = { parent_id: parentId, name };
    return this.#effect('createFolder', args, () => this.#store.createFolder(parentId, name, signal), one);
  }

  async upload(file: NewFile, options?: TransferOptions) {
    const { parentId, name, source } = file;
    const args = { parent_id: parentId, name, ...sent(source) };
    const uploaded = await this.#effect('upload', args, () => this.#store.upload(file, options), one);
    await this.#keepSource(source);
    return uploaded;
  }

  async uploadVersion(version: NewVersion, options?: TransferOptions) {
    const { id, etag, name, source } = version;
    const args = { id, etag, name, ...sent(source) };
    const uploaded = await this.#effect(
      'uploadVersion',
      args,
      () => this.#store.uploadVersion(version, options),
      one,
    );
    await this.#keepSource(source);
    return uploaded;
  }

  async download(request: DownloadRequest, options?: TransferOptions): Promise<Readable> {
    const { id, versionId, offset = 0 } = request;
    const args = { id, version: versionId, offset };
    const body = await this.#read(
      'download',
      args,
      () => this.#store.download(request, options),
      () => ({}),
    );
    return offset === 0 ? this.#keepStream(body) : body;
  }

  relocate(relocation: Relocation, signal?: AbortSignal) {
    const { id, kind, parentId, name, etag } = relocation;
    const args = { id, kind, parent_id: parentId, name, etag };
    return this.#effect('relocate', args, () => this.#store.relocate(relocation, signal), one);
  }

  remove(removal: Removal, signal?: AbortSignal) {
    const { id, kind, etag } = removal;
    const gone = (): Shown => ({ gone: true });
    return this.#effect('remove', { id, kind, etag }, () => this.#store.remove(removal, signal), gone);
  }

  versions(id: RemoteId, signal?: AbortSignal) {
    return this.#read(
      'versions',
      { id },
      () => this.#store.versions(id, signal),
      (versions) => ({
        answer: {
          versions: versions.map(({ id: version, sha1, sizeBytes }) => ({
            version,
            sha1,
            size_bytes: sizeBytes,
          })),
        },
      }),
    );
  }

  promote(id: RemoteId, versionId: string, signal?: AbortSignal) {
    const args = { id, version: versionId };
    return this.#effect('promote', args, () => this.#store.promote(id, versionId, signal), one);
  }

  position(signal?: AbortSignal) {
    return this.#read(
      'position',
      {},
      () => this.#store.position(signal),
      (position) => ({ answer: { position } }),
    );
  }

  changes(position: string, signal?: AbortSignal) {
    return this.#read(
      'changes',
      { position },
      () => this.#store.changes(position, signal),
      (page) => ({
        entries: page.hints.flatMap(({ file, folder }) => file ?? folder ?? []),
        answer: {
          position: page.position,
          gap: page.gap,
          ended: page.ended,
          hints: page.hints.map(({ itemId, kind, parentId, accessChanged }) => ({
            id: itemId,
            kind,
            parent_id: parentId,
            access_changed: accessChanged,
          })),
        },
      }),
    );
  }

  confine(folderId: RemoteId): void {
    this.#store.confine(folderId);
  }

  waitForChange(position: string, signal: AbortSignal): Promise<void> {
    return this.#store.waitForChange(position, signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #effect<Answer>(
    call: RecordedCall,
    args: Args,
    work: () => Promise<Answer>,
    shown: (answer: Answer) => Shown,
  ): Promise<Answer> {
    this.#recorder.write({ kind: 'call-begin', call, args });
    return this.#read(call, args, work, shown);
  }

  async #read<Answer>(
    call: RecordedCall,
    args: Args,
    work: () => Promise<Answer>,
    shown: (answer: Answer) => Shown,
  ): Promise<Answer> {
    const began = this.#clock.monotonic();
    const tell = ({ entries = [], gone = false, answer = {} }: Shown, fault: unknown) =>
      this.#recorder.write({
        kind: 'call',
        call,
        args,
        ms: Math.round(this.#clock.monotonic() - began),
        entries: entries.map(recordedEntry),
        gone,
        answer,
        fault: fault === null ? null : recordedFault(fault),
      });
    try {
      const answer = await work();
      tell(shown(answer), null);
      return answer;
    } catch (error) {
      tell({}, error);
      throw error;
    }
  }

  /** Read once more what was sent; a file that changed meanwhile, or cannot be read, is left out. */
  async #keepSource(source: UploadSource): Promise<void> {
    if (this.#recorder.isSettled(source.sha1, source.sizeBytes)) return;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of source.open()) chunks.push(chunk as Buffer);
      this.#recorder.keep(Buffer.concat(chunks));
    } catch {
      // The upload has succeeded; that its bytes are gone meanwhile concerns the recording only.
    }
  }

  /** Look at bytes as they pass; too many of them are let go. */
  #keepStream(body: Readable): Readable {
    const recorder = this.#recorder;
    const seen: { chunks: Buffer[] | null; bytes: number } = { chunks: [], bytes: 0 };
    const out = new PassThrough({
      transform(chunk: Buffer, _encoding, done) {
        seen.bytes += chunk.length;
        if (seen.bytes > recorder.contentMaxBytes) seen.chunks = null;
        seen.chunks?.push(chunk);
        done(null, chunk);
      },
      flush(done) {
        if (seen.chunks !== null) recorder.keep(Buffer.concat(seen.chunks));
        done();
      },
    });
    // An error of either side reaches the other; the reader sees it on `out`.
    pipeline(body, out, () => undefined);
    return out;
  }
}
