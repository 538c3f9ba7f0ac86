import { CorruptError, StaleError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type {
  NewFile,
  NewVersion,
  TransferOptions,
  UploadResumption,
  UploadSource,
} from '../remote/remote-store.ts';
import type { RemoteFile } from '../tree/entry.ts';
import { ChunkedUploads } from './chunked-uploads.ts';
import { ENTRY_FIELDS, toBoxTime } from './entries.ts';
import { type BoxItems, goneError, movedOnError } from './items.ts';
import { multipartBody } from './multipart.ts';
import { type Conflict, refusalOf } from './refusal.ts';
import type { BoxSession } from './session.ts';
import { sourceChunks } from './source-stream.ts';
import type { UploadTarget } from './upload-target.ts';
import { readUploaded } from './uploaded.ts';
import { writeOnce } from './write-once.ts';

interface BoxUploadsOptions {
  readonly session: BoxSession;
  readonly items: BoxItems;
  readonly random: Random;
  /** From this size on, content goes in parts. Default 32 MiB. */
  readonly chunkedFromBytes?: number | undefined;
}

/** Box opens no session below 20,000,000 bytes; one request is one call, so parts begin where a repeat gets costly. */
const CHUNKED_FROM_BYTES = 32 * 1024 * 1024;

/** Sends content, in one request or in parts, and decides what an upload's refusals mean. */
export class BoxUploads {
  readonly #session: BoxSession;
  readonly #items: BoxItems;
  readonly #random: Random;
  readonly #chunked: ChunkedUploads;
  readonly #chunkedFromBytes: number;

  constructor({ session, items, random, chunkedFromBytes = CHUNKED_FROM_BYTES }: BoxUploadsOptions) {
    this.#session = session;
    this.#items = items;
    this.#random = random;
    this.#chunked = new ChunkedUploads(session);
    this.#chunkedFromBytes = chunkedFromBytes;
  }

  create({ parentId, name, source }: NewFile, options: TransferOptions): Promise<RemoteFile> {
    const { signal } = options;
    const send = this.#sender(source, options);
    const adopt = (conflict: Conflict | undefined) => this.#sameContent(conflict, { name, source, signal });
    return writeOnce(this.#session.transport, {
      signal,
      attempt: async () => {
        try {
          return verified(await send({ kind: 'new', parentId, name }), source);
        } catch (error) {
          const refusal = refusalOf(error);
          const own = refusal?.boxCode === 'item_name_in_use' ? await adopt(refusal.conflict) : undefined;
          if (own !== undefined) return own;
          throw error;
        }
      },
      look: async () => adopt(await this.#items.holderOf(parentId, name, signal)),
    });
  }

  revise(version: NewVersion, options: TransferOptions): Promise<RemoteFile> {
    const { id, name, etag, source } = version;
    const { signal } = options;
    const send = this.#sender(source, options);
    const present = async (): Promise<RemoteFile> => {
      const entry = await this.#items.get(id, 'file', signal);
      if (entry?.kind !== 'file') throw goneError(id, 'file');
      return entry;
    };
    const holds = (file: RemoteFile) => file.content.sha1 === source.sha1;
    return writeOnce(this.#session.transport, {
      signal,
      attempt: async () => {
        try {
          return verified(await send({ kind: 'version', id, name, etag }), source);
        } catch (error) {
          if (!(error instanceof StaleError) || error.code !== 'etag-moved') throw error;
          const file = await present();
          if (holds(file)) return file;
          throw error;
        }
      },
      look: async () => {
        const file = await present();
        if (holds(file)) return file;
        if (file.etag !== etag) throw movedOnError(id, file.etag, etag);
        return undefined;
      },
    });
  }

  #sender(source: UploadSource, options: TransferOptions): (target: UploadTarget) => Promise<RemoteFile> {
    if (source.sizeBytes < this.#chunkedFromBytes)
      return (target) => this.#sendWhole(target, source, options);
    // Within one operation, a repeated try goes on with the same session even if the caller keeps none.
    const kept = { ...options, resumption: options.resumption ?? resumptionInMemory() };
    return (target) => this.#chunked.send(target, source, kept);
  }

  /** One request with everything in it. */
  async #sendWhole(
    target: UploadTarget,
    source: UploadSource,
    options: TransferOptions,
  ): Promise<RemoteFile> {
    const { transport, access, baseUrls } = this.#session;
    const path = target.kind === 'new' ? 'files' : `files/${target.id}`;
    const url = new URL(`${baseUrls.upload}/2.0/${path}/content`);
    url.searchParams.set('fields', ENTRY_FIELDS.join(','));
    const answer = await transport.call({
      method: 'POST',
      url,
      headers: {
        // By this name Box wants the SHA-1.
        'content-md5': source.sha1,
        ...(target.kind === 'version' ? { 'if-match': target.etag } : {}),
      },
      body: multipartBody(
        {
          attributes: attributesOf(target, source),
          sizeBytes: source.sizeBytes,
          open: () => sourceChunks(source, undefined, options.onBytes),
        },
        this.#random,
      ),
      access,
      expect: 'json',
      writes: true,
      meter: 'upload',
      signal: options.signal,
    });
    return readUploaded(answer.json);
  }

  /** The file that holds the name, if it holds this very content: then it is as good as ours. */
  async #sameContent(
    conflict: Conflict | undefined,
    wanted: { name: string; source: UploadSource; signal: AbortSignal | undefined },
  ): Promise<RemoteFile | undefined> {
    if (conflict === undefined || conflict.type !== 'file') return undefined;
    const entry = await this.#items.holder(conflict, wanted.signal);
    if (entry?.kind !== 'file' || entry.name !== wanted.name) return undefined;
    return entry.content.sha1 === wanted.source.sha1 ? entry : undefined;
  }
}

function resumptionInMemory(): UploadResumption {
  let kept: string | undefined;
  return {
    load: () => kept,
    save(state) {
      kept = state;
    },
    clear() {
      kept = undefined;
    },
  };
}

function attributesOf(target: UploadTarget, source: UploadSource): unknown {
  const content_modified_at = toBoxTime(source.modifiedAtMs);
  return target.kind === 'new'
    ? { name: target.name, parent: { id: target.parentId }, content_modified_at }
    : { name: target.name, content_modified_at };
}

/** What Box stored must be what was sent. Errors: CorruptError 'upload-corrupt'. */
function verified(file: RemoteFile, source: UploadSource): RemoteFile {
  if (file.content.sha1 === source.sha1 && file.content.sizeBytes === source.sizeBytes) return file;
  throw new CorruptError({
    code: 'upload-corrupt',
    message: `Box stored other bytes than were sent as ${file.name}`,
    data: { id: file.id, expected: source.sha1, actual: file.content.sha1 },
  });
}
