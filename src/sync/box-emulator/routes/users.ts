import { z } from 'zod';
import { randomName } from '../../../random.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, askedFields, idParam, numberParam } from '../http/context.ts';
import { badRequest, forbidden, insufficientScope, notFound, refuse, valueInUse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { endMarker } from '../operations/listing.ts';
import { trash } from '../operations/trash-operations.ts';
import { renderUser } from '../render/users.ts';
import { isExternal, type UserRow } from '../store/rows.ts';

const NAME_MAX = 50;
const USER_SCOPES = ['manage_managed_users', 'manage_app_users'];

const details = {
  language: z.string().optional(),
  is_sync_enabled: z.boolean().optional(),
  job_title: z.string().max(100).optional(),
  phone: z.string().max(100).optional(),
  address: z.string().max(255).optional(),
  timezone: z.string().optional(),
  tracking_codes: z.array(z.unknown()).optional(),
  can_see_managed_users: z.boolean().optional(),
  is_external_collab_restricted: z.boolean().optional(),
  is_exempt_from_device_limits: z.boolean().optional(),
  is_exempt_from_login_verification: z.boolean().optional(),
};

const createSchema = z.object({
  name: z.string().min(1).max(NAME_MAX),
  login: z.email().optional(),
  is_platform_access_only: z.boolean().optional(),
  role: z.enum(['coadmin', 'user']).optional(),
  space_amount: z.number().int().min(-1).optional(),
  status: z.enum(['active', 'inactive', 'cannot_delete_edit', 'cannot_delete_edit_upload']).optional(),
  external_app_user_id: z.string().max(255).optional(),
  ...details,
});

const updateSchema = createSchema.partial().extend({ notification_email: z.unknown().optional() });

const detailsOf = (body: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.keys(details).flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])),
  );

/** Whether the app may deal with this user at all. */
function reachable(box: Box, user: UserRow): boolean {
  return !isExternal(user) && (user.kind !== 'managed' || box.application.grant?.access !== 'app');
}

function userOf(box: Box, context: ActorContext): UserRow {
  const id = idParam(context);
  const user = box.store.users.get(id);
  if (user === undefined || !reachable(box, user)) throw notFound('user_id', id);
  return user;
}

function list(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, ...USER_SCOPES);
  const { query } = context;
  const limit = numberParam(context, 'limit', 100, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const byMarker = query.get('usemarker') === 'true';
  const clamped = Math.min(limit, 1000);
  const term = query.get('filter_term');
  const external = query.get('external_app_user_id');
  if (query.get('user_type') === 'external')
    return json({ total_count: 0, entries: [], limit: clamped, offset });
  const found = box.store.users.list({
    ...(term === null || term === '' ? {} : { term }),
    ...(external === null ? {} : { externalAppUserId: external }),
    appUsersOnly: box.application.grant?.access === 'app',
    afterId: byMarker ? numberParam(context, 'marker', 0, { min: 0, max: Number.MAX_SAFE_INTEGER }) : 0,
    // One more than the page holds, to know whether another page follows.
    limit: byMarker ? clamped + 1 : clamped,
    offset: byMarker ? 0 : offset,
  });
  const rows = found.rows.slice(0, clamped);
  const entries = rows.map((row) => renderUser(box, row, askedFields(context)));
  if (!byMarker) return json({ total_count: found.total, entries, limit: clamped, offset });
  const last = rows.at(-1);
  const more = found.rows.length > rows.length && last !== undefined;
  return json({ entries, limit: clamped, ...(more ? { next_marker: String(last.id) } : endMarker(box)) });
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, createSchema);
  const appUser = body.is_platform_access_only === true;
  requireAdmin(context.actor, appUser ? 'manage_app_users' : 'manage_managed_users');
  if (!appUser && box.application.grant?.access === 'app') throw insufficientScope();
  if (!appUser && body.login === undefined)
    throw badRequest({ reason: 'missing_parameter', name: 'login', message: "'login' is required" });
  const login = appUser
    ? `AppUser_${box.application.current.serviceAccountId}_${randomName(box.random, 10)}@boxdevedition.com`
    : (body.login ?? '');
  if (box.store.users.byLogin(login) !== undefined)
    throw refuse(409, 'user_login_already_used', 'User with the specified login already exists');
  if (body.external_app_user_id !== undefined) requireUnusedExternalId(box, body.external_app_user_id);
  const user = box.store.users.insert({
    kind: appUser ? 'app' : 'managed',
    role: body.role ?? 'user',
    name: body.name,
    login,
    status: body.status ?? 'active',
    spaceAmount: body.space_amount ?? box.settings.values.userSpaceBytes,
    externalAppUserId: body.external_app_user_id ?? null,
    details: detailsOf(body),
    now: box.clock.now(),
  });
  return json(renderUser(box, user, askedFields(context)), 201);
}

