import { request } from 'undici';
import { errnoOf, MilaError, reasonOf, TransientError } from '../errors.ts';
import type { HttpSend } from '../fl/tracking/http-send.ts';
import { Dispatchers, type ProxyEnvironment } from '../sync/box/dispatchers.ts';

/** One request may take so long, its answer included. Units: milliseconds. */
const REQUEST_MAX_MS = 15_000;
/** More of an answer is not kept. Units: bytes. */
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

/** Requests over the network of this machine. */
export interface HttpClient {
  readonly send: HttpSend;
  /** Break every connection. Idempotent. */
  close(): Promise<void>;
}

/** What the network refused, in words. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no name server knows the host',
  EAI_AGAIN: 'no name server answers',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ETIMEDOUT: 'nothing answers there',
  UND_ERR_CONNECT_TIMEOUT: 'nothing answers there',
};

function reasonWhy(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${REQUEST_MAX_MS / 1000} s`;
  if (error instanceof Error && error.name === 'AbortError') return 'there was no more time';
  // Where a name stands for several addresses, the first one's reason is as good as any.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  return WORDS[errnoOf(first) ?? ''] ?? reasonOf(first);
}

/** Why nothing came back. Guarantees: no part of the address is in it but the host. */
function unreachable(host: string, error: unknown): TransientError {
  const message = `${host} cannot be reached: ${reasonWhy(error)}`;
  return new TransientError({ code: 'unreachable', message, cause: error });
}

/** A client through the proxy that the environment names, which is never asked for this machine itself. */
export function httpClient(environment: ProxyEnvironment = process.env): HttpClient {
  const dispatchers = new Dispatchers(environment);
  const send: HttpSend = async ({ method, url, headers, body, signal }) => {
    try {
      const answer = await request(url, {
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body }),
        dispatcher: dispatchers.for(url),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MAX_MS)]),
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES)
          throw new TransientError({ code: 'unreachable', message: `${url.host} answers without an end` });
        chunks.push(chunk);
      }
      return { status: answer.statusCode, text: Buffer.concat(chunks).toString('utf8') };
    } catch (error) {
      throw error instanceof MilaError ? error : unreachable(url.host, error);
    }
  };
  return { send, close: () => dispatchers.close() };
}
