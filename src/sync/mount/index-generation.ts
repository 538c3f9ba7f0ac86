import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../atomic-file.ts';
import { errnoOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import { POSITION } from '../engine/replica.ts';
import type { VersionIndex } from '../index/version-index.ts';
import { type MountLayout, stateFolder } from '../local/mirror-root.ts';
import { noRoomFor } from './open-index.ts';

const GENERATION = 'generation';
const HEX = 16;
const WORDS = 4;
const WORD = 2 ** 32;

function freshStamp(random: Random): string {
  const words = Array.from({ length: WORDS }, () => Math.floor(random.next() * WORD));
  return words.map((word) => word.toString(HEX).padStart(WORD.toString(HEX).length - 1, '0')).join('');
}

const stampPath = (layout: MountLayout) => join(stateFolder(layout), 'generation');

/**
 * Make sure that the index is the one that this directory was last mounted with.
 *
 * An older copy of it, put back from a backup, tells of agreements that were undone since: what was given back to Box
 * or left the selection since would look like deleted. So its agreements are forgotten; equal content is agreed on
 * again without a transfer. Guarantees: also after a kill between the two writes, because both stamps are then valid.
 * Errors: FullError 'index-full'.
 */
export async function renewGeneration(
  layout: MountLayout,
  index: VersionIndex,
  { random, logger }: { readonly random: Random; readonly logger: Logger },
): Promise<void> {
  const former = index.meta(GENERATION);
  const valid: readonly string[] = await readFile(stampPath(layout), 'utf8').then(
    (text) => text.trim().split('\n'),
    () => [],
  );
  if (former !== undefined && !valid.includes(former)) {
    logger.warn({}, 'the index is an older copy; what it says was agreed is not believed');
    forgetAgreements(index);
  }
  const fresh = freshStamp(random);
  await writeStamp(layout, `${former ?? fresh}\n${fresh}\n`);
  index.setMeta(GENERATION, fresh);
  await writeStamp(layout, `${fresh}\n`);
}

async function writeStamp(layout: MountLayout, text: string): Promise<void> {
  const path = stampPath(layout);
  try {
    await writeFileAtomically(path, text, { mode: 0o600 });
  } catch (error) {
    throw ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '') ? noRoomFor(path, error) : error;
  }
}

function forgetAgreements(index: VersionIndex): void {
  const { synced, local } = index.loadTrees();
  index.transaction(() => {
    for (const node of synced.values()) index.removeSynced(node.remoteId);
    for (const node of local.values()) if (node.parentId !== null) index.removeLocal(node.id);
    index.setMeta(POSITION, '');
  });
}
