import type { Box } from '../box.ts';
import type { GroupRow, MembershipRow, UserRow } from '../store/rows.ts';
import { type FieldTable, renderFields } from './fields.ts';

const STANDARD = [
  'type',
  'id',
  'name',
  'login',
  'created_at',
  'modified_at',
  'language',
  'timezone',
  'space_amount',
  'space_used',
  'max_upload_size',
  'status',
  'job_title',
  'phone',
  'address',
  'avatar_url',
  'notification_email',
];

const detail = (user: UserRow, name: string, fallback: unknown): unknown => {
  const details = JSON.parse(user.details) as Readonly<Record<string, unknown>>;
  return details[name] ?? fallback;
};

function userTable(box: Box): FieldTable<UserRow> {
  return {
    type: () => 'user',
    id: (user) => String(user.id),
    name: (user) => user.name,
    login: (user) => user.login,
    created_at: (user) => box.clock.format(user.created_at),
    modified_at: (user) => box.clock.format(user.modified_at),
    language: (user) => detail(user, 'language', 'en'),
    timezone: (user) => detail(user, 'timezone', box.settings.values.timeZone),
    space_amount: (user) => user.space_amount,
    space_used: (user) => user.space_used,
    max_upload_size: () => box.settings.values.fileSizeMaxBytes,
    status: (user) => user.status,
    job_title: (user) => detail(user, 'job_title', ''),
    phone: (user) => detail(user, 'phone', ''),
    address: (user) => detail(user, 'address', ''),
    avatar_url: (user) => `${box.addresses().api}/avatars/${user.id}`,
    notification_email: () => null,
    role: (user) => user.role,
    enterprise: () => ({
      type: 'enterprise',
      id: String(box.application.current.enterpriseId),
      name: 'Emulated enterprise',
    }),
    is_platform_access_only: (user) => user.kind !== 'managed',
    is_sync_enabled: (user) => detail(user, 'is_sync_enabled', true),
    is_external_collab_restricted: (user) => detail(user, 'is_external_collab_restricted', false),
    is_exempt_from_device_limits: (user) => detail(user, 'is_exempt_from_device_limits', false),
    is_exempt_from_login_verification: (user) => detail(user, 'is_exempt_from_login_verification', false),
    can_see_managed_users: (user) => detail(user, 'can_see_managed_users', true),
    tracking_codes: (user) => detail(user, 'tracking_codes', []),
    my_tags: () => [],
    hostname: () => `${box.addresses().api}/`,
    external_app_user_id: (user) => user.external_app_user_id ?? undefined,
  };
}

/** A user as `/users` shows him. */
export function renderUser(box: Box, user: UserRow, asked?: readonly string[]): Record<string, unknown> {
  return renderFields(userTable(box), user, STANDARD, asked);
}

/** A user as other objects mention him; a deleted one keeps his id. */
export function renderMiniUser(box: Box, id: number): Record<string, unknown> {
  const user = box.store.users.get(id);
  return { type: 'user', id: String(id), name: user?.name ?? '', login: user?.login ?? '' };
}

const GROUP_STANDARD = ['type', 'id', 'name', 'group_type', 'created_at', 'modified_at'];

function groupTable(box: Box): FieldTable<GroupRow> {
  const groupDetail = (group: GroupRow, name: string, fallback: unknown): unknown =>
    (JSON.parse(group.details) as Readonly<Record<string, unknown>>)[name] ?? fallback;
  return {
    type: () => 'group',
    id: (group) => String(group.id),
    name: (group) => group.name,
    group_type: () => 'managed_group',
    created_at: (group) => box.clock.format(group.created_at),
    modified_at: (group) => box.clock.format(group.modified_at),
    description: (group) => groupDetail(group, 'description', ''),
    provenance: (group) => groupDetail(group, 'provenance', null),
    external_sync_identifier: (group) => groupDetail(group, 'external_sync_identifier', null),
    invitability_level: (group) => groupDetail(group, 'invitability_level', 'all_managed_users'),
    member_viewability_level: (group) => groupDetail(group, 'member_viewability_level', 'all_managed_users'),
    permissions: () => ({ can_invite_as_collaborator: true }),
  };
}

/** A group as `/groups` shows it. */
export function renderGroup(box: Box, group: GroupRow, asked?: readonly string[]): Record<string, unknown> {
  return renderFields(groupTable(box), group, GROUP_STANDARD, asked);
}

/** A group as other objects mention it. */
export function renderMiniGroup(box: Box, id: number): Record<string, unknown> {
  return {
    type: 'group',
    id: String(id),
    name: box.store.groups.get(id)?.name ?? '',
    group_type: 'managed_group',
  };
}

const MEMBERSHIP_STANDARD = ['type', 'id', 'user', 'group', 'role', 'created_at', 'modified_at'];

/** One member of one group. */
export function renderMembership(
  box: Box,
  membership: MembershipRow,
  asked?: readonly string[],
): Record<string, unknown> {
  const table: FieldTable<MembershipRow> = {
    type: () => 'group_membership',
    id: (row) => String(row.id),
    user: (row) => renderMiniUser(box, row.user_id),
    group: (row) => renderMiniGroup(box, row.group_id),
    role: (row) => row.role,
    created_at: (row) => box.clock.format(row.created_at),
    modified_at: (row) => box.clock.format(row.modified_at),
  };
  return renderFields(table, membership, MEMBERSHIP_STANDARD, asked);
}
