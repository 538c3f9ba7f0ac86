import { delay } from '../../clock.ts';
import { StaleError, TransientError } from '../../errors.ts';
import type { TransferOptions, UploadSource } from '../remote/remote-store.ts';
import type { RemoteFile } from '../tree/entry.ts';
import { LinkedAbort, throwIfAborted } from './abort.ts';
import { ENTRY_FIELDS, toBoxTime } from './entries.ts';
import { refusalOf } from './refusal.ts';
import type { BoxSession } from './session.ts';
import { sourceChunks } from './source-stream.ts';
import type { BoxCall } from './transport.ts';
import { checkedPart, digestOf, type Part, partsOf } from './upload-parts.ts';
import {
  isLostSession,
  readSavedSession,
  readSession,
  readStoredPart,
  readStoredParts,
  type SavedSession,
  type StoredPart,
  type UploadSession,
} from './upload-session.ts';
import { targetKey, type UploadTarget } from './upload-target.ts';
import { readUploaded } from './uploaded.ts';

/** Box advises three to five parts at once, low offsets first. */
const PARTS_AT_ONCE = 4;
const PARTS_PAGE_SIZE = 1000;
const PART_PAGES_MAX = 100;
/** Box may take minutes to put parts together; after this long the session is left for a later try. */
const COMMIT_PATIENCE_MS = 20 * 60_000;
const COMMIT_WAIT_DEFAULT_MS = 1_000;
const COMMIT_WAIT_MAX_MS = 30_000;
/** Putting a file together takes Box longer than other answers: this many times as long. */
const COMMIT_SILENCE_FACTOR = 2;

/** Codes of an address where nobody answers. */
const UNREACHABLE = new Set(['network', 'certificate']);

/**
 * Sends large content in parts, several at once.
 *
 * Guarantees: memory does not grow with the size; a session survives a restart, sending only what is missing; a part
 * that Box has is not sent twice.
 * Errors: as of an upload in one request.
 */
export class ChunkedUploads {
  readonly #session: BoxSession;

  constructor(session: BoxSession) {
    this.#session = session;
  }

  async send(target: UploadTarget, source: UploadSource, options: TransferOptions): Promise<RemoteFile> {
    const saved = this.#saved(target, source, options);
    if (saved !== undefined) {
      try {
        const stored = await this.#partsKept(saved, options);
        if (stored !== undefined) return await this.#fill(saved, stored, { target, source, options });
      } catch (error) {
        if (!isLostSession(error)) throw error;
        options.resumption?.clear();
      }
      this.#session.logger.info({ session: saved.id }, 'the saved upload session is lost; starting another');
    }
    const session = await this.#open(target, source, options);
    const state: SavedSession = {
      ...session,
      sha1: source.sha1,
      sizeBytes: source.sizeBytes,
      target: targetKey(target),
    };
    options.resumption?.save(JSON.stringify(state));
    try {
      return await this.#fill(session, [], { target, source, options });
    } catch (error) {
      if (isLostSession(error)) {
        options.resumption?.clear();
        throw new TransientError({
          code: 'session-lost',
          message: 'Box lost the upload session; the upload starts over',
          cause: error,
        });
      }
      throw error;
    }
  }

