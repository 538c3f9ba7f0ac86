import type { IncomingMessage } from 'node:http';
import type { Actor } from '../auth/actor.ts';
import { badRequest, Refusal } from './refusal.ts';

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

/** One header, if it was sent once. */
export function header(context: RequestContext, name: string): string | undefined {
  const value = context.request.headers[name];
  return typeof value === 'string' ? value : undefined;
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

/** Which fields the caller asked for; undefined means the standard ones. */
export function askedFields(context: RequestContext): readonly string[] | undefined {
  const value = context.query.get('fields');
  if (value === null || value === '') return undefined;
  return value
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '');
}

/** A whole number from the query. Errors: 400 `bad_request` naming the parameter. */
export function numberParam(
  context: RequestContext,
  name: string,
  fallback: number,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = context.query.get(name);
  if (value === null || value === '') return fallback;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < bounds.min || number > bounds.max)
    throw badRequest({
      reason: 'invalid_parameter',
      name,
      message: `Invalid value '${value.slice(0, 100)}'.`,
    });
  return number;
}
