import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { StateError } from '../errors.ts';
import { VersionIndex } from '../sync/index/version-index.ts';
import { MirrorRoot, type MountLayout } from '../sync/local/mirror-root.ts';
import { indexPath } from '../sync/mount/mount.ts';
import { runningMounts } from '../sync/mount/registry.ts';
import { rememberedLayout } from '../sync/mount/remembered.ts';
import { noneRunning, registryFolder } from './mount-choice.ts';

/** A place in a mount, whether or not that mount runs. */
export interface MountPlace {
  readonly layout: MountLayout;
  /** From the mirrored folder down; empty: all of it. */
  readonly names: readonly string[];
}

function readLayout(directory: string): MountLayout {
  const path = indexPath({ directory, rootPath: [] });
  if (!existsSync(path)) {
    throw new StateError({
      code: 'never-mounted',
      message: `${directory} is no mount directory: it holds no index`,
      hint: 'Mount it with `mila-sync mount CONFIG --dir DIR`, or name the directory that is mounted.',
    });
  }
  const index = VersionIndex.openReadonly(path);
  try {
    return rememberedLayout(index, directory);
  } finally {
    index.close();
  }
}

/** The mount directory that a path on the disk lies in; the path itself need not exist. */
function mountAbove(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(indexPath({ directory: folder, rootPath: [] }))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** The mount that a command without a path means: the one around the current directory, else the only running one. */
async function presentMount(): Promise<MountLayout> {
  const here = mountAbove(process.cwd());
  if (here !== undefined) return readLayout(here);
  const [first, ...others] = await runningMounts(registryFolder(process.env));
  if (first !== undefined && others.length === 0) return first;
  if (first === undefined) throw noneRunning();
  throw new StateError({
    code: 'which-mount',
    message: `${others.length + 1} mounts are running: say which directory is meant`,
    hint: [first, ...others].map((each) => each.directory).join('\n'),
  });
}

/** The names from the mirrored folder down to a path on the disk; those above it mean all of it. */
function namesBelow(layout: MountLayout, path: string): readonly string[] {
  const root = new MirrorRoot(layout).path;
  if (root === path || root.startsWith(path + sep)) return [];
  const below = relative(root, path);
  if (!below.startsWith('..') && !isAbsolute(below)) return below.split(sep);
  throw new StateError({
    code: 'not-mirrored',
    message: `${path} is not in the mirrored folder ${root}`,
    hint: 'Name a path below it.',
  });
}

/**
 * Find the mount and the entry that a path means.
 *
 * A path on the disk inside a mount means that; any other relative path counts from the mirrored folder down, as `ls`
 * prints it. Errors: StateError 'never-mounted' | 'nothing-mounted' | 'which-mount' | 'not-mirrored'.
 */
export async function placeOf(path: string | undefined, dir?: string): Promise<MountPlace> {
  const absolute = path === undefined ? undefined : resolve(path);
  const around = absolute === undefined ? undefined : mountAbove(absolute);
  if (absolute !== undefined && around !== undefined && (dir === undefined || resolve(dir) === around)) {
    const layout = readLayout(around);
    return { layout, names: namesBelow(layout, absolute) };
  }
  const layout = dir === undefined ? await presentMount() : readLayout(resolve(dir));
  if (path === undefined) {
    const here = mountAbove(process.cwd()) === layout.directory ? process.cwd() : layout.directory;
    return { layout, names: dir === undefined ? namesBelow(layout, here) : [] };
  }
  return { layout, names: namesBelow(layout, join(new MirrorRoot(layout).path, path)) };
}

/** Look at a mount's index, whether or not the mount runs. */
export async function withIndex<Result>(
  layout: MountLayout,
  look: (index: VersionIndex) => Result | Promise<Result>,
): Promise<Result> {
  const index = VersionIndex.openReadonly(indexPath(layout));
  try {
    return await look(index);
  } finally {
    index.close();
  }
}