  /**
   * What Box holds of a saved session; undefined where nothing answers at the session's own address any more. Whether
   * that is the network's fault shows when another session is asked for; until one is opened, the saved one is kept.
   */
  async #partsKept(
    saved: SavedSession,
    { signal }: TransferOptions,
  ): Promise<readonly StoredPart[] | undefined> {
    try {
      return await this.#storedParts(saved, signal);
    } catch (error) {
      if (error instanceof TransientError && UNREACHABLE.has(error.code)) return undefined;
      throw error;
    }
  }

  #saved(target: UploadTarget, source: UploadSource, options: TransferOptions): SavedSession | undefined {
    const saved = readSavedSession(options.resumption?.load(), this.#session.baseUrls);
    if (saved === undefined) return undefined;
    const fits =
      saved.sha1 === source.sha1 &&
      saved.sizeBytes === source.sizeBytes &&
      saved.target === targetKey(target);
    if (!fits) options.resumption?.clear();
    return fits ? saved : undefined;
  }

  async #open(target: UploadTarget, source: UploadSource, options: TransferOptions): Promise<UploadSession> {
    const { upload } = this.#session.baseUrls;
    const path = target.kind === 'new' ? 'files' : `files/${target.id}`;
    const facts = { file_size: source.sizeBytes, file_name: target.name };
    const answer = await this.#call({
      method: 'POST',
      url: new URL(`${upload}/2.0/${path}/upload_sessions`),
      body: jsonBody(target.kind === 'new' ? { folder_id: target.parentId, ...facts } : facts),
      // One file is one upload, whatever its number of parts.
      meter: 'upload',
      // A session that nobody knows of does no harm and expires.
      writes: false,
      signal: options.signal,
    });
    return readSession(answer, this.#session.baseUrls);
  }

  async #fill(
    session: UploadSession,
    stored: readonly StoredPart[],
    upload: { target: UploadTarget; source: UploadSource; options: TransferOptions },
  ): Promise<RemoteFile> {
    const { source, options } = upload;
    const parts = new Map(stored.map((part) => [part.offset, part]));
    const missing = partsOf(session, source.sizeBytes).filter(({ offset }) => !parts.has(offset));
    const stop = new LinkedAbort(options.signal);
    const { signal } = stop;
    let next = 0;
    let failure: unknown;
    const worker = async (): Promise<void> => {
      while (next < missing.length && failure === undefined) {
        const part = missing[next];
        next += 1;
        if (part === undefined) return;
        try {
          parts.set(part.offset, await this.#sendPart(session, part, { source, signal, options }));
        } catch (error) {
          failure ??= error;
          stop.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker));
    stop.release();
    if (failure !== undefined) {
      throwIfAborted(options.signal);
      throw failure;
    }
    const file = await this.#commit(session, [...parts.values()], upload);
    options.resumption?.clear();
    return file;
  }

  async #sendPart(
    session: UploadSession,
    part: Part,
    { source, signal, options }: { source: UploadSource; signal: AbortSignal; options: TransferOptions },
  ): Promise<StoredPart> {
    const sizeBytes = part.end - part.offset;
    const { hex, base64 } = await digestOf(source, part, signal);
    const backoff = this.#session.transport.backoff();
    for (;;) {
      try {
        const json = await this.#call({
          method: 'PUT',
          url: new URL(session.endpoints.uploadPart),
          headers: {
            digest: `sha=${base64}`,
            'content-range': `bytes ${part.offset}-${part.end - 1}/${source.sizeBytes}`,
          },
          body: {
            kind: 'stream',
            contentType: 'application/octet-stream',
            sizeBytes,
            open: () => sourceChunks(source, part, options.onBytes),
          },
          writes: true,
          signal,
        });
        return checkedPart(readStoredPart(json), { ...part, sha1: hex });
      } catch (error) {
        const known = await this.#partAfter(error, session, part, signal);
        if (known !== undefined) return checkedPart(known, { ...part, sha1: hex });
        await this.#session.transport.pause(repeatable(error), { backoff, writes: false, signal });
      }
    }
  }

  /** The part that a lost answer or a "have it already" was about, if Box has it. */
  async #partAfter(
    error: unknown,
    session: UploadSession,
    part: Part,
    signal: AbortSignal,
  ): Promise<StoredPart | undefined> {
    const lost = error instanceof TransientError && error.effectUnknown;
    const status = refusalOf(error)?.status;
    if (!lost && status !== 416 && status !== 409) return undefined;
    throwIfAborted(signal);
    const stored = await this.#storedParts(session, signal);
    return stored.find(({ offset, size }) => offset === part.offset && size === part.end - part.offset);
  }

  async #storedParts(session: UploadSession, signal?: AbortSignal): Promise<readonly StoredPart[]> {
    const stored: StoredPart[] = [];
    for (let page = 0; page < PART_PAGES_MAX; page += 1) {
      const url = new URL(session.endpoints.listParts);
      url.searchParams.set('offset', String(stored.length));
      url.searchParams.set('limit', String(PARTS_PAGE_SIZE));
      const json = await this.#call({ method: 'GET', url, writes: false, signal });
      const { parts, total } = readStoredParts(json);
      stored.push(...parts);
      if (parts.length === 0 || (total !== undefined && stored.length >= total)) break;
    }
    return stored;
  }

  async #commit(
    session: UploadSession,
    stored: readonly StoredPart[],
    { target, source, options }: { target: UploadTarget; source: UploadSource; options: TransferOptions },
  ): Promise<RemoteFile> {
    const { clock, timeouts } = this.#session.transport;
    const silenceMs = timeouts.headersMs * COMMIT_SILENCE_FACTOR;
    const parts = stored.toSorted((a, b) => a.offset - b.offset);
    const url = new URL(session.endpoints.commit);
    url.searchParams.set('fields', ENTRY_FIELDS.join(','));
    const deadlineMs = clock.monotonic() + COMMIT_PATIENCE_MS;
    for (;;) {
      try {
        const json = await this.#call({
          method: 'POST',
          url,
          headers: {
            digest: `sha=${Buffer.from(source.sha1, 'hex').toString('base64')}`,
            ...(target.kind === 'version' ? { 'if-match': target.etag } : {}),
          },
          body: jsonBody({ parts, attributes: { content_modified_at: toBoxTime(source.modifiedAtMs) } }),
          writes: true,
          signal: options.signal,
          timeouts: { headersMs: silenceMs, idleMs: silenceMs },
          retries: 'none',
        });
        return readUploaded(json);
      } catch (error) {
        const waitMs = commitWaitMs(error);
        if (waitMs === undefined || clock.monotonic() + waitMs > deadlineMs) throw error;
        await delay(clock, waitMs, options.signal);
        throwIfAborted(options.signal);
      }
    }
  }

  async #call(
    call: Omit<BoxCall, 'expect' | 'access' | 'meter'> & Partial<Pick<BoxCall, 'meter'>>,
  ): Promise<unknown> {
    const answer = await this.#session.transport.call({
      meter: 'api',
      ...call,
      access: this.#session.access,
      expect: 'json',
      pendingOn202: true,
    });
    return answer.json;
  }
}

function jsonBody(value: unknown): NonNullable<BoxCall['body']> {
  return { kind: 'bytes', contentType: 'application/json', bytes: Buffer.from(JSON.stringify(value)) };
}

/**
 * A part that Box refuses is sent again: one refused for its digest (412) was damaged on the way, since the digest was
 * just computed; one that overlaps a part that is not listed (409, 416) overlaps an earlier try that Box still receives.
 */
function repeatable(error: unknown): unknown {
  const status = refusalOf(error)?.status ?? 0;
  if (!(error instanceof StaleError) || ![409, 412, 416].includes(status)) return error;
  return new TransientError({ code: error.code, message: error.message, data: error.data, cause: error });
}

/** How long to wait until a commit is worth another try; undefined when it is not. */
function commitWaitMs(error: unknown): number | undefined {
  const pending =
    (error instanceof TransientError && !error.effectUnknown) ||
    refusalOf(error)?.boxCode === 'parts_mismatch';
  if (!pending) return undefined;
  const askedMs = error instanceof TransientError ? error.retryAfterMs : undefined;
  return Math.min(COMMIT_WAIT_MAX_MS, askedMs ?? COMMIT_WAIT_DEFAULT_MS);
}
