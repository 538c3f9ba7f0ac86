import type { Box } from '../box.ts';
import { oauthError } from '../http/refusal.ts';
import { isExternal, type UserRow } from '../store/rows.ts';

const notAllowed = () => oauthError('invalid_grant', 'Grant credentials are invalid');

/**
 * The account that client credentials ask a token for; the client itself is already known.
 *
 * Errors: Box's token errors, status 400.
 * Source: developer.box.com guides authentication/client-credentials; error texts as clients have reported them.
 */
export function credentialsSubject(box: Box, fields: URLSearchParams): UserRow {
  const { grant, current } = box.application;
  if (grant?.clientCredentials !== true)
    throw oauthError('unauthorized_client', 'The grant type is unauthorized for this client_id');
  const [type, id] = [fields.get('box_subject_type'), fields.get('box_subject_id') ?? ''];
  if (type === 'enterprise') {
    const service = box.store.users.get(current.serviceAccountId);
    if (id !== String(current.enterpriseId) || service === undefined) throw notAllowed();
    return service;
  }
  if (type !== 'user' || !grant.userTokens)
    throw oauthError(
      'unauthorized_client',
      'The "box_subject_type" value is unauthorized for this client_id',
    );
  const user = /^\d{1,15}$/.test(id) ? box.store.users.get(Number(id)) : undefined;
  const outOfReach =
    user === undefined ||
    isExternal(user) ||
    user.kind === 'service' ||
    (grant.access === 'app' && user.kind === 'managed');
  if (outOfReach) throw notAllowed();
  return user;
}
