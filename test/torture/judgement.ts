import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { BoxContents, Holdings } from './box-contents.ts';
import { diskTree, HashCache } from './disk-contents.ts';
import type { Site } from './site.ts';

const STILL_MS = 3000;
const MIRRORED = ['shared', 'runs'];

/** Wait until every disk and Box show the same and go on showing it. Returns Box's last tree, also when they never do. */
export async function agreement(
  box: BoxContents,
  sites: readonly Site[],
  forMs: number,
): Promise<Map<string, string>> {
  const deadline = Date.now() + forMs;
  let former: Map<string, string> | undefined;
  const cache = new HashCache();
  for (;;) {
    const tree = await box.tree(MIRRORED);
    const disks = await Promise.all(sites.map(({ root }) => diskTree(root, cache)));
    cache.turn();
    const agreed = disks.every((disk) => isDeepStrictEqual(disk, sortedLike(disk, tree)));
    if (agreed && former !== undefined && isDeepStrictEqual(former, tree)) return tree;
    if (Date.now() > deadline) return tree;
    former = agreed ? tree : undefined;
    await pause(STILL_MS);
  }
}

/**
 * What is wrong once everything has come to rest: sides that differ, contents that are nowhere any more, and contents
 * that went to Box's trash although no person deleted them. Ends the mounts and takes their disks away, so that what
 * stands below those is seen.
 */
export async function judged(
  box: BoxContents,
  {
    sites,
    tree,
    wanted,
  }: { sites: readonly Site[]; tree: ReadonlyMap<string, string>; wanted: Map<string, string> },
): Promise<{ readonly faults: readonly string[]; readonly conflicts: number }> {
  const faults = sites.flatMap((site) => site.faults);
  const aside = new Set<string>();
  const taken = new Set<string>();
  let conflicts = 0;
  for (const site of sites) {
    faults.push(...differences(site.name, await diskTree(site.root), tree));
    const kept = await keptAside(site);
    conflicts += kept.conflicts;
    for (const sha1 of kept.all) aside.add(sha1);
    for (const [sha1, what] of site.writer.kept) wanted.set(sha1, what);
    for (const sha1 of site.writer.taken) taken.add(sha1);
  }
  return { faults: [...faults, ...lost(await box.everything(), { wanted, aside, taken })], conflicts };
}

function lost(
  { living, trashed }: Holdings,
  people: {
    readonly wanted: ReadonlyMap<string, string>;
    readonly aside: ReadonlySet<string>;
    readonly taken: ReadonlySet<string>;
  },
): readonly string[] {
  return [...people.wanted].flatMap(([sha1, what]) => {
    if (living.has(sha1) || people.aside.has(sha1)) return [];
    if (!trashed.has(sha1)) return [`nowhere any more: ${what}`];
    const isDeletion = trashed.get(sha1) === 'current' && !people.taken.has(sha1);
    return isDeletion ? [`in Box's trash, and no person deleted it: ${what}`] : [];
  });
}

/** Conflict copies, what another folder held in the mirror's place, and what was written below the disk. */
async function keptAside(site: Site): Promise<{ all: readonly string[]; conflicts: number }> {
  const conflicts = await diskTree(site.conflicts);
  const swapped = await diskTree(site.aside);
  await site.close();
  const below = site.disk === undefined ? new Map<string, string>() : await diskTree(site.disk.path);
  const all = [conflicts, swapped, below].flatMap((found) => [...found.values()]);
  return { all, conflicts: conflicts.size };
}

function differences(
  name: string,
  disk: ReadonlyMap<string, string>,
  box: ReadonlyMap<string, string>,
): readonly string[] {
  const other = [...box].filter(([path, sha1]) => disk.get(path) !== sha1);
  const more = [...disk.keys()].filter((path) => !box.has(path));
  return [
    ...other.map(([path]) => `${name}: ${path} is not as in Box`),
    ...more.map((path) => `${name}: ${path} is not in Box`),
  ];
}

/** A tree with the order of another, so that only content counts. */
function sortedLike(
  order: ReadonlyMap<string, string>,
  tree: ReadonlyMap<string, string>,
): Map<string, string> {
  const sorted = new Map<string, string>();
  for (const path of order.keys()) {
    const sha1 = tree.get(path);
    if (sha1 !== undefined) sorted.set(path, sha1);
  }
  for (const [path, sha1] of tree) sorted.set(path, sha1);
  return sorted;
}
