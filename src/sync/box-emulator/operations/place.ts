import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { insufficientScope, nameInUse } from '../http/refusal.ts';
import { ItemRenderer } from '../render/items.ts';
import { nameKey } from '../store/names.ts';
import type { ItemRow } from '../store/rows.ts';

/** A folder that something is to be put into; the root of an account has no row. */
export interface Destination {
  readonly parentId: number;
  readonly ownerId: number;
  readonly sight: Sight | null;
}

/**
 * The folder with this id, seen and writable by the actor.
 *
 * Errors: 404 for one he does not see, 403 for one he may not write to.
 */
export function destinationOf(
  box: Box,
  actor: Actor,
  parentId: number,
  right: number = RIGHT.upload,
): Destination {
  if (parentId === 0) {
    if ((box.access.allowedInRoot(actor) & right) !== right) throw insufficientScope();
    return { parentId: 0, ownerId: actor.user.id, sight: null };
  }
  const sight = box.access.see(actor, parentId, 'folder');
  box.access.require(sight, right);
  return { parentId, ownerId: sight.row.owner_id, sight };
}

/** The item that stands in the way of a name, if any but `exceptId` does. */
export function conflictAt(
  box: Box,
  place: Destination,
  name: string,
  exceptId?: number,
): ItemRow | undefined {
  const found = box.store.items.named(place, nameKey(name, box.settings.values.nameFolding));
  return found === undefined || found.id === exceptId ? undefined : found;
}

/** Errors: 409 `item_name_in_use` when the name is taken, whatever kind of item holds it. */
export function requireFreeName(
  box: Box,
  actor: Actor,
  place: Destination,
  name: string,
  options: { readonly exceptId?: number; readonly asList?: boolean } = {},
): void {
  const conflict = conflictAt(box, place, name, options.exceptId);
  if (conflict === undefined) return;
  const mini = new ItemRenderer(box).mini(box.access.recollect(actor, conflict));
  throw nameInUse(options.asList === true ? [mini] : mini);
}
