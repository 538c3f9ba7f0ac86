import { basename, dirname, join } from 'node:path';
import { errnoOf, FullError, isSystemError, StaleError } from '../../errors.ts';
import { nameWithEnding } from '../../fitting-name.ts';
import { type Random, randomName } from '../../random.ts';
import type { LocalEntry, LocalFile, LocalFolder } from '../tree/entry.ts';
import { moveAcross, moveWithoutReplacing, placeAcross } from './disk-moves.ts';
import type { Guard } from './file-system.ts';
import { conflictFolder, type MirrorRoot, stagingFolder } from './mirror-root.ts';
import { deviceOf, isSameFile, isUnchanged, type StatFacts } from './stat-facts.ts';

/** Left free by downloads: a heartbeat and the index must always find room. */
const ROOM_RESERVE_BYTES = 4 << 20;

/**
 * Every write of the engine into the mirror.
 *
 * Guarantees: the precondition is looked at right before each effect; a final name only ever shows whole content;
 * nothing outside the mount directory is touched, and where the system can hold an open folder, no link leads anywhere
 * else even in the same instant. Errors: StaleError when the disk is not as the plan saw it.
 */
export class LocalDisk {
  readonly root: MirrorRoot;
  #knownAs: (names: readonly string[]) => string | undefined = () => undefined;

  constructor(root: MirrorRoot) {
    this.root = root;
  }

  /** From now on, no effect in another root than the known one, nor in a folder that lies on another disk than it did. */
  trustOnly(knownAs: (names: readonly string[]) => string | undefined): void {
    this.#knownAs = knownAs;
  }

