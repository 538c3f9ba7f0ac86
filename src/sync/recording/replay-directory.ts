import { mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '../../atomic-file.ts';
import { CorruptError, errnoOf, StateError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import type { FolderChange } from './recorded-folder.ts';
import type { ContentSource } from './recording-reader.ts';
import type { ReplayTarget } from './replay.ts';

interface DirectoryOptions {
  /** Stands where a mount directory would: the recorded folder appears below it under its path in Box. */
  readonly directory: string;
  readonly contents: ContentSource;
  /** False: the directory must be empty, so that nothing of anybody is touched. */
  readonly shared?: boolean;
}

/** What the system says of a file in a file, a folder over a file, a folder in itself, or a path that no disk has. */
const CONTRADICTIONS: ReadonlySet<string> = new Set([
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EINVAL',
  'ENAMETOOLONG',
  'EFBIG',
  'ELOOP',
]);

/**
 * Plays a recording into a directory.
 *
 * Guarantees: every file appears whole, with the time at which its content was modified; nothing outside the directory is
 * touched. Errors: StateError 'directory-not-empty'; CorruptError 'bad-place' when an entry cannot stand where the recording
 * has it, beside what it told before.
 */
export class DirectoryTarget implements ReplayTarget {
  readonly #options: DirectoryOptions;
  #root: string;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#root = options.directory;
  }

  async begin(rootPath: readonly string[]): Promise<void> {
    const { directory, shared = false } = this.#options;
    await mkdir(directory, { recursive: true });
    if (!shared && (await readdir(directory)).length > 0)
      throw new StateError({
        code: 'directory-not-empty',
        message: `${directory} is not empty`,
        hint: 'Give --dir a new or an empty directory.',
        data: { directory },
      });
    this.#root = this.#resolve(rootPath);
    await mkdir(this.#root, { recursive: true });
  }

  async apply(change: FolderChange): Promise<boolean> {
    try {
      return await this.#apply(change);
    } catch (cause) {
      if (!CONTRADICTIONS.has(errnoOf(cause) ?? '')) throw cause;
      throw new CorruptError({
        code: 'bad-place',
        message: `the recording has ${change.names.join('/')} where it cannot stand (${errnoOf(cause)})`,
        data: { names: change.names },
        cause,
      });
    }
  }

  async #apply(change: FolderChange): Promise<boolean> {
    const path = this.#resolve(change.names);
    switch (change.kind) {
      case 'folder':
        await mkdir(path, { recursive: true });
        return true;
      case 'removed':
        await rm(path, { recursive: true, force: true });
        return true;
      case 'moved':
        await this.#move(this.#resolve(change.from ?? change.names), path);
        return true;
      case 'file':
        return this.#write(path, change);
    }
  }

  #resolve(names: readonly string[]): string {
    for (const name of names)
      invariant(localNameProblem(name) === undefined, 'a name that is no file name reached the disk');
    return join(this.#root, ...names);
  }

  /** What stood there may have been left out of this replay. */
  async #move(from: string, to: string): Promise<void> {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  async #write(path: string, { content }: FolderChange): Promise<boolean> {
    invariant(content !== null, 'a file has content');
    const { sha1, sizeBytes, modifiedAtMs } = content;
    const bytes = await this.#options.contents(sha1, sizeBytes);
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(path, async (handle) => {
      if (bytes === undefined) await handle.truncate(sizeBytes);
      else await handle.writeFile(bytes);
      await handle.utimes(modifiedAtMs / 1000, modifiedAtMs / 1000);
    });
    // The rename keeps the times; a file system without them on handles gets them here.
    await utimes(path, modifiedAtMs / 1000, modifiedAtMs / 1000);
    return bytes !== undefined;
  }
}
