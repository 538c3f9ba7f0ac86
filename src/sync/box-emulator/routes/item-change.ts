import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { timeSchema } from '../content/upload-form.ts';
import { requireMatch } from '../http/conditions.ts';
import { type ActorContext, idOf } from '../http/context.ts';
import { given, notEmulated, reference } from '../http/given.ts';
import { cyclical } from '../http/refusal.ts';
import { holdSubtrees, requireUnblocked } from '../operations/blocked.ts';
import { requireUnlocked } from '../operations/locks.ts';
import { type Destination, destinationOf, requireFreeName } from '../operations/place.ts';
import { changeOwner } from '../operations/trash-operations.ts';
import { accountFor, reread, tell } from '../operations/tree-operations.ts';
import { acceptedName, nameKey } from '../store/names.ts';
import type { ItemRow } from '../store/rows.ts';

/** What PUT accepts for every kind of item. */
export const itemChangeShape = {
  name: given(z.string()),
  description: given(z.string().max(10_000)),
  parent: given(reference),
  tags: given(z.array(z.string().max(255)).max(100)),
  content_created_at: given(timeSchema),
  content_modified_at: given(timeSchema),
  shared_link: notEmulated,
  collections: notEmulated,
};

/** A change as PUT asks for it. */
export interface ItemChange {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly parent?: { readonly id: string } | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly content_created_at?: number | undefined;
  readonly content_modified_at?: number | undefined;
  readonly url?: string | undefined;
}

interface Move {
  readonly place: Destination;
  readonly name: string;
  readonly moved: boolean;
  readonly renamed: boolean;
}

/**
 * Rename, move or describe an item.
 *
 * Guarantees: If-Match is checked for everything but moves, which Box lets happen regardless.
 * Errors: 400 name or cycle · 403 role · 404 destination · 409 name taken, or a folder operation under way · 412.
 */
export function changeItem(box: Box, context: ActorContext, sight: Sight, change: ItemChange): ItemRow {
  const { actor } = context;
  const { row } = sight;
  const move = moveOf(box, actor, sight, change);
  if (!move.moved) requireMatch(context, row.etag);
  box.access.require(sight, RIGHT.rename);
  requireUnlocked(box, actor, row);
  requireUnblocked(box, [...sight.ancestors, row]);
  if (move.place.sight !== null) requireUnblocked(box, [...move.place.sight.ancestors, move.place.sight.row]);
  if (move.moved || move.renamed) requireFreeName(box, actor, move.place, move.name, { exceptId: row.id });
  const before = box.access.viewersOf(row);
  return box.store.transaction(() => {
    applyMove(box, row, move);
    box.store.items.update(row.id, fieldsOf(box, actor, row, change, move));
    const changed = reread(box, row.id);
    if (move.renamed) tell(box, 'ITEM_RENAME', actor, changed, before);
    if (move.moved) {
      tell(box, 'ITEM_MOVE', actor, changed, before);
      if (row.kind === 'folder') holdSubtrees(box, row.id, move.place.parentId);
    }
    return changed;
  });
}

function moveOf(box: Box, actor: Actor, sight: Sight, change: ItemChange): Move {
  const { row } = sight;
  const name =
    change.name === undefined ? row.name : acceptedName(change.name, row.kind, box.settings.values);
  const wanted = change.parent === undefined ? undefined : idOf(change.parent.id);
  // A collaborator's root stands for the place that he cannot see: asking for it again moves nothing.
  const stays = wanted === undefined || wanted === row.parent_id || (wanted === 0 && sharedAtRoot(sight));
  if (stays) {
    const place = { parentId: row.parent_id, ownerId: row.owner_id, sight: null };
    return { place, name, moved: false, renamed: name !== row.name };
  }
  const place = destinationOf(box, actor, wanted);
  const intoItself =
    place.parentId === row.id || place.sight?.ancestors.some((folder) => folder.id === row.id);
  if (intoItself === true) throw cyclical();
  box.access.require(sight, RIGHT.delete);
  return { place, name, moved: true, renamed: name !== row.name };
}

const sharedAtRoot = (sight: Sight) => sight.visibleFrom > 0 && sight.visibleFrom >= sight.ancestors.length;

function applyMove(box: Box, row: ItemRow, { place, moved }: Move): void {
  if (!moved) return;
  accountFor(box, { parentId: row.parent_id, ownerId: row.owner_id }, -row.size);
  box.store.items.update(row.id, { parent_id: place.parentId });
  if (place.ownerId !== row.owner_id) changeOwner(box, row, place.ownerId);
  accountFor(box, place, row.size);
}

/** Which columns change: names and places count the etag up; a folder's content date follows its name. */
function fieldsOf(
  box: Box,
  actor: Actor,
  row: ItemRow,
  change: ItemChange,
  { name, moved, renamed }: Move,
): Partial<Omit<ItemRow, 'id'>> {
  const now = box.clock.now();
  const described =
    (change.description !== undefined && change.description !== row.description) ||
    change.tags !== undefined ||
    change.content_modified_at !== undefined ||
    change.content_created_at !== undefined ||
    change.url !== undefined;
  const touched = renamed || moved || described;
  const touchesDate = renamed || described || (moved && row.kind !== 'folder');
  return {
    ...(renamed ? { name, name_key: nameKey(name, box.settings.values.nameFolding) } : {}),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.tags === undefined ? {} : { tags: JSON.stringify(change.tags) }),
    ...(change.url === undefined ? {} : { url: change.url }),
    ...(renamed && row.kind === 'folder' ? { content_modified_at: now } : {}),
    ...(change.content_created_at === undefined ? {} : { content_created_at: change.content_created_at }),
    ...(change.content_modified_at === undefined ? {} : { content_modified_at: change.content_modified_at }),
    ...(touchesDate ? { modified_at: now } : {}),
    ...(touched ? { modified_by: actor.user.id, etag: row.etag + 1 } : {}),
  };
}
