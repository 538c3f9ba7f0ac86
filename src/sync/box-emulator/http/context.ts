import type { IncomingMessage } from 'node:http';
import type { Actor } from '../auth/actor.ts';
import { Refusal } from './refusal.ts';

/** One request on its way through the emulator. */
export interface RequestContext {
  readonly method: string;
  /** Path without query, as the router saw it. */
  readonly path: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  /** Content bytes of the body, as they arrive; paced by the bandwidth setting and counted. */
  readonly body: () => AsyncIterable<Buffer> & NodeJS.ReadableStream;
  readonly requestId: string;
  /** Aborted when the client goes away before the answer. */
  readonly aborted: () => AbortSignal;
}

/** A request whose sender is known. */
export interface ActorContext extends RequestContext {
  readonly actor: Actor;
}

/** One header, if it was sent once. An empty one counts as not sent. */
export function header(context: RequestContext, name: string): string | undefined {
  const value = context.request.headers[name];
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** The largest id that JavaScript's numbers hold exactly; Box's are shorter. */
const ID_DIGITS_MAX = 15;

/**
 * An item's or account's id from the path.
 *
 * Errors: 405 `method_not_allowed` for anything that is not a number, as Box answers.
 */
export function idParam(context: RequestContext, name = 'id'): number {
  const value = context.params[name] ?? '';
  if (!/^\d+$/.test(value))
    throw new Refusal(405, { code: 'method_not_allowed', message: 'Method Not Allowed' });
  // Ids longer than any that was given out name nothing.
  return value.length > ID_DIGITS_MAX ? -1 : Number(value);
}

/** An id from a body or query. Returns -1 for what names nothing. */
export function idOf(value: string | undefined): number {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : -1;
}