function requireUnusedExternalId(box: Box, externalAppUserId: string): void {
  if (box.store.users.list({ externalAppUserId, limit: 1, offset: 0 }).rows.length > 0)
    throw valueInUse('external_app_user_id');
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  requireAdmin(context.actor, ...USER_SCOPES);
  const user = userOf(box, context);
  const body = await bodyOf(context, updateSchema);
  if (user.role === 'admin' && body.status === 'inactive') throw forbidden();
  if (body.login !== undefined && (box.store.users.byLogin(body.login)?.id ?? user.id) !== user.id)
    throw refuse(409, 'user_login_already_used', 'User with the specified login already exists');
  const kept = JSON.parse(user.details) as Readonly<Record<string, unknown>>;
  const change: Partial<Omit<UserRow, 'id'>> = {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.login === undefined ? {} : { login: body.login }),
    ...(body.role === undefined ? {} : { role: body.role }),
    ...(body.status === undefined ? {} : { status: body.status }),
    ...(body.space_amount === undefined ? {} : { space_amount: body.space_amount }),
    ...(body.external_app_user_id === undefined ? {} : { external_app_user_id: body.external_app_user_id }),
    details: JSON.stringify({ ...kept, ...detailsOf(body) }),
    modified_at: box.clock.now(),
  };
  box.store.users.update(user.id, change);
  return json(renderUser(box, box.store.users.get(user.id) ?? user, askedFields(context)));
}

function remove(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, ...USER_SCOPES);
  const user = userOf(box, context);
  if (user.kind === 'service' || user.role === 'admin') throw forbidden();
  const owned = box.store.items.ownedCount(user.id);
  if (owned > 0 && context.query.get('force') !== 'true')
    throw refuse(400, 'user_has_content', 'The user still owns content; use force to delete it, too');
  box.store.transaction(() => {
    const place = { parentId: 0, ownerId: user.id };
    for (const row of box.store.items.children(place))
      if (row.status === 'active') trash(box, context.actor, row);
    for (const row of box.store.collaborations.ofUser(user.id)) box.store.collaborations.remove(row.id);
    box.store.groups.removeUser(user.id);
    box.store.tokens.revokeUser(user.id);
    box.store.users.remove(user.id);
    box.access.invalidate();
  });
  return empty();
}

/** The accounts of the enterprise. */
export function userRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/users/me', (context) => json(renderUser(box, context.actor.user, askedFields(context)))),
    api('GET', '/2.0/users', (context) => list(box, context)),
    api('POST', '/2.0/users', (context) => create(box, context)),
    api('GET', '/2.0/users/:id', (context) => {
      const user = userOf(box, context);
      if (user.id !== context.actor.user.id) requireAdmin(context.actor, ...USER_SCOPES);
      return json(renderUser(box, user, askedFields(context)));
    }),
    api('PUT', '/2.0/users/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/users/:id', (context) => remove(box, context)),
  ];
}
