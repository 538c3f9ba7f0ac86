import { z } from 'zod';
import { randomName } from '../../../random.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, idParam } from '../http/context.ts';
import { given, notEmulated, onlyAs } from '../http/given.ts';
import {
  askedFields,
  booleanParam,
  byMarkerParam,
  choiceParam,
  limitParam,
  numberParam,
  textParam,
} from '../http/query.ts';
import {
  forbidden,
  insufficientScope,
  missingParameter,
  notFound,
  refuse,
  valueInUse,
} from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { endMarker } from '../operations/listing.ts';
import { trash } from '../operations/trash-operations.ts';
import { renderUser } from '../render/users.ts';
import { isExternal, type UserRow } from '../store/rows.ts';

const NAME_MAX = 50;
const USER_SCOPES = ['manage_managed_users', 'manage_app_users'];

const details = {
  language: given(z.string()),
  is_sync_enabled: given(z.boolean()),
  job_title: given(z.string().max(100)),
  phone: given(z.string().max(100)),
  address: given(z.string().max(255)),
  timezone: given(z.string()),
  tracking_codes: given(z.array(z.unknown())),
  can_see_managed_users: given(z.boolean()),
  is_external_collab_restricted: given(z.boolean()),
  is_exempt_from_device_limits: given(z.boolean()),
  is_exempt_from_login_verification: given(z.boolean()),
};

const userName = z.string().min(1).max(NAME_MAX);

const createSchema = z.object({
  name: userName,
  login: given(z.email()),
  is_platform_access_only: given(z.boolean()),
  role: given(z.enum(['coadmin', 'user'])),
  space_amount: given(z.number().int().min(-1)),
  status: given(z.enum(['active', 'inactive', 'cannot_delete_edit', 'cannot_delete_edit_upload'])),
  external_app_user_id: given(z.string().max(255)),
  ...details,
});

const updateSchema = createSchema.extend({
  name: given(userName),
  notification_email: notEmulated,
  is_password_reset_required: onlyAs(false),
  // Null is a wish of its own at Box, which lets the user go: that is refused, too.
  enterprise: z.undefined({ error: 'This is not emulated.' }).optional(),
});

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
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const byMarker = byMarkerParam(context);
  const after = numberParam(context, 'marker', 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const term = textParam(context, 'filter_term');
  const externalAppUserId = textParam(context, 'external_app_user_id');
  const type = choiceParam(context, 'user_type', ['all', 'managed', 'external'], 'all');
  // Nobody from outside the enterprise is listed here.
  const found =
    type === 'external'
      ? { rows: [], total: 0 }
      : box.store.users.list({
          ...(term === undefined ? {} : { term }),
          ...(externalAppUserId === undefined ? {} : { externalAppUserId }),
          appUsersOnly: box.application.grant?.access === 'app',
          afterId: after,
          // One more than the page holds, to know whether another page follows.
          limit: byMarker ? limit + 1 : limit,
          offset: byMarker ? 0 : offset,
        });
  const rows = found.rows.slice(0, limit);
  const entries = rows.map((row) => renderUser(box, row, askedFields(context)));
  if (!byMarker) return json({ total_count: found.total, entries, limit, offset });
  const more = found.rows.length > rows.length;
  return json({
    entries,
    limit,
    ...(more ? { next_marker: String(rows.at(-1)?.id ?? after) } : endMarker(box)),
  });
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, createSchema);
  const appUser = body.is_platform_access_only === true;
  requireAdmin(context.actor, appUser ? 'manage_app_users' : 'manage_managed_users');
  if (!appUser && box.application.grant?.access === 'app') throw insufficientScope();
  if (!appUser && body.login === undefined) throw missingParameter('login');
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
  const force = booleanParam(context, 'force');
  booleanParam(context, 'notify');
  const owned = box.store.items.ownedCount(user.id);
  if (owned > 0 && !force)
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
