import { verifyAssertion } from '../auth/assertion.ts';
import { credentialsSubject } from '../auth/client-credentials.ts';
import { downscope } from '../auth/downscope.ts';
import { fullAuthority, issueToken } from '../auth/tokens.ts';
import type { Box } from '../box.ts';
import { readBody } from '../http/body.ts';
import type { RequestContext } from '../http/context.ts';
import { oauthError } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { plain, type Route } from '../http/route.ts';
import type { UserRow } from '../store/rows.ts';

const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const FORM_MAX_BYTES = 64 * 1024;

async function form(context: RequestContext): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(context, FORM_MAX_BYTES)).toString('utf8'));
}

function requireClient(box: Box, fields: URLSearchParams): void {
  const app = box.application.current;
  if (fields.get('client_id') !== app.clientId || fields.get('client_secret') !== app.clientSecret)
    throw oauthError('invalid_client', 'The client credentials are invalid');
}

function issued(box: Box, user: UserRow): Reply {
  const { token } = issueToken(box, user, fullAuthority(box, user));
  return json({
    access_token: token,
    expires_in: box.settings.values.tokenLifetimeS,
    restricted_to: [],
    token_type: 'bearer',
  });
}

async function token(box: Box, context: RequestContext): Promise<Reply> {
  const fields = await form(context);
  switch (fields.get('grant_type')) {
    case JWT_GRANT:
      requireClient(box, fields);
      return issued(box, await verifyAssertion(box, fields.get('assertion') ?? ''));
    case EXCHANGE_GRANT:
      return downscope(box, fields);
    case 'client_credentials':
      requireClient(box, fields);
      return issued(box, credentialsSubject(box, fields));
    case 'authorization_code':
    case 'refresh_token':
      requireClient(box, fields);
      throw oauthError('unauthorized_client', 'The grant type is unauthorized for this client_id');
    default:
      throw oauthError('invalid_request', 'Invalid grant_type parameter or parameter missing');
  }
}

async function revoke(box: Box, context: RequestContext): Promise<Reply> {
  const fields = await form(context);
  requireClient(box, fields);
  const value = fields.get('token');
  if (value === null) throw oauthError('invalid_request', 'The token parameter is missing');
  box.store.tokens.revoke(value);
  return empty(200);
}

/** Getting and giving back tokens. */
export function oauthRoutes(box: Box): readonly Route[] {
  return [
    plain('open', 'POST', '/oauth2/token', (context) => token(box, context)),
    plain('open', 'POST', '/oauth2/revoke', (context) => revoke(box, context)),
  ];
}
