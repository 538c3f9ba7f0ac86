import { z } from 'zod';
import { StateError } from '../../errors.ts';
import { POSITION } from '../engine/replica.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import type { Filter } from '../plan/op.ts';
import { type Selection, selectionOf } from './selection.ts';

const ROOT_PATH = 'root_path';
const SELECTION = 'selection';
const pathSchema = z.array(z.string());

/** Keep in the index where the mirrored folder stands, for commands that work also when no mount runs. */
export function rememberLayout(index: VersionIndex, { rootPath }: MountLayout): void {
  index.setMeta(ROOT_PATH, JSON.stringify(rootPath));
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
