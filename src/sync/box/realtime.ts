import { z } from 'zod';
import { messageOf, TransientError } from '../../errors.ts';
import { CONNECT_TIMEOUT_MS } from './dispatchers.ts';
import type { BoxSession } from './session.ts';
import { trustedAddress } from './trusted-address.ts';

const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const serverSchema = z.object({
  type: z.string().nullish(),
  url: z
    .string()
    .regex(/^https?:\/\//)
    .refine(URL.canParse),
  max_retries: number.nullish(),
  retry_timeout: number.nullish(),
});
const serversSchema = z.object({ entries: z.array(serverSchema).min(1) });
const messageSchema = z.object({ message: z.string() });

/** What Box sends when it does not say. */
const RETRY_TIMEOUT_S = 610;
const SUBSCRIPTIONS_MAX = 10;
/** Longer than a connection may take to be made, which therefore fails before. Units: milliseconds. */
const TRIAL_SILENCE_MS = CONNECT_TIMEOUT_MS + 5_000;
const REALTIME_HINT =
  'Let this machine make https connections to *.realtime.services.box.net, in the firewall and in the proxy.';

/** A place at one of Box's realtime servers, as Box gave it to one account. */
export interface Channel {
  /** One of Box's own: the token goes there. */
  readonly url: URL;
  /** How long the server may stay silent before the connection counts as lost. Units: milliseconds. */
  readonly silenceMs: number;
  readonly subscriptionsMax: number;
}

/**
 * Ask the API for a channel, once: trying again is the caller's business.
 *
 * Errors: AuthError · TransientError: the API itself is out of reach, or names a server that is none of Box's.
 */
export async function askForChannel(session: BoxSession, signal: AbortSignal): Promise<Channel> {
  const { transport, access, baseUrls } = session;
  const { json } = await transport.call({
    method: 'OPTIONS',
    url: new URL(`${baseUrls.api}/2.0/events`),
    access,
    expect: 'json',
    writes: false,
    meter: 'api',
    retries: 'none',
    signal,
  });
  const server = serversSchema.safeParse(json).data?.entries[0];
  if (server === undefined) {
    throw new TransientError({ code: 'answer-malformed', message: 'Box named no realtime server' });
  }
  return {
    url: trustedAddress(server.url, 'waiting for changes', baseUrls),
    // Beyond the time that Box names, its answer may still be on the way.
    silenceMs: (server.retry_timeout ?? RETRY_TIMEOUT_S) * 1000 + transport.timeouts.headersMs,
    subscriptionsMax: Math.max(1, server.max_retries ?? SUBSCRIPTIONS_MAX),
  };
}

/**
 * Wait at a channel, once. Returns the server's word: `new_change`, `reconnect`, `max_retries`; any other is unknown.
 *
 * Errors: as the token's renewal throws them, since that is the API's failure; for the server itself TransientError
 * 'realtime-unreachable', with the exchange's own error as its cause.
 */
export async function subscribe(
  session: BoxSession,
  channel: Pick<Channel, 'url' | 'silenceMs'>,
  wait: { readonly streamPosition: string; readonly signal: AbortSignal },
): Promise<string> {
  const { streamPosition, signal } = wait;
  const url = new URL(channel.url);
  url.searchParams.set('stream_position', streamPosition);
  const authorization = `Bearer ${await session.access.token(signal)}`;
  try {
    const answer = await session.transport.call({
      method: 'GET',
      url,
      headers: { ...session.access.headers, authorization },
      expect: 'json',
      writes: false,
      meter: 'unmetered',
      retries: 'none',
      signal,
      timeouts: { headersMs: channel.silenceMs, idleMs: channel.silenceMs },
    });
    return messageSchema.catch({ message: 'unreadable' }).parse(answer.json).message;
  } catch (error) {
    if (signal.aborted) throw error;
    throw unreachable(url.host, error);
  }
}

/**
 * Subscribe once, only to see whether the server can be reached. Returns its host.
 *
 * Errors: those of asking for a channel and of subscribing.
 */
export async function subscribeOnce(session: BoxSession, signal: AbortSignal): Promise<string> {
  const { url } = await askForChannel(session, signal);
  try {
    // There is something new since the beginning of all events, so the server answers at once.
    await subscribe(session, { url, silenceMs: TRIAL_SILENCE_MS }, { streamPosition: '0', signal });
  } catch (error) {
    const cause = error instanceof TransientError ? error.cause : undefined;
    // One that says nothing has at least taken the connection.
    if (!(cause instanceof TransientError) || cause.code !== 'stalled') throw error;
  }
  return url.host;
}

/** The realtime server cannot be waited at: what to open in a firewall. */
function unreachable(host: string, cause: unknown): TransientError {
  const { hint, retryAfterMs } = cause instanceof TransientError ? cause : {};
  return new TransientError({
    code: 'realtime-unreachable',
    message:
      `Box's realtime server ${host} is out of reach; allow *.realtime.services.box.net ` +
      `(${messageOf(cause)})`,
    hint: hint ?? REALTIME_HINT,
    data: { host },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  });
}

/** The realtime server can be reached, and sends whoever comes away. */
export function endsAtOnce(host: string): TransientError {
  return new TransientError({
    code: 'realtime-unreachable',
    message: `Box's realtime server ${host} ends its channel at once`,
    hint: REALTIME_HINT,
    data: { host },
  });
}
