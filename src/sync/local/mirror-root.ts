import { join, sep } from 'node:path';
import { StaleError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import { type FileSystem, systemFiles } from './file-system.ts';

/** Where things of one mount stand on the disk. */
export interface MountLayout {
  /** The mount directory. */
  readonly directory: string;
  /** The mirrored folder's path below the mount directory, as in Box. */
  readonly rootPath: readonly string[];
}

/** The engine's own folder in a mount; never mirrored. */
export const STATE_FOLDER = '.mila-sync';

/** The folder of the engine's own files. */
export const stateFolder = (layout: MountLayout) => join(layout.directory, STATE_FOLDER);
/** Where half-finished downloads stand: same file system as the mirror, out of every reader's sight. */
export const stagingFolder = (layout: MountLayout) => join(stateFolder(layout), 'staging');
/** Where local content goes that lost its name in a conflict. */
export const conflictFolder = (layout: MountLayout) => join(stateFolder(layout), 'conflicts');

/**
 * The mirrored folder on the disk; turns names from the trees into paths and nothing else into paths.
 *
 * Guarantees: a path that it gives lies below the root, whatever the names are.
 */
export class MirrorRoot {
  readonly layout: MountLayout;
  readonly path: string;
  readonly files: FileSystem;

  constructor(layout: MountLayout, files: FileSystem = systemFiles) {
    this.layout = layout;
    this.files = files;
    this.path = join(layout.directory, ...layout.rootPath);
  }

  /** The path of an entry. Names come from Box and from the disk, so each is checked. */
  resolve(names: readonly string[]): string {
    for (const name of names)
      invariant(localNameProblem(name) === undefined, 'a name that is no file name reached the disk');
    return join(this.path, ...names);
  }

  /**
   * Make sure that a folder is reached without a symbolic link.
   *
   * Errors: StaleError 'not-a-plain-folder' when a link or something else took the place of one of its parts.
   */
  async assertPlainFolder(names: readonly string[]): Promise<string> {
    const path = this.resolve(names);
    const [root, real] = await Promise.all([this.files.realPath(this.path), this.files.realPath(path)]).catch(
      (error: unknown) => {
        throw movedAway(path, error);
      },
    );
    if (real !== join(root, ...names)) throw movedAway(path);
    return path;
  }

  /** The names from the root down to an absolute path; undefined when it is not below the root. */
  namesOf(path: string): readonly string[] | undefined {
    if (path === this.path) return [];
    return path.startsWith(this.path + sep) ? path.slice(this.path.length + 1).split(sep) : undefined;
  }
}

function movedAway(path: string, cause?: unknown): StaleError {
  return new StaleError({
    code: 'not-a-plain-folder',
    message: `${path} is not the folder it was`,
    data: { path },
    cause,
  });
}
