import { header, type RequestContext } from './context.ts';
import { preconditionFailed } from './refusal.ts';
import { empty, type Reply } from './reply.ts';

/** An etag as it was sent: bare, quoted, or marked as weak. */
const bare = (value: string) =>
  value
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');

/** Errors: 412 when the request has an If-Match that does not name the present etag. */
export function requireMatch(context: RequestContext, etag: number): void {
  const wanted = header(context, 'if-match');
  if (wanted === undefined || wanted.trim() === '*') return;
  if (!wanted.split(',').map(bare).includes(String(etag))) throw preconditionFailed();
}

/** Errors: 412 when the request has an If-None-Match that names the present etag. */
export function requireNoMatch(context: RequestContext, etag: number): void {
  if (notModified(context, etag) !== undefined) throw preconditionFailed();
}

/** 304 when the caller already holds this etag. */
export function notModified(context: RequestContext, etag: number): Reply | undefined {
  const held = header(context, 'if-none-match');
  if (held === undefined) return undefined;
  const matches = held.trim() === '*' || held.split(',').map(bare).includes(String(etag));
  return matches ? empty(304, { etag: String(etag) }) : undefined;
}
