import {
  AuthError,
  FullError,
  type MilaError,
  RejectedError,
  StaleError,
  TransientError,
} from '../../errors.ts';
import type { Refusal } from './refusal.ts';

/** The request that was refused, for the message. */
export interface RefusedCall {
  readonly endpoint: string;
  readonly retryAfterMs?: number | undefined;
  /** False for a read: repeating it can do no harm. */
  readonly writes: boolean;
}

type Maker = (options: ConstructorParameters<typeof StaleError>[0], call: RefusedCall) => MilaError;

interface Row {
  readonly code: string;
  readonly make: Maker;
  readonly says: string;
  readonly hint?: string;
}

const stale: Maker = (options) => new StaleError(options);
const rejected: Maker = (options) => new RejectedError(options);
const full: Maker = (options) => new FullError(options);
const auth: Maker = (options) => new AuthError(options);
const busy: Maker = (options, call) =>
  new TransientError({
    ...options,
    ...(call.retryAfterMs === undefined ? {} : { retryAfterMs: call.retryAfterMs }),
  });
const unknown: Maker = (options, call) =>
  new TransientError({
    ...options,
    ...(call.retryAfterMs === undefined ? {} : { retryAfterMs: call.retryAfterMs }),
    effectUnknown: call.writes,
  });

const SCOPES_HINT =
  'In the Developer Console, tick the application scopes (read and write all files and folders, manage users, ' +
  'manage groups), save, submit under Authorization, and let an administrator authorise the app again.';

/** Box's codes, where the code decides. */
const BY_CODE: Readonly<Record<string, Row>> = {
  item_name_in_use: { code: 'name-taken', make: rejected, says: 'the name is taken in that folder' },
  item_name_invalid: { code: 'name-invalid', make: rejected, says: 'Box does not accept this name' },
  item_name_too_long: {
    code: 'name-invalid',
    make: rejected,
    says: 'the name is longer than 255 characters',
  },
  file_size_limit_exceeded: {
    code: 'too-large',
    make: rejected,
    says: "the file is larger than the account's plan allows",
  },
  storage_limit_exceeded: {
    code: 'quota',
    make: full,
    says: "the folder owner's storage is full",
    hint: 'Free space in Box, or let an administrator raise the quota; syncing goes on by itself.',
  },
  access_denied_item_locked: { code: 'locked', make: rejected, says: 'somebody has locked the item' },
  insufficient_scope: {
    code: 'scope-missing',
    make: auth,
    says: 'the application is not allowed to make this call',
    hint: SCOPES_HINT,
  },
  operation_blocked_temporary: { code: 'busy', make: busy, says: 'another operation runs on the folder' },
  name_temporarily_reserved: { code: 'busy', make: busy, says: 'the same name is being created elsewhere' },
  // The adapter hashes what it sends, so these bytes were damaged on the way; Box kept none of them.
  bad_digest: {
    code: 'digest-refused',
    make: busy,
    says: 'the bytes that arrived differ from their hash',
  },
  cyclical_folder_structure: {
    code: 'cyclic-move',
    make: rejected,
    says: 'a folder cannot go into itself',
  },
  folder_not_empty: { code: 'folder-not-empty', make: stale, says: 'the folder is not empty' },
  trashed: { code: 'gone', make: stale, says: 'the item is in the trash' },
};

/** The statuses, where no code decided. */
const BY_STATUS: Readonly<Record<number, Row>> = {
  401: { code: 'token-refused', make: auth, says: 'the access token is not accepted' },
  403: {
    code: 'no-permission',
    make: rejected,
    says: 'the account may not do this here',
    hint: "Check the group's role on the shared folder: it must be Editor.",
  },
  404: { code: 'gone', make: stale, says: 'the item is gone or not visible to this account' },
  409: { code: 'conflict', make: stale, says: 'the item changed meanwhile' },
  410: { code: 'session-expired', make: stale, says: 'the upload session has expired' },
  412: { code: 'etag-moved', make: stale, says: 'the item changed since it was looked at' },
  413: { code: 'too-large', make: rejected, says: 'the request is too large' },
  416: { code: 'range', make: stale, says: 'the byte range does not fit' },
  429: { code: 'rate-limited', make: busy, says: 'too many calls; Box asks to wait' },
};

const SERVER_FAULT: Row = { code: 'box-unavailable', make: unknown, says: 'Box has a fault of its own' };
const REFUSED: Row = { code: 'request-refused', make: rejected, says: 'Box refuses the request' };

/** The one table from Box's answers to the classes of this project. */
export function classify(refusal: Refusal, call: RefusedCall): MilaError {
  const row =
    (refusal.boxCode === undefined ? undefined : BY_CODE[refusal.boxCode]) ??
    BY_STATUS[refusal.status] ??
    (refusal.status >= 500 ? SERVER_FAULT : REFUSED);
  const facts = [refusal.status, refusal.boxCode, refusal.requestId && `request ${refusal.requestId}`];
  const detail = facts.filter((fact) => fact !== undefined && fact !== '').join(', ');
  return row.make(
    {
      code: row.code,
      message: `${call.endpoint}: ${row.says} (${detail})${refusal.message ? `: ${refusal.message}` : ''}`,
      ...(row.hint === undefined ? {} : { hint: row.hint }),
      data: { status: refusal.status, boxCode: refusal.boxCode, requestId: refusal.requestId, refusal },
    },
    call,
  );
}
