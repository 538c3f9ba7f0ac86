import type { FaultAction } from '../control/faults.ts';
import { Refusal } from './refusal.ts';
import { json, type Reply } from './reply.ts';
import { refusalReply } from './reply-writer.ts';

/** The answer that a fault gives instead of the real one. */
export function faultReply(action: FaultAction & { kind: 'status' }, requestId: string): Reply {
  const headers = Object.fromEntries(
    Object.entries(action.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  if (typeof action.body === 'string')
    return {
      status: action.status,
      headers,
      body: { kind: 'text', text: action.body, type: headers['content-type'] ?? 'text/html; charset=utf-8' },
    };
  if (action.body !== undefined) return json(action.body, action.status, headers);
  const code = action.code ?? CODE_OF_STATUS[action.status] ?? 'unavailable';
  return refusalReply(
    new Refusal(action.status, { code, message: action.message ?? code.replaceAll('_', ' ') }, headers),
    requestId,
  );
}

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'precondition_failed',
  429: 'rate_limit_exceeded',
  500: 'internal_server_error',
  502: 'bad_gateway',
  503: 'unavailable',
};

/** A listing of which the last entry is missing or comes twice. */
export function withEntriesChanged(reply: Reply, effect: 'omit' | 'double'): Reply {
  if (reply.body.kind !== 'json') return reply;
  const value = reply.body.value as { readonly entries?: readonly unknown[] };
  if (!Array.isArray(value.entries) || value.entries.length === 0) return reply;
  const entries =
    effect === 'omit'
      ? value.entries.slice(0, -1)
      : [...value.entries, value.entries[value.entries.length - 1]];
  return { ...reply, body: { kind: 'json', value: { ...value, entries } } };
}
