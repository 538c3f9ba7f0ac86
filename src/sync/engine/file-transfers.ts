import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import { CorruptError, StaleError } from '../../errors.ts';
import type { LocalDisk } from '../local/disk.ts';
import { isUnchanged, statFacts } from '../local/stat-facts.ts';
import type { RemoteStore, UploadResumption, UploadSource } from '../remote/remote-store.ts';
import type { LocalFile, RemoteFile } from '../tree/entry.ts';
import type { Replica } from './replica.ts';

interface FileTransfersOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly disk: LocalDisk;
  readonly clock: Clock;
  /** `id` is the local entry's of what goes up, the remote entry's of what comes down. */
  readonly onBytes: (direction: 'up' | 'down', bytes: number, id: string) => void;
}

const READ_CHUNK_BYTES = 1 << 20;

/**
 * Moves file content between the disk and Box.
 *
 * Guarantees: memory does not grow with file size; what is sent is what was hashed; what arrives is verified before
 * it gets its name; a broken download goes on where it stopped, also after a restart.
 */
export class FileTransfers {
  readonly #options: FileTransfersOptions;

  constructor(options: FileTransfersOptions) {
    this.#options = options;
  }

  /** Send a file, as a new one below `parentId` or as a version of `onto`. */
  async upload(
    local: LocalFile,
    target: { parentId: string } | { onto: RemoteFile },
    signal: AbortSignal,
  ): Promise<RemoteFile> {
    const { store, replica, clock } = this.#options;
    const names = replica.local.pathOf(local.id);
    if (names === undefined) throw new StaleError({ code: 'local-gone', message: 'the file left the tree' });
    await this.#options.disk.assertUnchanged(names, local);
    const key = `upload:${local.id}`;
    const { sha1 } = local.content;
    // The intent is stored before anything is sent, so that a lost answer is recognised as one's own success.
    replica.index.journalStart({
      key,
      op: 'upload',
      path: names.join('/'),
      sha1,
      startedAtMs: clock.now(),
      resumption: null,
    });
    const options = {
      signal,
      onBytes: (bytes: number) => this.#options.onBytes('up', bytes, String(local.id)),
      resumption: this.#resumption(key),
    };
    const source = this.#source(local, this.#options.disk.root.resolve(names));
    const sent =
      'onto' in target
        ? await store.uploadVersion(
            { id: target.onto.id, etag: target.onto.etag, name: target.onto.name, source },
            options,
          )
        : await store.upload(
            { parentId: target.parentId as RemoteFile['id'], name: local.name, source },
            options,
          );
    if (sent.content.sha1 !== sha1) {
      throw new CorruptError({
        code: 'upload-differs',
        message: `Box stored other bytes than were sent for ${names.join('/')}`,
        data: { sha1, stored: sent.content.sha1 },
      });
    }
    return sent;
  }

  /** The journal keys that an upload of this file used. */
  static journalKey(local: LocalFile): string {
    return `upload:${local.id}`;
  }

  #resumption(key: string): UploadResumption {
    const { index } = this.#options.replica;
    return {
      load: () => index.journalGet(key)?.resumption ?? undefined,
      save: (state) => index.journalResumption(key, state),
      clear: () => index.journalResumption(key, null),
    };
  }

  #source(local: LocalFile, path: string): UploadSource {
    return {
      sizeBytes: local.content.sizeBytes,
      sha1: local.content.sha1,
      modifiedAtMs: local.content.modifiedAtMs,
      open: (range) => openUnchanged(path, local, range ?? { offset: 0 }),
    };
  }

  /** Bring a version to the staging folder, whole and verified. Returns where it stands. */
  async download(remote: RemoteFile, signal: AbortSignal): Promise<string> {
    const path = await this.#options.disk.stagedPath(`${remote.id}-${remote.versionId}`);
    const hash = createHash('sha1');
    let offset = await rehash(path, hash, remote.content.sizeBytes);
    if (offset > remote.content.sizeBytes) {
      await rm(path, { force: true });
      offset = 0;
    }
    if (offset < remote.content.sizeBytes || offset === 0) {
      await this.#options.disk.assertRoom(remote.content.sizeBytes - offset);
      await this.#fetch(remote, path, { offset, hash, signal });
    }
    const sha1 = hash.digest('hex');
    if (sha1 === remote.content.sha1) return path;
    await rm(path, { force: true });
    throw new CorruptError({
      code: 'download-differs',
      message: `the bytes of ${remote.name} do not match the hash that Box gives`,
      data: { expected: remote.content.sha1, sha1 },
    });
  }

  async #fetch(
    remote: RemoteFile,
    path: string,
    { offset, hash, signal }: { offset: number; hash: ReturnType<typeof createHash>; signal: AbortSignal },
  ): Promise<void> {
    const body = await this.#options.store.download(
      { id: remote.id, versionId: remote.versionId, offset },
      { signal },
    );
    const handle = await open(path, offset === 0 ? 'w' : 'a');
    try {
      await pipeline(
        body,
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) {
            hash.update(chunk);
            await handle.write(chunk);
            this.#options.onBytes('down', chunk.length, remote.id);
          }
        },
        { signal },
      );
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** Hash what an interrupted download left behind. Returns its length. */
async function rehash(
  path: string,
  hash: ReturnType<typeof createHash>,
  sizeMaxBytes: number,
): Promise<number> {
  const facts = await statFacts(path);
  if (facts === undefined || facts.sizeBytes === 0) return 0;
  if (facts.sizeBytes > sizeMaxBytes) return facts.sizeBytes;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK_BYTES }))
    hash.update(chunk as Buffer);
  return facts.sizeBytes;
}

/** Stream a file's bytes, and fail at the end when the file changed meanwhile: what was sent is then not its content. */
function openUnchanged(path: string, local: LocalFile, range: { offset: number; end?: number }): Readable {
  const out = new PassThrough();
  const assertUnchanged = async () => {
    const facts = await statFacts(path);
    if (facts === undefined || !isUnchanged(facts, local)) {
      throw new StaleError({
        code: 'changed-while-read',
        message: `${path} changed while it was read`,
        data: { path },
      });
    }
  };
  const end = range.end ?? local.content.sizeBytes;
  const chunks = async function* () {
    await assertUnchanged();
    if (end > range.offset)
      yield* createReadStream(path, { start: range.offset, end: end - 1, highWaterMark: READ_CHUNK_BYTES });
    await assertUnchanged();
  };
  pipeline(chunks, out).catch((error: unknown) =>
    out.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return out;
}
