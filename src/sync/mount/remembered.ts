import { join } from 'node:path';
import { z } from 'zod';
import { StateError } from '../../errors.ts';
import { POSITION } from '../engine/replica.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import type { Filter } from '../plan/op.ts';
import { type Selection, selectionOf } from './selection.ts';

const ROOT_PATH = 'root_path';
const PARTICIPANT = 'participant';
const SELECTION = 'selection';
const pathSchema = z.array(z.string());

/** Keep in the index where the mirrored folder stands and for whom, for commands that work also when no mount runs. */
export function rememberLayout(index: VersionIndex, { rootPath }: MountLayout, participant?: string): void {
  index.setMeta(ROOT_PATH, JSON.stringify(rootPath));
  if (participant !== undefined) index.setMeta(PARTICIPANT, participant);
}

/**
 * A directory belongs to one participant's mount of one folder: another's selection would take its files away, and
 * another's account would sign what it writes.
 *
 * Errors: StateError 'mount-of-another', naming whose it is.
 */
export function assertSameMount(
  index: VersionIndex,
  { directory, rootPath }: MountLayout,
  participant?: string,
): void {
  const mirrored = index.meta(ROOT_PATH);
  const holder = index.meta(PARTICIPANT);
  const isSameFolder = mirrored === undefined || mirrored === JSON.stringify(rootPath);
  const isSameHolder = holder === undefined || participant === undefined || holder === participant;
  if (isSameFolder && isSameHolder) return;
  const folder = pathSchema.parse(JSON.parse(mirrored ?? '[]')).join('/');
  const whose = holder === undefined ? 'the mount' : `${holder === 'server' ? 'the server' : holder}'s mount`;
  throw new StateError({
    code: 'mount-of-another',
    message: `${directory} is ${whose} of ${folder} in Box, and this configuration means ${
      isSameHolder ? rootPath.join('/') : `${participant === 'server' ? 'the server' : participant}'s`
    }`,
    hint: `Give each participant and each folder a directory of its own: --dir, or box_configuration.mount_path. To give this one up for the other, unmount it and delete ${join(directory, '.mila-sync')}; nothing is deleted in Box for that.`,
    data: { directory, holder, folder },
  });
}

/** The layout of the mount that wrote an index. Errors: StateError 'root-unknown'. */
export function rememberedLayout(index: VersionIndex, directory: string): MountLayout {
  const stored = index.meta(ROOT_PATH);
  if (stored !== undefined) return { directory, rootPath: pathSchema.parse(JSON.parse(stored)) };
  throw new StateError({
    code: 'root-unknown',
    message: `the index of ${directory} does not say what is mirrored there`,
    hint: 'Mount the directory once with this version.',
  });
}

/** What the mount that wrote an index mirrors; undefined when it did not say. */
export function rememberedSelection(index: VersionIndex): Selection | undefined {
  return selectionOf(index.meta(SELECTION));
}

/**
 * Take another filter than last time into effect.
 *
 * What the new filter ignores is neither agreed nor observed any more, and all of Box is listed again, because the
 * feed was not followed where the old filter ignored. Guarantees: one transaction with the new filter's text, so that
 * no later plan takes something ignored for something deleted.
 */
export function adoptSelection(index: VersionIndex, filter: Filter, text: string): void {
  if (index.meta(SELECTION) === text) return;
  const { synced, local } = index.loadTrees();
  const isIgnored = (path: readonly string[] | undefined, kind: 'file' | 'folder') =>
    path === undefined || (path.length > 0 && filter(path, kind) === 'ignore');
  index.transaction(() => {
    for (const node of synced.values())
      if (isIgnored(synced.pathOf(node.id), node.kind)) index.removeSynced(node.remoteId);
    for (const node of local.values())
      if (isIgnored(local.pathOf(node.id), node.kind)) index.removeLocal(node.id);
    index.setMeta(POSITION, '');
    index.setMeta(SELECTION, text);
  });
}
