import { hostname } from 'node:os';
import type { Clock } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import { pairing } from '../engine/effects.ts';
import { Replica } from '../engine/replica.ts';
import type { VersionIndex } from '../index/version-index.ts';
import { conflictStamp, type LocalDisk } from '../local/disk.ts';
import { hashFile } from '../local/hasher.ts';

interface RepairParts {
  readonly replica: Replica;
  readonly disk: LocalDisk;
  readonly clock: Clock;
  readonly random: Random;
}

/** The trees of a mount that does not run; undefined when it never saw Box. Only for who holds the mount's lock. */
export function replicaAtRest(index: VersionIndex): Replica | undefined {
  const root = [...index.loadTrees().remote.values()].find((node) => node.parentId === null);
  return root?.kind === 'folder' ? Replica.open(index, root) : undefined;
}

/**
 * Put damaged files aside, so that Box's content comes in their place.
 *
 * Guarantees: a file is touched only when its bytes differ from the agreed ones although nobody wrote it, and Box
 * holds the agreed ones; the damaged bytes stay in the conflict folder. Returns the paths that were repaired.
 */
export async function putDamagedAside(
  { replica, disk, clock, random }: RepairParts,
  paths: readonly string[],
): Promise<readonly string[]> {
  const repaired: string[] = [];
  for (const local of [...replica.local.values()]) {
    const names = replica.local.pathOf(local.id);
    if (local.kind !== 'file' || names === undefined || !paths.includes(names.join('/'))) continue;
    const remoteId = replica.synced.byLocal(local.id)?.remoteId;
    const remote = remoteId === undefined ? undefined : replica.remote.get(remoteId);
    const hashed = await hashFile(disk.root.files, disk.root.resolve(names));
    if (hashed === undefined || hashed.sha1 === local.content.sha1) continue;
    if (remote?.kind !== 'file' || remote.content.sha1 !== local.content.sha1) {
      throw new StateError({
        code: 'only-copy',
        message: `${names.join('/')} is damaged, and Box does not hold the bytes that it had`,
        hint: 'Look at its versions with `mila-sync history`.',
      });
    }
    await disk.assertUnchanged(names, local);
    // Recorded first: cut short in between, the file counts as a newcomer, never as deleted.
    replica.apply({ removeLocal: [local.id], pair: [pairing(remote, null)] });
    const keptAs = await disk.setAside(local, names, conflictStamp(clock.now(), hostname(), random));
    const conflict = { atMs: clock.now(), path: names.join('/'), reason: 'damaged-on-disk', keptAs };
    replica.apply({ alsoStore: () => replica.index.addConflict({ ...conflict, sha1: hashed.sha1 }) });
    repaired.push(names.join('/'));
  }
  return repaired;
}
