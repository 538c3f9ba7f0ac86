import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CorruptError, TransientError } from '../../errors.ts';
import type { DownloadRequest, TransferOptions } from '../remote/remote-store.ts';
import { LinkedAbort, throwIfAborted } from './abort.ts';
import type { Access } from './access.ts';
import type { ExchangeAnswer } from './exchange.ts';
import { refusalOf } from './refusal.ts';
import type { BoxSession } from './session.ts';
import type { BoxAnswer } from './transport.ts';
import { trustedAddress } from './trusted-address.ts';

/** Box sends one redirect, to the host that holds the bytes. */
const REDIRECTS_MAX = 5;
/** Read ahead of a slow disk, so that the connection does not stand still for every write. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** One open answer, and what it promises. */
interface Opened {
  readonly answer: ExchangeAnswer;
  /** The offset just past the last byte of the whole file; undefined when Box does not tell. */
  readonly endBytes: number | undefined;
}

/** Streams versions out of Box, going on by range where a connection breaks or stalls. */
export class BoxDownloads {
  readonly #session: BoxSession;

  constructor(session: BoxSession) {
    this.#session = session;
  }

  /** Guarantees: the first answer is there (a missing file is an error here, not in the stream). */
  async open(request: DownloadRequest, options: TransferOptions): Promise<Readable> {
    const giveUp = new LinkedAbort(options.signal);
    const { signal } = giveUp;
    const opened = await this.#request(request, request.offset ?? 0, signal).catch((error: unknown) => {
      giveUp.release();
      throw error;
    });
    const bytes = this.#bytes(opened, { request, options, signal });
    const stream = Readable.from(bytes, { objectMode: false, highWaterMark: READ_AHEAD_BYTES });
    // A reader that leaves must not leave a connection behind, not even a silent one.
    stream.once('close', () => {
      giveUp.release();
      giveUp.abort();
    });
    return stream;
  }

  async *#bytes(
    first: Opened,
    context: { request: DownloadRequest; options: TransferOptions; signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const { request, options, signal } = context;
    const check = new ContentCheck(request);
    let opened = first;
    let backoff = this.#session.transport.backoff();
    for (;;) {
      const before = check.offset;
      try {
        for await (const chunk of opened.answer.chunks()) {
          check.add(chunk, opened.endBytes);
          options.onBytes?.(chunk.byteLength);
          yield chunk;
        }
        check.complete(opened.endBytes);
        return;
      } catch (error) {
        throwIfAborted(signal);
        // Whoever moves on is not stuck: only tries without a single byte use up the waits.
        if (check.offset > before) backoff = this.#session.transport.backoff();
        await this.#session.transport.pause(error, { backoff, writes: false, signal });
      }
      if (check.satisfied(opened.endBytes)) {
        check.complete(opened.endBytes);
        return;
      }
      opened = await this.#request(request, check.offset, signal);
    }
  }

  /** Ask for the bytes from `offset` on, anew when the address that Box gave is refused. */
  async #request(request: DownloadRequest, offset: number, signal: AbortSignal): Promise<Opened> {
    const { transport } = this.#session;
    const backoff = transport.backoff();
    for (;;) {
      try {
        return await this.#follow(request, offset, signal);
      } catch (error) {
        if (!(error instanceof TransientError) || error.code !== 'link-refused') throw error;
        await transport.pause(error, { backoff, writes: false, signal });
      }
    }
  }

  async #follow(request: DownloadRequest, offset: number, signal: AbortSignal): Promise<Opened> {
    const { access, baseUrls } = this.#session;
    let url = new URL(`${baseUrls.api}/2.0/files/${request.id}/content`);
    url.searchParams.set('version', request.versionId);
    let answer = await this.#get(url, { offset, signal, access, meter: 'api' });
    for (let redirects = 0; redirects < REDIRECTS_MAX; redirects += 1) {
      const { stream } = answer;
      if (stream === undefined) break;
      if (answer.status < 300) return opened(stream, offset);
      stream.discard();
      const location = answer.headers['location'];
      if (location === undefined) break;
      url = trustedAddress(location, 'a download', baseUrls, url);
      // The host behind the redirect has its own proof in the address and must not see the token.
      answer = await this.#get(url, { offset, signal, access: undefined, meter: 'unmetered' }).catch(
        (error: unknown) => {
          throw refusalOf(error) === undefined || error instanceof TransientError
            ? error
            : new TransientError({
                code: 'link-refused',
                message: `The address that Box gave for file ${request.id} is not accepted`,
                cause: error,
              });
        },
      );
    }
    throw new TransientError({
      code: 'answer-malformed',
      message: `Box sent no content for file ${request.id}`,
    });
  }

  #get(
    url: URL,
    options: {
      readonly offset: number;
      readonly signal: AbortSignal;
      readonly access: Access | undefined;
      readonly meter: 'api' | 'unmetered';
    },
  ): Promise<BoxAnswer> {
    const { offset, signal, access, meter } = options;
    return this.#session.transport.call({
      method: 'GET',
      url,
      // Compressed bytes would have another length than the file.
      headers: {
        ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
        'accept-encoding': 'identity',
        accept: '*/*',
      },
      access,
      expect: 'stream',
      writes: false,
      meter,
      signal,
      answers: [301, 302, 303, 307, 308],
      pendingOn202: true,
    });
  }
}

