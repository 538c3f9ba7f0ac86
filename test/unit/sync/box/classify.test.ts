import { describe, expect, it } from 'vitest';
import { AuthError, FullError, RejectedError, StaleError, TransientError } from '../../../../src/errors.ts';
import { classify } from '../../../../src/sync/box/classify.ts';
import { readRefusal, refusalOf } from '../../../../src/sync/box/refusal.ts';

const errorOf = (status: number, code?: string, writes = true) =>
  classify(readRefusal(status, { 'box-request-id': 'r9' }, JSON.stringify({ code, message: 'words' })), {
    endpoint: 'PUT /2.0/files/:id',
    retryAfterMs: 3_000,
    writes,
  });

describe("the table from Box's answers to the errors of this project", () => {
  it.each([
    [400, 'item_name_invalid', RejectedError, 'name-invalid'],
    [400, 'item_name_too_long', RejectedError, 'name-invalid'],
    [400, 'cyclical_folder_structure', RejectedError, 'cyclic-move'],
    [400, 'bad_digest', TransientError, 'digest-refused'],
    [400, 'something_new', RejectedError, 'request-refused'],
    [401, undefined, AuthError, 'token-refused'],
    [403, 'access_denied_insufficient_permissions', RejectedError, 'no-permission'],
    [403, 'access_denied_item_locked', RejectedError, 'locked'],
    [403, 'storage_limit_exceeded', FullError, 'quota'],
    [403, 'file_size_limit_exceeded', RejectedError, 'too-large'],
    [403, 'insufficient_scope', AuthError, 'scope-missing'],
    [404, 'not_found', StaleError, 'gone'],
    [404, 'trashed', StaleError, 'gone'],
    [409, 'item_name_in_use', RejectedError, 'name-taken'],
    [409, 'operation_blocked_temporary', TransientError, 'busy'],
    [409, 'name_temporarily_reserved', TransientError, 'busy'],
    [410, 'session_expired', StaleError, 'session-expired'],
    [412, 'precondition_failed', StaleError, 'etag-moved'],
    [413, undefined, RejectedError, 'too-large'],
    [429, 'rate_limit_exceeded', TransientError, 'rate-limited'],
    [500, undefined, TransientError, 'box-unavailable'],
    [503, 'unavailable', TransientError, 'box-unavailable'],
  ])('%i %s', (status, boxCode, kind, code) => {
    const error = errorOf(status, boxCode);
    expect(error).toBeInstanceOf(kind);
    expect(error.code).toBe(code);
    expect(error.message).toContain('r9');
    expect(error.message).toContain('words');
    expect(refusalOf(error)).toMatchObject({ status, boxCode });
  });

  it('knows which writes may have had their effect', () => {
    expect(errorOf(503)).toMatchObject({ effectUnknown: true, retryAfterMs: 3_000 });
    expect(errorOf(503, undefined, false)).toMatchObject({ effectUnknown: false });
    expect(errorOf(429)).toMatchObject({ effectUnknown: false, retryAfterMs: 3_000 });
  });

  it.each(['', '<html>', '[]', 'null', '{"code":5,"context_info":{"conflicts":"?"}}'])(
    'reads nothing into the body %j',
    (text) => {
      expect(readRefusal(409, {}, text)).toMatchObject({ boxCode: undefined, conflict: undefined });
    },
  );
});
