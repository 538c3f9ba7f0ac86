import type { RemoteId } from '../../ids.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';

type RemoteTree = ReadonlyTree<RemoteId, RemoteEntry>;

const ROUND_FOLDER = /^round_(?<round>[1-9]\d{0,8})$/;
const UPDATE_SUFFIX = '.pt';
/** Where participants claim their names. Source: kMoL's guide, and kMoL's code (the second spelling). */
export const CLAIM_FOLDERS: readonly string[] = ['authentications', 'authentifications'];
const CLAIM = /^(?<name>.+)_authenti(?:fi)?cation\.txt$/;

/** The names of the updates in a folder, as kMoL writes them: in lower case. */
function updatesIn(tree: RemoteTree, folder: RemoteId): readonly string[] {
  return tree
    .children(folder)
    .map(({ name }) => name.toLowerCase())
    .filter((name) => name.endsWith(UPDATE_SUFFIX));
}

/** The names of the updates of all who claimed a name in a run. */
function updatesOfClaimants(tree: RemoteTree, run: RemoteId): readonly string[] {
  const claims = CLAIM_FOLDERS.flatMap((name) => tree.named(run, name)).flatMap(({ id }) =>
    tree.children(id),
  );
  return claims.flatMap(({ name }) => {
    const claimed = CLAIM.exec(name)?.groups?.['name'];
    return claimed === undefined ? [] : `${claimed.toLowerCase()}${UPDATE_SUFFIX}`;
  });
}

/**
 * Whether a round's folder holds an update of everybody who delivered one in the round before, or in a first round of
 * everybody who claimed a name: then the server has all that it waits for, and the next model is near.
 *
 * Guarantees: false where nothing can be said; a hint only, as who was lost or refused delivers nothing.
 */
export function hasEverybodysUpdate(tree: RemoteTree, folder: RemoteId): boolean {
  const { name = '', parentId = null } = tree.get(folder) ?? {};
  const round = Number(ROUND_FOLDER.exec(name)?.groups?.['round'] ?? 0);
  const rounds = parentId === null ? undefined : tree.get(parentId);
  if (round < 1 || rounds === undefined) return false;
  const awaited =
    round === 1
      ? updatesOfClaimants(tree, rounds.parentId ?? rounds.id)
      : tree.named(rounds.id, `round_${round - 1}`).flatMap(({ id }) => updatesIn(tree, id));
  const there = new Set(updatesIn(tree, folder));
  return awaited.length > 0 && awaited.every((update) => there.has(update));
}