  /**
   * Put a complete staged file under its final name. `replaces`: what must stand there now; null: nothing.
   *
   * Guarantees: the facts are those of the staged file, even when a program has written over it in the same instant:
   * the next look then finds them changed, which is an edit.
   */
  async place(
    stagedPath: string,
    names: readonly string[],
    options: { replaces: LocalFile | null; modifiedAtMs: number },
  ): Promise<StatFacts> {
    return this.#at(names, async (path, folder) => {
      const facts = await placeAcross(this.#files, [stagedPath, path], async (staged) => {
        await this.#files.setModified(staged, options.modifiedAtMs);
        return this.#placeAt(staged, path, options.replaces);
      });
      if (facts === undefined) throw stale(path);
      await this.#files.syncFolder(folder);
      return facts;
    });
  }

  async #placeAt(stagedPath: string, path: string, replaces: LocalFile | null): Promise<StatFacts> {
    // A file that was made private stays so, whoever changes it in Box.
    if (replaces !== null) await this.#takeOverMode(stagedPath, path);
    const staged = await this.#requireFacts(stagedPath);
    const isPlaced =
      replaces === null
        ? await moveWithoutReplacing(this.#files, stagedPath, path)
        : await this.#files.rename(stagedPath, path, [guardOf(path, replaces)]);
    if (!isPlaced) throw stale(path);
    const placed = await this.#files.facts(path);
    return placed !== undefined && isSameFile(placed, staged) ? placed : staged;
  }

  /** Make a folder. An existing one is taken as it is. */
  async makeFolder(names: readonly string[]): Promise<StatFacts> {
    return this.#at(names, async (path) => {
      try {
        await this.#files.makeFolder(path);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      const facts = await this.#requireFacts(path);
      if (facts.kind !== 'folder') throw stale(path);
      return facts;
    });
  }

  /** Rename or move an entry to a name that is free. */
  async move(entry: LocalEntry, from: readonly string[], to: readonly string[]): Promise<StatFacts> {
    return this.#at(from, (source) =>
      this.#at(to, async (target) => {
        // On a disk that ignores case, the target of a change of case is the entry itself.
        const isFree = (facts: StatFacts | undefined) => facts === undefined || facts.inode === entry.inode;
        const guards = [guardOf(source, entry), { path: target, holds: isFree }];
        if (!(await moveAcross(this.#files, [source, target], guards))) throw stale(target);
        return this.#requireFacts(target);
      }),
    );
  }

  /** Delete a file that is still as the plan saw it, or an empty folder. */
  async remove(entry: LocalEntry, names: readonly string[]): Promise<void> {
    await this.#at(names, (path) =>
      this.#removeAt(path, entry).catch((error: unknown) => {
        const errno = errnoOf(error);
        if (errno === 'ENOENT') return;
        throw ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errno ?? '') ? stale(path) : error;
      }),
    );
  }

  /** Make the names in a folder survive a power cut. */
  async syncNames(names: readonly string[]): Promise<void> {
    await this.#inFolder(names, (folder) => this.#files.syncFolder(folder));
  }

  /** Everything that stands directly in a folder, also what is never mirrored. */
  async contentOf(names: readonly string[]): Promise<readonly { name: string; kind: StatFacts['kind'] }[]> {
    return this.#inFolder(names, async (folder) => {
      const found: { name: string; kind: StatFacts['kind'] }[] = [];
      for (const name of await this.#files.list(folder)) {
        const facts = await this.#files.facts(join(folder, name));
        if (facts !== undefined) found.push({ name, kind: facts.kind });
      }
      return found;
    });
  }

  /** Take an entry out of the mirror into the conflict folder. Returns where it stands now. */
  async setAside(entry: LocalEntry, names: readonly string[], stamp: string): Promise<string> {
    return this.#at(names, async (path) => {
      const name = nameWithEnding(names.at(-1) ?? '', `.${stamp}`);
      const target = join(conflictFolder(this.root.layout), ...names.slice(0, -1), name);
      await this.#files.makeFolders(dirname(target));
      if (!(await moveAcross(this.#files, [path, target], [guardOf(path, entry)]))) throw stale(path);
      return target;
    });
  }

  /** A fresh name for a half-finished download that can be found again by its key. */
  async stagedPath(key: string): Promise<string> {
    const folder = stagingFolder(this.root.layout);
    await this.#files.makeFolders(folder);
    return join(folder, `${key}.part`);
  }

  /** Remove every half-finished download. Call when nothing is under way and nothing is to be gone on with. */
  async clearStaging(): Promise<void> {
    const folder = stagingFolder(this.root.layout);
    if ((await this.#files.facts(folder)) === undefined) return;
    for (const name of await this.#files.list(folder)) await this.#files.discard(join(folder, name));
  }

  /**
   * Make sure that so many bytes may come, and that room is left for the index and for small files.
   *
   * Errors: FullError 'disk-full'.
   */
  async assertRoom(bytes: number): Promise<void> {
    for (const place of [this.root.layout.directory, this.root.path]) {
      const available = await this.#roomAt(place);
      if (available >= bytes + ROOM_RESERVE_BYTES) continue;
      throw new FullError({
        code: 'disk-full',
        message: `the disk of ${place} has no room for ${bytes} bytes more`,
        hint: 'Make room; the mount goes on by itself.',
        data: { bytes, available },
      });
    }
  }

  /** The mirrored folder may lie on another disk; when it is missing, what would be placed there says so. */
  async #roomAt(place: string): Promise<number> {
    try {
      return await this.#files.roomBytes(place);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  /** Errors: StaleError when the entry is not as the local tree says. */
  async assertUnchanged(names: readonly string[], entry: LocalEntry): Promise<void> {
    const path = this.root.resolve(names);
    if (!guardOf(path, entry).holds(await this.#files.facts(path))) throw stale(path);
  }

  get #files() {
    return this.root.files;
  }

  /** Errors: StaleError 'not-a-plain-folder' | 'disk-moved-on'. */
  async #knownFolder(names: readonly string[]): Promise<string> {
    const path = await this.root.assertPlainFolder(names);
    const [root, folder] = await Promise.all([this.#files.facts(this.root.path), this.#files.facts(path)]);
    const [knownRoot, known] = [this.#knownAs([]), this.#knownAs(names)];
    if (knownRoot !== undefined && root?.inode !== knownRoot) throw stale(this.root.path);
    if (known !== undefined && (folder === undefined || deviceOf(folder.inode) !== deviceOf(known)))
      throw stale(path);
    return path;
  }

  /** Act at an entry's path in its folder, which is held meanwhile. Errors: as `#inFolder`. */
  async #at<Result>(
    names: readonly string[],
    act: (path: string, folder: string) => Promise<Result>,
  ): Promise<Result> {
    // Names come from Box and from the disk, so each is checked.
    const name = basename(this.root.resolve(names));
    return this.#inFolder(names.slice(0, -1), (folder) => act(join(folder, name), folder));
  }

  /**
   * Act in a folder. Where the system can hold a folder, the effect happens in the one that plain folders led to, whatever
   * takes its name in the same instant. Errors: StaleError 'not-a-plain-folder' | 'disk-moved-on'.
   */
  async #inFolder<Result>(
    names: readonly string[],
    act: (folder: string) => Promise<Result>,
  ): Promise<Result> {
    const path = await this.#knownFolder(names);
    const { files } = this.root;
    if (files.inFolder === undefined) return act(path);
    let isHeld = false;
    try {
      return await files.inFolder(this.root.path, names, async (held) => {
        isHeld = true;
        const [facts, known] = [await files.facts(`${held}/.`), this.#knownAs(names)];
        if (known !== undefined && (facts === undefined || deviceOf(facts.inode) !== deviceOf(known)))
          throw stale(path);
        return act(held).catch((error: unknown) => {
          throw withoutHandle(error, held, path);
        });
      });
    } catch (error) {
      if (!isHeld && ['ELOOP', 'ENOTDIR', 'ENOENT'].includes(errnoOf(error) ?? '')) throw stale(path);
      throw error;
    }
  }

  async #removeAt(path: string, entry: LocalEntry): Promise<void> {
    const unchanged = guardOf(path, entry);
    if (entry.kind === 'folder') {
      if (!unchanged.holds(await this.#files.facts(path))) throw stale(path);
      await this.#files.removeFolder(path);
    } else if (!(await this.#files.removeFile(path, [unchanged]))) throw stale(path);
  }

  async #takeOverMode(stagedPath: string, path: string): Promise<void> {
    try {
      await this.#files.takeOverMode(stagedPath, path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw stale(path);
      throw error;
    }
  }

  async #requireFacts(path: string): Promise<StatFacts> {
    const facts = await this.#files.facts(path);
    if (facts === undefined) throw stale(path);
    return facts;
  }
}

function stale(path: string): StaleError {
  return new StaleError({
    code: 'disk-moved-on',
    message: `${path} changed since it was looked at`,
    data: { path },
  });
}

/** The error in the words of the path that people know, not of the handle that the effect went through. */
function withoutHandle(error: unknown, held: string, path: string): unknown {
  if (error instanceof StaleError && String(error.data['path']).startsWith(held))
    return stale(path + String(error.data['path']).slice(held.length));
  if (error instanceof Error && isSystemError(error)) error.message = error.message.replaceAll(held, path);
  return error;
}

/** Holds while the entry is as the local tree says. */
function guardOf(path: string, entry: LocalEntry): Guard {
  return {
    path,
    holds: (facts) =>
      facts !== undefined && (entry.kind === 'file' ? isUnchanged(facts, entry) : isSameFolder(facts, entry)),
  };
}

/** A folder of the same name may be another one: a disk mounted there, or one that was made anew. */
function isSameFolder(facts: StatFacts, { inode }: LocalFolder): boolean {
  return facts.kind === 'folder' && (inode === '' || facts.inode === inode);
}

/** A stamp that tells when and on which machine, and that no two conflicts share. */
export function conflictStamp(nowMs: number, host: string, random: Random): string {
  const time = new Date(nowMs).toISOString().replace(/[:.]/g, '-');
  return `${time}.${host.replace(/[^A-Za-z0-9-]/g, '-')}.${randomName(random, 6)}`;
}
