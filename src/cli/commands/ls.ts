import { Command, InvalidArgumentError } from 'commander';
import { printable, shortened } from '../../printable.ts';
import type { ListedEntry, ListedState } from '../../sync/mount/listing.ts';
import { listPlace } from '../mount-listing.ts';
import { placeOf, withIndex } from '../mount-place.ts';
import { processOutput } from '../output.ts';
import { type Paint, readableBytes, readableTime, resultPaint } from '../paint.ts';

interface LsFlags {
  readonly long?: boolean;
  readonly json?: boolean;
  readonly dir?: string;
  readonly depth?: number;
  readonly color: boolean;
}

const COLOURS: Readonly<Record<ListedState, Parameters<Paint>[0]>> = {
  synced: 'green',
  'online-only': 'cyan',
  uploading: 'yellow',
  downloading: 'yellow',
  waiting: 'red',
  conflict: 'red',
  ignored: 'dim',
};
const STATE_WIDTH = 'online-only'.length;
const SIZE_WIDTH = 10;
const PERSON_WIDTH = 12;

/** An entry as `--json` gives it. */
export function listedDocument(entry: ListedEntry): Record<string, unknown> {
  const { path, id, type, sha1, etag, version, state, createdBy } = entry;
  return {
    path,
    id,
    type,
    size: entry.sizeBytes,
    sha1,
    etag,
    version,
    modified_at: entry.modifiedAtMs === null ? null : new Date(entry.modifiedAtMs).toISOString(),
    created_by: createdBy === null ? null : { id: createdBy.id, name: createdBy.name },
    state,
  };
}

/** The path comes last: however long it is, nothing else moves out of its column. */
function lineOf(entry: ListedEntry, long: boolean, paint: Paint): string {
  const path = printable(entry.path) + (entry.type === 'folder' ? '/' : '');
  const state = paint(COLOURS[entry.state], entry.state.padEnd(STATE_WIDTH));
  if (!long) return `${state}  ${path}`;
  const size = entry.type === 'folder' ? '-' : readableBytes(entry.sizeBytes ?? 0);
  const time = entry.modifiedAtMs === null ? '-' : readableTime(entry.modifiedAtMs);
  const person = shortened(printable(entry.createdBy?.name ?? '-'), PERSON_WIDTH);
  return `${state}  ${size.padStart(SIZE_WIDTH)}  ${time.padEnd(19)}  ${person.padEnd(PERSON_WIDTH)}  ${path}`;
}

function parseDepth(value: string): number {
  const depth = Number(value);
  if (Number.isSafeInteger(depth) && depth > 0) return depth;
  throw new InvalidArgumentError('Allowed: a whole number from 1 on.');
}

async function ls(path: string | undefined, flags: LsFlags): Promise<void> {
  const output = processOutput(flags);
  const place = await placeOf(path, flags.dir);
  const all = await withIndex(place.layout, (index) => listPlace(place, index));
  const deepest = place.names.length + (flags.depth ?? Number.POSITIVE_INFINITY);
  const entries = all.filter((entry) => entry.path.split('/').length <= deepest);
  if (output.json) output.document(entries.map(listedDocument));
  else {
    const paint = resultPaint(flags);
    for (const entry of entries) output.result(lineOf(entry, flags.long === true, paint));
  }
}

/** `mila-sync ls [PATH]`. */
export function lsCommand(): Command {
  return new Command('ls')
    .description(
      'every entry of a mount with its state, also those whose content is kept in Box only; works also when no mount runs',
    )
    .argument(
      '[path]',
      'a path in the mount directory, or from the mirrored folder down (default: everything)',
    )
    .option('--long', 'with size, time of modification and creator')
    .option('--depth <n>', 'only so many levels', parseDepth)
    .option(
      '--dir <dir>',
      'the mount directory (default: the one around the path, else the only running one)',
    )
    .option(
      '--json',
      'one JSON array: path, id, type, size, sha1, etag, version, modified_at, created_by, state',
    )
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila-sync ls --long data/box/server')
    .action(ls);
}
