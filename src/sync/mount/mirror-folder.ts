import { mkdir } from 'node:fs/promises';
import { StateError } from '../../errors.ts';
import type { VersionIndex } from '../index/version-index.ts';
import { MirrorRoot, type MountLayout, stateFolder } from '../local/mirror-root.ts';
import { statFacts } from '../local/stat-facts.ts';
import { namesIn } from './names-in.ts';

/** The log, and older parts of it. */
const LOG_NAMES = /^log(\.\d+)?\.jsonl$/;

/** Files that stand where the mirror will, in a directory that was never a mount, are somebody's own. */
export async function refuseForeignContent(layout: MountLayout): Promise<void> {
  const root = new MirrorRoot(layout).path;
  // The log may have been opened by this very start.
  const wasMount = (await namesIn(stateFolder(layout))).some((name) => !LOG_NAMES.test(name));
  const standing = wasMount ? [] : await namesIn(root);
  if (wasMount || standing.length === 0) return;
  throw new StateError({
    code: 'directory-not-empty',
    message: `${root} holds files already, and no mount made them`,
    hint: 'Move them away, or mount into another directory with --dir.',
    data: { path: root },
  });
}

/** Make the mirrored folder, unless it was there before and is gone: then somebody must say whether that was meant. */
export async function prepareRoot(layout: MountLayout, index: VersionIndex): Promise<void> {
  const root = new MirrorRoot(layout).path;
  const known = index.syncedCount();
  if ((await statFacts(root)) === undefined && known > 1) {
    throw new StateError({
      code: 'root-missing',
      message: `${root} is gone, although ${known - 1} entries were mirrored there`,
      hint: 'Mount its disk again; or, to start over, delete the folder .mila-sync beside it. Nothing was deleted in Box.',
      data: { path: root },
    });
  }
  await mkdir(root, { recursive: true });
}
