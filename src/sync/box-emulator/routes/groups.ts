import { z } from 'zod';
import type { Actor } from '../auth/actor.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, notEmulated, reference } from '../http/given.ts';
import { askedFields, limitParam, numberParam, textParam } from '../http/query.ts';
import { notFound, valueInUse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { renderGroup, renderMembership } from '../render/users.ts';
import type { GroupRow, MembershipRow } from '../store/rows.ts';

const NAME_MAX = 255;
const LEVEL = z.enum(['admins_only', 'admins_and_members', 'all_managed_users']);
const detailsSchema = z.object({
  description: given(z.string().max(255)),
  provenance: given(z.string().max(255)),
  external_sync_identifier: given(z.string().max(255)),
  invitability_level: given(LEVEL),
  member_viewability_level: given(LEVEL),
});
const groupName = z.string().min(1).max(NAME_MAX);
const createSchema = detailsSchema.extend({ name: groupName });
const updateSchema = detailsSchema.extend({ name: given(groupName) });
const memberSchema = z.object({
  user: reference,
  group: reference,
  role: given(z.enum(['member', 'admin'])),
  configurable_permissions: notEmulated,
});

const appOnly = (box: Box) => box.application.grant?.access === 'app';

function groupOf(box: Box, id: number): GroupRow {
  const group = box.store.groups.get(id);
  if (group === undefined || (appOnly(box) && group.by_app === 0)) throw notFound('group_id', id);
  return group;
}

function list(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, 'manage_groups');
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const term = textParam(context, 'filter_term');
  const found = box.store.groups.list({
    ...(term === undefined ? {} : { term }),
    appGroupsOnly: appOnly(box),
    limit,
    offset,
  });
  const entries = found.rows.map((row) => renderGroup(box, row, askedFields(context)));
  return json({ total_count: found.total, entries, limit, offset });
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  requireAdmin(context.actor, 'manage_groups');
  const { name, ...details } = await bodyOf(context, createSchema);
  if (box.store.groups.byName(name) !== undefined) throw valueInUse('name');
  const byApp = context.actor.user.kind === 'service';
  const group = box.store.groups.insert({ name, byApp, details, now: box.clock.now() });
  return json(renderGroup(box, group, askedFields(context)), 201);
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  requireAdmin(context.actor, 'manage_groups');
  const group = groupOf(box, idParam(context));
  const { name, ...changed } = await bodyOf(context, updateSchema);
  if (name !== undefined && (box.store.groups.byName(name)?.id ?? group.id) !== group.id)
    throw valueInUse('name');
  const kept = JSON.parse(group.details) as Readonly<Record<string, unknown>>;
  const named = Object.entries(changed).filter(([, value]) => value !== undefined);
  const details = JSON.stringify({ ...kept, ...Object.fromEntries(named) });
  box.store.groups.update(group.id, {
    ...(name === undefined ? {} : { name }),
    details,
    modified_at: box.clock.now(),
  });
  return json(renderGroup(box, groupOf(box, group.id), askedFields(context)));
}

function remove(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, 'manage_groups');
  const group = groupOf(box, idParam(context));
  box.store.transaction(() => {
    for (const member of box.store.groups.memberships({ groupId: group.id }))
      tellMember(box, context.actor, group, member.user_id, 'GROUP_REMOVE_USER');
    for (const row of box.store.collaborations.ofGroup(group.id)) box.store.collaborations.remove(row.id);
    box.store.groups.remove(group.id);
    box.access.invalidate();
  });
  return empty();
}

/** The one who joins or leaves hears of it, and so learns that other folders are his or no longer his. */
function tellMember(box: Box, actor: Actor, group: GroupRow, userId: number, type: string): void {
  box.feed.record({ type, by: actor.user.id, source: { kind: 'group', row: group }, recipients: [userId] });
}

async function addMember(box: Box, context: ActorContext): Promise<Reply> {
  requireAdmin(context.actor, 'manage_groups');
  const body = await bodyOf(context, memberSchema);
  const group = groupOf(box, idOf(body.group.id));
  const user = box.store.users.get(idOf(body.user.id));
  if (user === undefined || (appOnly(box) && user.kind === 'managed'))
    throw notFound('user_id', body.user.id);
  if (box.store.groups.membershipOf(group.id, user.id) !== undefined) throw valueInUse('user');
  const row = box.store.transaction(() => {
    const added = box.store.groups.addMember({
      userId: user.id,
      groupId: group.id,
      role: body.role ?? 'member',
      now: box.clock.now(),
    });
    box.access.invalidate();
    tellMember(box, context.actor, group, user.id, 'GROUP_ADD_USER');
    return added;
  });
  return json(renderMembership(box, row, askedFields(context)), 201);
}

function membershipOf(box: Box, context: ActorContext): MembershipRow {
  requireAdmin(context.actor, 'manage_groups');
  const id = idParam(context);
  const row = box.store.groups.membership(id);
  if (row === undefined) throw notFound('group_membership_id', id);
  groupOf(box, row.group_id);
  return row;
}

async function changeMember(box: Box, context: ActorContext): Promise<Reply> {
  const row = membershipOf(box, context);
  const { role } = await bodyOf(context, memberSchema.pick({ role: true, configurable_permissions: true }));
  box.store.groups.changeMember(row.id, role ?? row.role, box.clock.now());
  const changed = box.store.groups.membership(row.id) ?? row;
  return json(renderMembership(box, changed, askedFields(context)));
}

function removeMember(box: Box, context: ActorContext): Reply {
  const row = membershipOf(box, context);
  box.store.transaction(() => {
    box.store.groups.removeMember(row.id);
    box.access.invalidate();
    const group = box.store.groups.get(row.group_id);
    if (group !== undefined) tellMember(box, context.actor, group, row.user_id, 'GROUP_REMOVE_USER');
  });
  return empty();
}

function listMembers(box: Box, context: ActorContext, rows: readonly MembershipRow[]): Reply {
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const entries = rows.slice(offset, offset + limit).map((row) => renderMembership(box, row));
  return json({ total_count: rows.length, entries, limit, offset });
}

/** Groups and who is in them. */
export function groupRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/groups', (context) => list(box, context)),
    api('POST', '/2.0/groups', (context) => create(box, context)),
    api('GET', '/2.0/groups/:id', (context) => {
      requireAdmin(context.actor, 'manage_groups');
      return json(renderGroup(box, groupOf(box, idParam(context)), askedFields(context)));
    }),
    api('PUT', '/2.0/groups/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/groups/:id', (context) => remove(box, context)),
    api('GET', '/2.0/groups/:id/memberships', (context) => {
      requireAdmin(context.actor, 'manage_groups');
      const group = groupOf(box, idParam(context));
      return listMembers(box, context, box.store.groups.memberships({ groupId: group.id }));
    }),
    api('GET', '/2.0/users/:id/memberships', (context) => {
      const id = idParam(context);
      if (id !== context.actor.user.id) requireAdmin(context.actor, 'manage_groups');
      if (box.store.users.get(id) === undefined) throw notFound('user_id', id);
      return listMembers(box, context, box.store.groups.memberships({ userId: id }));
    }),
    api('POST', '/2.0/group_memberships', (context) => addMember(box, context)),
    api('GET', '/2.0/group_memberships/:id', (context) =>
      json(renderMembership(box, membershipOf(box, context), askedFields(context))),
    ),
    api('PUT', '/2.0/group_memberships/:id', (context) => changeMember(box, context)),
    api('DELETE', '/2.0/group_memberships/:id', (context) => removeMember(box, context)),
  ];
}
