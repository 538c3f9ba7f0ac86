import { z } from 'zod';
import { messageOf, TransientError } from '../../errors.ts';
import { remoteId } from '../../ids.ts';
import type { Account, AccountKind, Collaboration, FolderFacts, Group, Member } from '../admin/enterprise.ts';

const id = z.coerce.string();
const name = z.string().nullish();
const bytes = z.coerce.number().nullish();
const mini = z.object({ id, name });

/** The fields of a user that the port tells. */
export const USER_FIELDS = 'id,name,login,max_upload_size,space_amount,space_used';

const userSchema = z.object({
  id,
  name,
  login: z.string().nullish(),
  max_upload_size: bytes,
  space_amount: bytes,
  space_used: bytes,
});

const collaborationSchema = z.object({
  role: z.string(),
  status: z.string().nullish(),
  expires_at: z.string().nullish(),
  item: z.object({ type: z.string(), id, name }).nullish(),
  accessible_by: z.object({ type: z.string(), id, name }).nullish(),
});

export const FOLDER_FIELDS = 'name,owned_by,is_externally_owned,permissions';

const folderSchema = z.object({
  id,
  name: z.string().default(''),
  owned_by: mini.nullish(),
  is_externally_owned: z.boolean().nullish(),
  permissions: z
    .object({
      can_upload: z.boolean().nullish(),
      can_rename: z.boolean().nullish(),
      can_delete: z.boolean().nullish(),
      can_invite_collaborator: z.boolean().nullish(),
    })
    .nullish(),
});

const pageSchema = z.object({ entries: z.array(z.unknown()), next_marker: z.string().nullish() });
const membershipSchema = z.object({
  user: mini.extend({ login: z.string().nullish() }).nullish(),
  group: mini.nullish(),
});

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new TransientError({
    code: 'answer-malformed',
    message: `Box answered in an unexpected way: ${messageOf(result.error)}`,
  });
}

function kindOf(login: string): AccountKind {
  if (!/@boxdevedition\.com$/i.test(login)) return 'person';
  return /^AutomationUser_/i.test(login) ? 'service-account' : 'app-user';
}

/** -1 is Box's word for no limit. */
const limit = (value: number | null | undefined): number | null =>
  value === undefined || value === null || value < 0 ? null : value;

export function readAccount(json: unknown): Account {
  const user = read(userSchema, json);
  const login = user.login ?? '';
  return {
    id: user.id,
    name: user.name ?? login,
    login,
    kind: kindOf(login),
    uploadMaxBytes: limit(user.max_upload_size),
    spaceBytes: limit(user.space_amount),
    spaceUsedBytes: limit(user.space_used),
  };
}

export function readGroup(json: unknown): Group {
  const group = read(mini, json);
  return { id: group.id, name: group.name ?? '' };
}

/** Who a membership is about; undefined when Box does not tell. */
export function readMember(json: unknown): Member | undefined {
  const { user } = read(membershipSchema, json);
  return user ? { id: user.id, name: user.name ?? '', kind: kindOf(user.login ?? '') } : undefined;
}

/** The group of a membership; undefined when Box does not tell. */
export function readGroupOf(json: unknown): Group | undefined {
  const { group } = read(membershipSchema, json);
  return group ? { id: group.id, name: group.name ?? '' } : undefined;
}

export function readCollaboration(json: unknown): Collaboration {
  const { role, status, expires_at, item, accessible_by } = read(collaborationSchema, json);
  const endsAtMs = Date.parse(expires_at ?? '');
  return {
    folder: item?.type === 'folder' ? { id: item.id, name: item.name ?? '' } : null,
    invited: accessible_by
      ? {
          kind: accessible_by.type === 'group' ? 'group' : 'user',
          id: accessible_by.id,
          name: accessible_by.name ?? '',
        }
      : null,
    role,
    accepted: (status ?? 'accepted') === 'accepted',
    endsAtMs: Number.isFinite(endsAtMs) ? endsAtMs : null,
  };
}

export function readFolderFacts(json: unknown): FolderFacts {
  const folder = read(folderSchema, json);
  const { permissions: may } = folder;
  return {
    id: remoteId(folder.id),
    name: folder.name,
    owner: folder.owned_by ? { id: folder.owned_by.id, name: folder.owned_by.name ?? '' } : null,
    ownedElsewhere: folder.is_externally_owned === true,
    may: {
      upload: may?.can_upload === true,
      rename: may?.can_rename === true,
      remove: may?.can_delete === true,
      invite: may?.can_invite_collaborator === true,
    },
  };
}

/** One page of a listing. */
export function readPage(json: unknown): {
  readonly entries: readonly unknown[];
  readonly next: string | undefined;
} {
  const { entries, next_marker } = read(pageSchema, json);
  return { entries, next: next_marker ? next_marker : undefined };
}