function opened(answer: ExchangeAnswer, offset: number): Opened {
  const length = answer.headers['content-length'];
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '');
  if (offset > 0 && (answer.status !== 206 || Number(range?.[1]) !== offset)) {
    answer.discard();
    throw new TransientError({
      code: 'range-ignored',
      message: `Box did not continue the download at byte ${offset}`,
    });
  }
  const total = range?.[2] ?? (length === undefined ? undefined : String(offset + Number(length)));
  return { answer, endBytes: total === undefined ? undefined : Number(total) };
}

/** Counts and hashes what arrived, over all the connections that it took. */
class ContentCheck {
  readonly #request: DownloadRequest;
  readonly #hash: Hash | undefined;
  offset: number;

  constructor(request: DownloadRequest) {
    this.#request = request;
    this.offset = request.offset ?? 0;
    const wholeIsExpected = this.offset === 0 && request.expected !== undefined;
    this.#hash = wholeIsExpected ? createHash('sha1') : undefined;
  }

  add(chunk: Uint8Array, endBytes: number | undefined): void {
    this.offset += chunk.byteLength;
    const limit = this.#request.expected?.sizeBytes ?? endBytes;
    if (limit !== undefined && this.offset > limit) throw this.#wrong(`more than ${limit} bytes`);
    this.#hash?.update(chunk);
  }

  /** Whether all that was announced is there although the connection broke at its end. */
  satisfied(endBytes: number | undefined): boolean {
    return this.offset === (this.#request.expected?.sizeBytes ?? endBytes);
  }

  /** The answer ended by itself. Errors: TransientError 'truncated' · CorruptError 'download-corrupt'. */
  complete(endBytes: number | undefined): void {
    const { expected } = this.#request;
    if (endBytes !== undefined && this.offset < endBytes) {
      throw new TransientError({
        code: 'truncated',
        message: `The download of file ${this.#request.id} broke off at byte ${this.offset} of ${endBytes}`,
      });
    }
    if (expected === undefined) return;
    if (this.offset !== expected.sizeBytes) throw this.#wrong(`${this.offset} bytes`);
    const sha1 = this.#hash?.digest('hex');
    if (sha1 !== undefined && sha1 !== expected.sha1) throw this.#wrong(`SHA-1 ${sha1}`);
  }

  #wrong(found: string): CorruptError {
    return new CorruptError({
      code: 'download-corrupt',
      message: `File ${this.#request.id} did not arrive as it is in Box: ${found}`,
      data: { id: this.#request.id, versionId: this.#request.versionId, ...this.#request.expected },
    });
  }
}
