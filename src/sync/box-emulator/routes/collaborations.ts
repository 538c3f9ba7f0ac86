import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { FILE_ROLES, RIGHT, RIGHTS_OF_ROLE } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { timeSchema } from '../content/upload-form.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, idSchema, onlyAs } from '../http/given.ts';
import { askedFields, booleanParam } from '../http/query.ts';
import { forbidden, invalidParameter, missingParameter, notFound, refuse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { changeOwner } from '../operations/trash-operations.ts';
import { accountFor } from '../operations/tree-operations.ts';
import { renderCollaboration } from '../render/collaborations.ts';
import type { CollaborationRow, ItemRow, UserRow } from '../store/rows.ts';

const ROLES = Object.keys(RIGHTS_OF_ROLE);

const createSchema = z.object({
  item: z.object({ type: z.enum(['file', 'folder']), id: idSchema }),
  accessible_by: z.object({
    type: z.enum(['user', 'group']),
    id: given(idSchema),
    login: given(z.string().max(255)),
  }),
  role: z.enum([...ROLES]),
  can_view_path: given(z.boolean()),
  is_access_only: onlyAs(false),
  expires_at: given(timeSchema),
});

const updateSchema = z.object({
  role: given(z.enum([...ROLES, 'owner'])),
  status: given(z.enum(['pending', 'accepted', 'rejected'])),
  can_view_path: given(z.boolean()),
  // Null is a wish of its own here: it ends never.
  expires_at: timeSchema.nullish(),
});

interface Invited {
  readonly user_id: number | null;
  readonly group_id: number | null;
}

function invited(box: Box, by: z.infer<typeof createSchema>['accessible_by']): Invited {
  const appOnly = box.application.grant?.access === 'app';
  if (by.type === 'group') {
    const group = box.store.groups.get(idOf(by.id));
    if (group === undefined || (appOnly && group.by_app === 0)) throw notFound('accessible_by', by.id ?? '');
    return { user_id: null, group_id: group.id };
  }
  const user = by.id === undefined ? invitedByLogin(box, by.login) : box.store.users.get(idOf(by.id));
  if (user === undefined || (appOnly && user.kind === 'managed'))
    throw notFound('accessible_by', by.id ?? '');
  return { user_id: user.id, group_id: null };
}

/** Errors: 400 for nobody at all, and for somebody outside the enterprise. */
function invitedByLogin(box: Box, login: string | undefined): UserRow {
  const name = 'accessible_by.id';
  if (login === undefined) throw missingParameter(name);
  const user = box.store.users.byLogin(login);
  if (user !== undefined) return user;
  throw refuse(
    400,
    'external_collaboration_restricted',
    'External collaboration is restricted by the enterprise',
  );
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  // Nobody is written to; whether he should have been is still understood, or refused.
  booleanParam(context, 'notify');
  const body = await bodyOf(context, createSchema);
  const { actor } = context;
  if (body.item.id === '0')
    throw refuse(400, 'collaborations_not_available_on_root_folder', 'Root folder cannot be collaborated');
  const sight = box.access.see(actor, idOf(body.item.id), body.item.type);
  box.access.require(sight, RIGHT.invite);
  if (body.item.type === 'file' && !FILE_ROLES.includes(body.role))
    throw invalidParameter('role', `Invalid value '${body.role}' for a file`);
  const who = invited(box, body.accessible_by);
  const present = box.store.collaborations.ofItem(sight.row.id);
  const again = present.some((row) => row.user_id === who.user_id && row.group_id === who.group_id);
  if (again || who.user_id === sight.row.owner_id)
    throw refuse(400, 'user_already_collaborator', 'User is already a collaborator');
  requireRoleWithin(sight, body.role);
  const row = box.store.transaction(() => {
    const added = box.store.collaborations.insert({
      ...who,
      item_id: sight.row.id,
      role: body.role,
      status: 'accepted',
      created_by: actor.user.id,
      created_at: box.clock.now(),
      expires_at: body.expires_at ?? null,
      can_view_path: body.can_view_path === true ? 1 : 0,
    });
    box.access.invalidate();
    tellCollaboration(box, actor, 'COLLAB_ADD_COLLABORATOR', added, sight.row);
    return added;
  });
  return json(renderCollaboration(box, actor, row, askedFields(context)), 201);
}

/** Nobody gives away more than he holds. */
function requireRoleWithin(sight: Sight, role: string): void {
  const wanted = RIGHTS_OF_ROLE[role] ?? 0;
  if ((sight.rights & wanted) !== wanted) throw forbidden();
}

/** The content's owner and those who were invited hear of it. Source: developer.box.com guides events/user-events/for-user. */
function tellCollaboration(box: Box, actor: Actor, type: string, row: CollaborationRow, item: ItemRow): void {
  const members = row.group_id === null ? [] : box.store.groups.memberships({ groupId: row.group_id });
  const recipients = [item.owner_id, ...members.map((member) => member.user_id)];
  if (row.user_id !== null) recipients.push(row.user_id);
  box.feed.record({ type, by: actor.user.id, source: { kind: 'collaboration', row }, recipients });
}

interface Found {
  readonly row: CollaborationRow;
  readonly sight: Sight;
}

/** One who is invited, and has not accepted, knows of the invitation without seeing the item. */
function sightFor(box: Box, actor: Actor, row: CollaborationRow, item: ItemRow): Sight | undefined {
  const sight = box.access.sightOf(actor, item);
  if (sight !== undefined || row.user_id !== actor.user.id || row.status === 'accepted') return sight;
  return box.access.recollect(actor, item);
}

function find(box: Box, context: ActorContext): Found {
  const id = idParam(context);
  const row = box.store.collaborations.get(id);
  const item = row === undefined ? undefined : box.store.items.get(row.item_id);
  const sight = row === undefined || item === undefined ? undefined : sightFor(box, context.actor, row, item);
  if (row === undefined || sight === undefined) throw notFound('collab', id < 0 ? 'unknown' : id);
  return { row, sight };
}

function requireChangeable(box: Box, actor: Actor, { row, sight }: Found): void {
  if (row.user_id === actor.user.id) return;
  const own = row.created_by === actor.user.id ? RIGHT.invite : RIGHT.manage;
  box.access.require(sight, own);
}

/**
 * Errors: 400 `invalid_status` for an answer to an invitation that is answered already.
 *
 * Every invitation within the enterprise is accepted at once; "pending", which Box lets nobody set, takes that back for a
 * rehearsal.
 */
function requireAnswerable(row: CollaborationRow, status: string | undefined): void {
  if (status === undefined || status === 'pending' || row.status === 'pending' || status === row.status)
    return;
  throw refuse(400, 'invalid_status', 'You can change the status only if the collaboration is pending');
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  const found = find(box, context);
  const body = await bodyOf(context, updateSchema);
  const { actor } = context;
  const { row, sight } = found;
  if (body.role === 'owner') return makeOwner(box, actor, found);
  if (body.role !== undefined) {
    box.access.require(sight, row.created_by === actor.user.id ? RIGHT.invite : RIGHT.manage);
    requireRoleWithin(sight, body.role);
    if (sight.row.kind === 'file' && !FILE_ROLES.includes(body.role))
      throw invalidParameter('role', `Invalid value '${body.role}' for a file`);
  }
  requireChangeable(box, actor, found);
  requireAnswerable(row, body.status);
  box.store.transaction(() => {
    box.store.collaborations.update(row.id, {
      ...(body.role === undefined ? {} : { role: body.role }),
      ...(body.status === undefined ? {} : { status: body.status }),
      ...(body.expires_at === undefined ? {} : { expires_at: body.expires_at }),
      ...(body.can_view_path === undefined ? {} : { can_view_path: body.can_view_path ? 1 : 0 }),
      modified_at: box.clock.now(),
    });
    box.access.invalidate();
    tellCollaboration(box, actor, 'COLLAB_ROLE_CHANGE', row, sight.row);
  });
  const changed = box.store.collaborations.get(row.id) ?? row;
  return json(renderCollaboration(box, actor, changed, askedFields(context)));
}

/** The owner hands the item over and stays as a co-owner. */
function makeOwner(box: Box, actor: Actor, { row, sight }: Found): Reply {
  box.access.require(sight, RIGHT.own);
  const newOwner = row.user_id;
  if (newOwner === null || sight.row.parent_id !== 0) throw invalidParameter('role', "Invalid value 'owner'");
  const item = sight.row;
  box.store.transaction(() => {
    accountFor(box, { parentId: 0, ownerId: item.owner_id }, -item.size);
    changeOwner(box, item, newOwner);
    accountFor(box, { parentId: 0, ownerId: newOwner }, item.size);
    box.store.collaborations.update(row.id, { user_id: item.owner_id, role: 'co-owner' });
    box.access.invalidate();
    tellCollaboration(box, actor, 'COLLAB_ROLE_CHANGE', row, item);
  });
  return empty();
}

function remove(box: Box, context: ActorContext): Reply {
  const found = find(box, context);
  requireChangeable(box, context.actor, found);
  const { row, sight } = found;
  box.store.transaction(() => {
    tellCollaboration(box, context.actor, 'COLLAB_REMOVE_COLLABORATOR', row, sight.row);
    box.store.collaborations.remove(row.id);
    box.access.invalidate();
  });
  return empty();
}

/** Who is invited where. */
export function collaborationRoutes(box: Box): readonly Route[] {
  return [
    api('POST', '/2.0/collaborations', (context) => create(box, context)),
    api('GET', '/2.0/collaborations/:id', (context) =>
      json(renderCollaboration(box, context.actor, find(box, context).row, askedFields(context))),
    ),
    api('PUT', '/2.0/collaborations/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/collaborations/:id', (context) => remove(box, context)),
  ];
}
