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
  const message = action.message ?? MESSAGE_OF_CODE[code] ?? code.replaceAll('_', ' ');
  return refusalReply(new Refusal(action.status, { code, message }, headers), requestId);
}

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  410: 'session_expired',
  411: 'length_required',
  412: 'precondition_failed',
  413: 'request_entity_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limit_exceeded',
  500: 'internal_server_error',
  502: 'bad_gateway',
  503: 'unavailable',
};

/** Box's words for what faults are used for. Source: developer.box.com guides, common errors. */
const MESSAGE_OF_CODE: Readonly<Record<string, string>> = {
  bad_request: 'Bad Request',
  unauthorized: 'Unauthorized',
  forbidden: 'Forbidden',
  forbidden_by_policy: 'Access denied - Blocked by Shield Access Policy',
  not_found: 'Not Found',
  method_not_allowed: 'Method Not Allowed',
  conflict: 'A resource with this value already exists',
  item_name_in_use: 'Item with the same name already exists',
  operation_blocked_temporary: 'The operation is blocked by another on-going operation',
  session_expired: 'The upload session has expired',
  upload_failed: 'The upload session is in an unrecoverable failed state and cannot continue',
  length_required: 'content-length header was required, but not provided.',
  precondition_failed: 'The resource has been modified. Please retrieve the resource again and retry',
  request_entity_too_large: 'Request Entity too Large',
  rate_limit_exceeded: 'Request rate limit exceeded, please try again later',
  internal_server_error: 'Internal Server Error',
  bad_gateway: 'Bad Gateway',
  unavailable: 'Unavailable',
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
