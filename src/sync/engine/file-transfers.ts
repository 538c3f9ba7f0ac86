import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import { CorruptError, StaleError } from '../../errors.ts';
import type { LocalDisk } from '../local/disk.ts';
import type { FileSystem } from '../local/file-system.ts';
import { isUnchanged } from '../local/stat-facts.ts';
import type { RemoteStore, UploadResumption, UploadSource } from '../remote/remote-store.ts';
import type { LocalFile, RemoteFile } from '../tree/entry.ts';
import { Replica } from './replica.ts';

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
    const key = Replica.uploadKey(local.id, local.content.sha1);
    const { sha1 } = local.content;
    replica.uploadStarts(local.id, { path: names.join('/'), sha1, atMs: clock.now() });
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

  get #files(): FileSystem {
    return this.#options.disk.root.files;
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
      open: (range) => openUnchanged(this.#files, path, local, range ?? { offset: 0 }),
    };
  }

  /** Bring a version to the staging folder, whole and verified. Returns where it stands. */
  async download(remote: RemoteFile, signal: AbortSignal): Promise<string> {
    const path = await this.#options.disk.stagedPath(`${remote.id}-${remote.versionId}`);
    await this.#dropAlias(path);
    const hash = createHash('sha1');
    let offset = await rehash(this.#files, path, hash, { sizeMaxBytes: remote.content.sizeBytes, signal });
    if (offset > remote.content.sizeBytes) {
      await this.#files.discard(path);
      offset = 0;
    }
    if (offset < remote.content.sizeBytes || offset === 0) {
      await this.#options.disk.assertRoom(remote.content.sizeBytes - offset);
      await this.#fetch(remote, path, { offset, hash, signal });
    } else await this.#makeDurable(path);
    const sha1 = hash.digest('hex');
    if (sha1 === remote.content.sha1) return path;
    await this.#files.discard(path);
    throw new CorruptError({
      code: 'download-differs',
      message: `the bytes of ${remote.name} do not match the hash that Box gives`,
      data: { expected: remote.content.sha1, sha1 },
    });
  }

  /**
   * A crash between a file's two names, in staging and in the mirror, leaves both: writing to the first would then write
   * into the mirror.
   */
  async #dropAlias(path: string): Promise<void> {
    const facts = await this.#files.facts(path);
    if (facts !== undefined && facts.links > 1) await this.#files.discard(path);
  }

  /** What stands whole in staging after a crash may never have been synced. */
  async #makeDurable(path: string): Promise<void> {
    const file = await this.#files.open(path, 'append');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
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
    const file = await this.#files.open(path, offset === 0 ? 'write' : 'append');
    try {
      await pipeline(
        body,
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) {
            hash.update(chunk);
            await file.write(chunk);
            this.#options.onBytes('down', chunk.length, remote.id);
          }
        },
        { signal },
      );
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Hash what an interrupted download left behind. Returns its length. */
async function rehash(
  files: FileSystem,
  path: string,
  hash: ReturnType<typeof createHash>,
  { sizeMaxBytes, signal }: { sizeMaxBytes: number; signal: AbortSignal },
): Promise<number> {
  const facts = await files.facts(path);
  if (facts === undefined || facts.sizeBytes === 0) return 0;
  if (facts.sizeBytes > sizeMaxBytes) return facts.sizeBytes;
  let length = 0;
  for await (const chunk of chunksOf(files, path, { offset: 0, end: facts.sizeBytes })) {
    signal.throwIfAborted();
    hash.update(chunk);
    length += chunk.byteLength;
  }
  return length;
}

/** A file's bytes from `offset` to `end`, fewer when it is shorter. */
async function* chunksOf(
  files: FileSystem,
  path: string,
  { offset, end }: { offset: number; end: number },
): AsyncGenerator<Buffer> {
  const file = await files.open(path, 'read');
  try {
    for (let position = offset; position < end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, end - position));
      const count = await file.read(buffer, position);
      if (count === 0) return;
      position += count;
      yield buffer.subarray(0, count);
    }
  } finally {
    await file.close();
  }
}

/** Stream a file's bytes, and fail at the end when the file changed meanwhile: what was sent is then not its content. */
function openUnchanged(
  files: FileSystem,
  path: string,
  local: LocalFile,
  range: { offset: number; end?: number },
): Readable {
  const assertUnchanged = async () => {
    const facts = await files.facts(path);
    if (facts === undefined || !isUnchanged(facts, local)) {
      throw new StaleError({
        code: 'changed-while-read',
        message: `${path} changed while it was read`,
        data: { path },
      });
    }
  };
  async function* chunks() {
    await assertUnchanged();
    yield* chunksOf(files, path, { offset: range.offset, end: range.end ?? local.content.sizeBytes });
    await assertUnchanged();
  }
  return Readable.from(chunks(), { objectMode: false });
}
