import { existsSync } from 'node:fs';
import { StateError } from '../errors.ts';
import type { VersionIndex } from '../sync/index/version-index.ts';
import { MirrorRoot, type MountLayout } from '../sync/local/mirror-root.ts';
import { askMount } from '../sync/mount/ask-mount.ts';
import { unlistedEntries } from '../sync/mount/disk-entries.ts';
import { type ListedEntry, listing } from '../sync/mount/listing.ts';
import { lockOwner } from '../sync/mount/lock-owner.ts';
import { lockPath } from '../sync/mount/mount.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { Pins } from '../sync/mount/pins.ts';
import { rememberedSelection } from '../sync/mount/remembered.ts';
import { selectionFilter } from '../sync/mount/selection.ts';
import type { Filter } from '../sync/plan/op.ts';
import type { MountPlace } from './mount-place.ts';

const FULL: Filter = selectionFilter({ profile: { kind: 'full' }, include: [], exclude: [] });

/** What a running mount says of itself; undefined when it does not run or does not answer. */
export async function statusOf(layout: MountLayout): Promise<MountStatus | undefined> {
  if ((await lockOwner(lockPath(layout))) === undefined) return undefined;
  return askMount(layout, { command: 'status' }).then(
    (status) => status as MountStatus,
    () => undefined,
  );
}

/**
 * The virtual drive's view of a place: every entry there, also those kept online-only.
 *
 * Guarantees: reads the index and the names on the disk only, and works also when no mount runs.
 */
export async function listPlace({ layout, names }: MountPlace, index: VersionIndex): Promise<ListedEntry[]> {
  const selection = rememberedSelection(index);
  const filter = new Pins(index).applied(selection === undefined ? FULL : selectionFilter(selection));
  const status = await statusOf(layout);
  const problems = status?.problems.map((problem) => problem.path) ?? [];
  const waiting = new Set([...problems, ...(status?.waiting.map(({ key }) => key) ?? [])]);
  const standing = index.conflicts().filter(({ keptAs }) => existsSync(keptAs));
  const conflicts = new Set(standing.map(({ path }) => path));
  const trees = index.transaction(() => index.loadTrees());
  const known = listing(trees, { filter, conflicts, waiting });
  const listed = new Set(known.map(({ path }) => path));
  const { entries: more, unreadable } = await unlistedEntries(new MirrorRoot(layout), listed, filter);
  const place = names.join('/');
  const inPlace = ({ path }: ListedEntry) => place === '' || path === place || path.startsWith(`${place}/`);
  // What stands in a folder that cannot be read is not known to agree, whatever was agreed before.
  const isHidden = (entry: ListedEntry) => entry.state === 'synced' && hidden(entry.path, unreadable);
  const present = known.map((entry) => (isHidden(entry) ? { ...entry, state: 'waiting' as const } : entry));
  const found = [...present, ...more].filter(inPlace).sort((a, b) => (a.path < b.path ? -1 : 1));
  if (found.length === 0 && place !== '') {
    throw new StateError({
      code: 'no-such-entry',
      message: `neither Box nor the disk of ${layout.directory} has an entry ${place}`,
      hint: '`mila-sync ls` lists what there is.',
    });
  }
  return found;
}

/** True for an unreadable folder and all that is below one. */
function hidden(path: string, unreadable: ReadonlySet<string>): boolean {
  for (const folder of unreadable)
    if (folder === '' || path === folder || path.startsWith(`${folder}/`)) return true;
  return false;
}
