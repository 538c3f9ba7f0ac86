import type { RemoteId } from '../../ids.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';

const ROUND_FOLDER = /^round_(?<round>[1-9]\d{0,8})$/;
const UPDATE_SUFFIX = '.pt';

/** The names of the updates in a folder, as kMoL writes them: in lower case. */
function updatesIn(tree: ReadonlyTree<RemoteId, RemoteEntry>, folder: RemoteId): ReadonlySet<string> {
  const names = tree.children(folder).map(({ name }) => name.toLowerCase());
  return new Set(names.filter((name) => name.endsWith(UPDATE_SUFFIX)));
}

/**
 * Whether a round's folder holds an update of everybody who delivered one in the round before: then the server has all
 * that it waits for, and the next model is near.
 *
 * Guarantees: false where nothing can be said, as in a first round; a hint only, as who was lost delivers no more.
 */
export function hasEverybodysUpdate(tree: ReadonlyTree<RemoteId, RemoteEntry>, folder: RemoteId): boolean {
  const { name = '', parentId = null } = tree.get(folder) ?? {};
  const round = Number(ROUND_FOLDER.exec(name)?.groups?.['round'] ?? 0);
  if (round < 2 || parentId === null) return false;
  const [before] = tree.named(parentId, `round_${round - 1}`);
  if (before === undefined) return false;
  const there = updatesIn(tree, folder);
  const awaited = updatesIn(tree, before.id);
  return awaited.size > 0 && [...awaited].every((update) => there.has(update));
}
