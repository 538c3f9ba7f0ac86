import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { printable } from '../../printable.ts';
import type { StoredConflict } from '../../sync/index/records.ts';
import { placeOf, withIndex } from '../mount-place.ts';
import { processOutput } from '../output.ts';
import { type Paint, readableTime, resultPaint } from '../paint.ts';

/** Why something was kept twice, as a person reads it. */
const REASONS: Readonly<Record<string, string>> = {
  'edited-on-both-sides': 'edited here and in Box since they last agreed',
  'created-on-both-sides': 'created here and in Box with different content',
  'file-against-folder': 'a file here, a folder in Box, or the other way round',
  'names-differ-in-case': 'Box holds the name in another case',
  'holds-unmirrored-files': 'a folder that is gone in Box, with files in it that are never mirrored',
  'damaged-on-disk': 'the bytes here changed although nobody wrote them',
};

function documentOf(conflict: StoredConflict): Record<string, unknown> {
  const { atMs, path, reason, keptAs, sha1 } = conflict;
  return {
    at: new Date(atMs).toISOString(),
    path,
    reason,
    kept_as: keptAs,
    sha1,
    exists: existsSync(keptAs),
  };
}

function linesAbout({ atMs, path, reason, keptAs }: StoredConflict, paint: Paint): readonly string[] {
  const where = existsSync(keptAs)
    ? printable(keptAs)
    : `${printable(keptAs)} ${paint('dim', '(taken away since)')}`;
  return [
    `${paint('yellow', printable(path))}  ${paint('dim', readableTime(atMs))}`,
    `  ${REASONS[reason] ?? reason}`,
    `  kept as ${where}`,
  ];
}

/** `mila-sync conflicts [DIR]`. */
export function conflictsCommand(): Command {
  return new Command('conflicts')
    .description('what was kept twice, why, and where the second copy stands; works also when no mount runs')
    .argument('[dir]', 'the mount directory (default: the current one, else the only running one)')
    .option('--json', 'one JSON array: at, path, reason, kept_as, sha1, exists')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila-sync conflicts data/box/server')
    .action(async (dir: string | undefined, flags: { readonly json?: boolean; readonly color: boolean }) => {
      const output = processOutput(flags);
      const { layout } = await placeOf(undefined, dir);
      const conflicts = await withIndex(layout, (index) => index.conflicts());
      const paint = resultPaint(flags);
      if (output.json) output.document(conflicts.map(documentOf));
      else if (conflicts.length === 0) output.note('no conflicts');
      else for (const conflict of conflicts) output.result(linesAbout(conflict, paint));
    });
}
