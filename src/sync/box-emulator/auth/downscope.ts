import type { Box } from '../box.ts';
import { idOf } from '../http/context.ts';
import { oauthError } from '../http/refusal.ts';
import { json, type Reply } from '../http/reply.ts';
import { ItemRenderer } from '../render/items.ts';
import type { ItemRow } from '../store/rows.ts';
import type { StoredToken } from '../store/tokens.ts';
import type { Actor } from './actor.ts';
import { ALL_SCOPES } from './application.ts';
import { issueToken } from './tokens.ts';

const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** Scopes that exist for downscoped tokens only. Source: developer.box.com guides permissions-and-errors/scopes. */
const RESOURCE_SCOPES: readonly string[] = [
  'annotation_edit',
  'annotation_view_all',
  'annotation_view_self',
  'base_explorer',
  'base_picker',
  'base_preview',
  'base_sidebar',
  'base_upload',
  'item_delete',
  'item_download',
  'item_preview',
  'item_read',
  'item_rename',
  'item_share',
  'item_upload',
];

/** Scopes that only read, and so are within a token that may only read. */
const READ_SCOPES: readonly string[] = [
  'annotation_view_all',
  'annotation_view_self',
  'base_explorer',
  'base_picker',
  'base_preview',
  'base_sidebar',
  'item_download',
  'item_preview',
  'item_read',
];

/** Exchange a token for one that can do less. Source: developer.box.com guides tokens/downscope. */
export function downscope(box: Box, fields: URLSearchParams): Reply {
  const subject = box.store.tokens.get(fields.get('subject_token') ?? '');
  const user = subject === undefined ? undefined : box.store.users.get(subject.userId);
  if (subject === undefined || user === undefined || subject.expiresAt <= box.clock.now())
    throw oauthError('invalid_grant', 'subject_token provided is invalid');
  if (fields.get('subject_token_type') !== ACCESS_TOKEN_TYPE)
    throw oauthError('invalid_request', 'Invalid subject_token_type parameter or parameter missing');
  requireNoSharedLink(fields);
  const scopes = (fields.get('scope') ?? '').split(/\s+/).filter((scope) => scope !== '');
  if (scopes.length === 0) throw oauthError('invalid_scope', 'The scope parameter is missing');
  for (const scope of scopes) requireWithin(subject, scope);
  const actor: Actor = { user, token: subject, scopes: new Set(subject.authority.scopes), asUser: false };
  const resource = resourceOf(box, actor, fields.get('resource'));
  const issued = issueToken(box, user, {
    scopes: subject.authority.scopes,
    restrictions: scopes.map((scope) => ({ scope, itemId: resource?.id ?? null })),
  });
  const object =
    resource === undefined ? undefined : new ItemRenderer(box).mini(box.access.recollect(actor, resource));
  return json({
    access_token: issued.token,
    expires_in: box.settings.values.tokenLifetimeS,
    restricted_to: scopes.map((scope) => (object === undefined ? { scope } : { scope, object })),
    token_type: 'bearer',
    issued_token_type: ACCESS_TOKEN_TYPE,
  });
}

/** Nothing here has a shared link; a token that ignored the wish for one would do more than was asked. */
function requireNoSharedLink(fields: URLSearchParams): void {
  if (!fields.has('box_shared_link')) return;
  if (fields.has('resource'))
    throw oauthError('invalid_request', 'resource and box_shared_link exclude each other');
  throw oauthError('invalid_resource', 'The resource is invalid or not accessible');
}

function requireWithin(subject: StoredToken, scope: string): void {
  const own = subject.authority.scopes;
  const known = RESOURCE_SCOPES.includes(scope) || ALL_SCOPES.some((each) => each === scope);
  const within =
    own.includes(scope) ||
    (RESOURCE_SCOPES.includes(scope) &&
      (own.includes('root_readwrite') || (own.includes('root_readonly') && READ_SCOPES.includes(scope))));
  const { restrictions } = subject.authority;
  const kept = restrictions === null || restrictions.some((restriction) => restriction.scope === scope);
  if (!known || !within || !kept)
    throw oauthError('invalid_scope', 'The requested scope is invalid, unknown, or malformed', 400);
}

function resourceOf(box: Box, actor: Actor, resource: string | null): ItemRow | undefined {
  if (resource === null) return undefined;
  const match = /\/2\.0\/(files|folders)\/(\d+)$/.exec(resource);
  const row = match === null ? undefined : box.store.items.get(idOf(match[2]));
  const kind = match?.[1] === 'files' ? 'file' : 'folder';
  if (row === undefined || row.kind !== kind || box.access.sightOf(actor, row) === undefined)
    throw oauthError('invalid_resource', 'The resource is invalid or not accessible');
  return row;
}
