import { CorruptError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';

type KnownTree = ReadonlyTree<RemoteId, RemoteEntry>;

/** Longer chains of parents than this are made up. */
const CHAIN_MAX = 128;

/** The error for an entry that cannot stand where a recording has it. */
export function badPlace({ id, name }: RemoteEntry, why: string): CorruptError {
  return new CorruptError({
    code: 'bad-place',
    message: `the recording holds an entry in an impossible place, ${JSON.stringify(name)} (${id}): ${why}`,
    data: { id },
  });
}

/** Errors: CorruptError 'bad-place' for what no two moments of a shared folder can explain. */
export function assertPlace(tree: KnownTree, entry: RemoteEntry): void {
  const { id, kind, parentId } = entry;
  const former = tree.get(id);
  if (parentId === id) throw badPlace(entry, 'an entry in itself');
  if (former !== undefined && former.kind !== kind)
    throw badPlace(entry, `a ${former.kind} became a ${kind}`);
  if (former?.parentId === null && parentId !== null)
    throw badPlace(entry, 'a mirrored folder below another');
  if (parentId !== null && tree.get(parentId)?.kind === 'file') throw badPlace(entry, 'an entry in a file');
  if (kind === 'file' && tree.children(id).length > 0) throw badPlace(entry, 'a file with entries in it');
}

/** Up the chain of parents, from an entry's parent to where it ends. Errors: CorruptError when it is too long. */
function* parentsOf(
  entry: RemoteEntry,
  parentOf: (id: RemoteId) => RemoteId | null | undefined,
): Generator<RemoteId> {
  let each: RemoteId | null | undefined = entry.parentId;
  for (let depth = 0; each !== null && each !== undefined; depth += 1) {
    if (depth === CHAIN_MAX) throw badPlace(entry, `more than ${CHAIN_MAX} folders deep`);
    yield each;
    each = parentOf(each);
  }
}

/** Errors: CorruptError 'bad-place' when what one line tells is a circle by itself. */
export function assertNoCircle(entries: readonly RemoteEntry[]): void {
  const told = new Map(entries.map(({ id, parentId }) => [id, parentId]));
  for (const entry of entries)
    for (const parent of parentsOf(entry, (id) => told.get(id)))
      if (parent === entry.id) throw badPlace(entry, 'a folder below itself');
}

/**
 * The entry directly below this one on the way to its new parent; undefined where its place closes no circle.
 * Errors: CorruptError 'bad-place' when the chain of parents has no end.
 */
export function belowOnTheWay(tree: KnownTree, entry: RemoteEntry): RemoteId | undefined {
  let below: RemoteId | undefined;
  for (const parent of parentsOf(entry, (id) => tree.get(id)?.parentId)) {
    if (parent === entry.id) return below;
    below = parent;
  }
  return undefined;
}
