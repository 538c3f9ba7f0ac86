import { basename, dirname, join } from 'node:path';
import { TEMPORARY_SUFFIX } from '../../atomic-file.ts';
import { errnoOf } from '../../errors.ts';
import { nameWithEnding } from '../../fitting-name.ts';
import type { FileSystem, Guard } from './file-system.ts';
import { isSameFile, type StatFacts } from './stat-facts.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * Give a file of the engine's own a name; where that name lies on another disk, a copy beside it gets the name.
 *
 * Guarantees: the name only ever shows whole content. Errors: those of `place`.
 */
export async function placeAcross<Result>(
  files: FileSystem,
  [from, to]: readonly [string, string],
  place: (from: string) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await place(from);
  } catch (error) {
    if (!isAcrossDisks(error)) throw error;
  }
  const copy = await copyBeside(files, from, to);
  if (copy === undefined) return undefined;
  try {
    const result = await place(copy);
    await files.discard(from);
    return result;
  } catch (error) {
    await files.discard(copy);
    throw error;
  }
}

/**
 * Rename a file, also to a name on another disk.
 *
 * Guarantees: there the file has both names for a moment, and never none; it keeps the old one when it changed meanwhile.
 * False, and no effect, when a guard does not hold.
 */
export async function moveAcross(
  files: FileSystem,
  [from, to]: readonly [string, string],
  guards: readonly Guard[],
): Promise<boolean> {
  try {
    return await files.rename(from, to, guards);
  } catch (error) {
    if (!isAcrossDisks(error) || (await files.facts(from))?.kind !== 'file') throw error;
  }
  const copy = await copyBeside(files, from, to);
  if (copy === undefined) return false;
  try {
    const copied = await files.facts(copy);
    if (!(await files.rename(copy, to, guards))) return false;
    await files.syncFolder(dirname(to));
    const unchanged = guards.filter(({ path }) => path === from);
    if (await files.removeFile(from, unchanged)) return true;
    // What a program wrote under the new name meanwhile is its own.
    const isOurs = (facts: StatFacts | undefined) =>
      facts !== undefined && copied !== undefined && isSameFile(facts, copied);
    await files.removeFile(to, [{ path: to, holds: isOurs }]);
    return false;
  } finally {
    await files.discard(copy);
  }
}

/** Give a file its final name unless something stands there, which is told by false: a hard link never replaces. */
export async function moveWithoutReplacing(files: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await files.link(from, to);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno ?? '')) throw error;
    // This file system has no hard links: look, then rename.
    if ((await files.facts(to)) !== undefined) return false;
    return files.rename(from, to);
  }
  return files.removeFile(from);
}

/** True when a rename or a link failed because its two names lie on different disks. */
const isAcrossDisks = (error: unknown) => errnoOf(error) === 'EXDEV';

/**
 * Copy a file to a temporary name beside a path of another disk, so that a rename can give it that path's name.
 *
 * Guarantees: the copy survives a power cut, has the mode and the time of the original, and no name that is mirrored; what
 * an earlier attempt left under it is written over. After a failure nothing of the copy is left. Errors: Node's system
 * errors; undefined when the original changed meanwhile.
 */
async function copyBeside(files: FileSystem, from: string, path: string): Promise<string | undefined> {
  const copy = join(dirname(path), nameWithEnding(`.${basename(path)}`, TEMPORARY_SUFFIX));
  try {
    const facts = await copyBytes(files, from, copy);
    if (facts !== undefined) {
      await files.takeOverMode(copy, from);
      await files.setModified(copy, facts.modifiedAtMs);
      return copy;
    }
  } catch (error) {
    await files.discard(copy);
    throw error;
  }
  await files.discard(copy);
  return undefined;
}

/** The facts of what was copied; undefined when the file changed meanwhile. */
async function copyBytes(files: FileSystem, from: string, to: string): Promise<StatFacts | undefined> {
  await files.discard(to);
  const source = await files.open(from, 'read');
  try {
    const before = await source.facts();
    const target = await files.open(to, 'write');
    try {
      const buffer = new Uint8Array(CHUNK_BYTES);
      let position = 0;
      for (;;) {
        const count = await source.read(buffer, position);
        if (count === 0) break;
        await target.write(buffer.subarray(0, count));
        position += count;
      }
      await target.sync();
      const after = await source.facts();
      const isWhole = position === after.sizeBytes && before.modifiedAtMs === after.modifiedAtMs;
      return isWhole && before.changedAtMs === after.changedAtMs ? after : undefined;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
