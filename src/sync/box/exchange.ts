import { Readable } from 'node:stream';
import { request } from 'undici';
import type { Clock } from '../../clock.ts';
import { errnoOf, MilaError, messageOf, TransientError } from '../../errors.ts';
import { abortError } from './abort.ts';
import type { Dispatchers } from './dispatchers.ts';
import { StallGuard } from './stall-guard.ts';

/** What a request sends; a stream is opened anew for every attempt. */
export type OutgoingBody =
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream';
      readonly contentType: string;
      readonly sizeBytes: number;
      open(): AsyncIterable<Uint8Array>;
    };

export interface ExchangeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: OutgoingBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Silence allowed until the first byte of the answer, and between any two bytes. */
  readonly timeouts: ExchangeTimeouts;
}

/** Units: milliseconds. */
export interface ExchangeTimeouts {
  readonly headersMs: number;
  readonly idleMs: number;
}

/** An answer whose body has not been read yet. */
export interface ExchangeAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's chunks, guarded against silence. To be read to the end, or given up by `discard`. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The whole body as text. Errors: TransientError 'answer-too-large'. */
  text(): Promise<string>;
  /** Give the body up and let the connection go. */
  discard(): void;
}

/** No JSON that Box sends comes near; a proxy's page that never ends does. */
const TEXT_SIZE_MAX_BYTES = 64 * 1024 * 1024;

/** Causes that prove that nothing reached Box. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
]);

function isCertificateTrouble(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code);
}

/** Turn a failed exchange into the error for the caller. */
function networkError(error: unknown, guard: StallGuard, url: URL): Error {
  if (guard.callerAborted) return abortError(guard.signal);
  const reason: unknown = guard.signal.aborted ? guard.signal.reason : error;
  if (reason instanceof MilaError) return reason;
  const code = errnoOf(reason) ?? errnoOf(reason instanceof Error ? reason.cause : undefined) ?? 'unknown';
  const trouble = isCertificateTrouble(code);
  return new TransientError({
    code: trouble ? 'certificate' : 'network',
    message: `No answer from ${url.host}: ${messageOf(reason)} (${code})`,
    ...(trouble
      ? { hint: 'If a proxy inspects TLS here, name its certificate in NODE_EXTRA_CA_CERTS.' }
      : { hint: 'Check the connection, and HTTPS_PROXY where a proxy is needed.' }),
    data: { errno: code },
    effectUnknown: !NOT_SENT.has(code) && !trouble,
    cause: error,
  });
}

function flatHeaders(raw: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** The body as a stream whose every chunk counts as a sign of life. */
function outgoing(open: () => AsyncIterable<Uint8Array>, guard: StallGuard): Readable {
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      guard.touch();
      yield chunk;
    }
    guard.touch();
  }
  return Readable.from(watched(), { objectMode: false });
}

function bodyHeaders(body: OutgoingBody | undefined): Record<string, string> {
  if (body === undefined) return {};
  const sizeBytes = body.kind === 'bytes' ? body.bytes.byteLength : body.sizeBytes;
  return { 'content-type': body.contentType, 'content-length': String(sizeBytes) };
}

/**
 * One attempt at one HTTP exchange: no retry, no redirect, no meaning.
 *
 * Guarantees: ends in bounded time once the other side is silent; ends at once, with AbortError, when the
 * caller gives up; a body is streamed, never held.
 * Errors: TransientError 'network' | 'certificate' | 'stalled' with `effectUnknown` · AbortError · what the body throws.
 */
export async function exchange(
  dispatchers: Dispatchers,
  clock: Clock,
  options: ExchangeRequest,
): Promise<ExchangeAnswer> {
  const guard = new StallGuard(clock, options.signal);
  let bodyError: unknown;
  try {
    guard.signal.throwIfAborted();
    guard.arm(options.timeouts.headersMs);
    const stream = options.body?.kind === 'stream' ? outgoing(options.body.open, guard) : undefined;
    stream?.once('error', (error) => {
      bodyError = error;
    });
    const answer = await request(options.url, {
      dispatcher: dispatchers.for(options.url),
      method: options.method as 'GET',
      headers: { ...options.headers, ...bodyHeaders(options.body) },
      body: stream ?? (options.body?.kind === 'bytes' ? options.body.bytes : null),
      signal: guard.signal,
    });
    guard.disarm();
    return incoming({ answer, guard, options });
  } catch (error) {
    guard.release();
    // A source that fails (the file changed meanwhile) is the cause, whatever undici makes of it.
    if (bodyError instanceof MilaError) throw bodyError;
    throw networkError(error, guard, options.url);
  }
}

interface Incoming {
  readonly answer: Awaited<ReturnType<typeof request>>;
  readonly guard: StallGuard;
  readonly options: ExchangeRequest;
}

function incoming({ answer, guard, options }: Incoming): ExchangeAnswer {
  const discard = () => {
    guard.release();
    answer.body.on('error', () => {});
    answer.body.destroy();
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      const iterator = answer.body[Symbol.asyncIterator]();
      for (;;) {
        // Only our own waiting counts: a reader that takes its time between chunks is not Box's silence.
        guard.arm(options.timeouts.idleMs);
        const step: IteratorResult<Uint8Array> = await iterator.next();
        guard.disarm();
        if (step.done === true) return;
        yield step.value;
      }
    } catch (error) {
      throw networkError(error, guard, options.url);
    } finally {
      discard();
    }
  }
  async function text(): Promise<string> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of chunks()) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > TEXT_SIZE_MAX_BYTES) {
        throw new TransientError({
          code: 'answer-too-large',
          message: `The answer of ${options.url.host} exceeds ${TEXT_SIZE_MAX_BYTES} bytes`,
          effectUnknown: true,
        });
      }
      parts.push(chunk);
    }
    return Buffer.concat(parts).toString('utf8');
  }
  return { status: answer.statusCode, headers: flatHeaders(answer.headers), chunks, text, discard };
}
