import { Command } from 'commander';
import { delay, systemClock } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { MirrorRoot, type MountLayout } from '../../sync/local/mirror-root.ts';
import { askMount } from '../../sync/mount/ask-mount.ts';
import type { ListedEntry, ListedState } from '../../sync/mount/listing.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { listPlace, statusOf } from '../mount-listing.ts';
import { placeOf, withIndex } from '../mount-place.ts';
import { processOutput } from '../output.ts';

interface FileFlags {
  readonly dir?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly wait: boolean;
}

const LOOK_MS = 150;

/** The one mount that all paths lie in, and the paths from its mirrored folder down. */
async function placesOf(
  paths: readonly string[],
  dir: string | undefined,
): Promise<{ readonly layout: MountLayout; readonly paths: readonly string[] }> {
  const places = await Promise.all(paths.map((path) => placeOf(path, dir)));
  const [first] = places;
  if (first === undefined || places.some(({ layout }) => layout.directory !== first.layout.directory)) {
    throw new StateError({
      code: 'several-mounts',
      message: 'the paths lie in different mounts',
      hint: 'Name the paths of one mount at a time.',
    });
  }
  return { layout: first.layout, paths: places.map(({ names }) => names.join('/')) };
}

/** Wait until entries stand as they should. Errors: StateError 'mount-gone'. */
async function waitUntil(
  layout: MountLayout,
  files: readonly string[],
  { isDone, onStuck }: { isDone: (entry: ListedEntry) => boolean; onStuck: (path: string) => void },
): Promise<readonly ListedEntry[] | undefined> {
  const interrupt = listenForInterrupt();
  const wanted = new Set(files);
  try {
    while (!interrupt.signal.aborted) {
      const all = await withIndex(layout, (index) => listPlace({ layout, names: [] }, index));
      const entries = all.filter((entry) => wanted.has(entry.path));
      const stuck = entries.find((entry) => entry.state === 'waiting');
      if (stuck !== undefined) onStuck(stuck.path);
      if (stuck === undefined && entries.every(isDone)) return entries;
      if ((await statusOf(layout)) === undefined) {
        throw new StateError({
          code: 'mount-gone',
          message: `the mount of ${layout.directory} ended before this was done; it is done when it runs again`,
        });
      }
      await delay(systemClock(), LOOK_MS, interrupt.signal);
    }
    process.exitCode = EXIT.interrupted;
    return undefined;
  } finally {
    interrupt.dispose();
  }
}

interface Verb {
  readonly name: 'get' | 'evict';
  readonly description: string;
  readonly done: string;
  readonly wanted: ReadonlySet<ListedState>;
}

function fileCommand({ name, description, done, wanted }: Verb): Command {
  return new Command(name)
    .description(description)
    .argument('<path...>', 'paths in the mount directory, or from the mirrored folder down')
    .option('--dir <dir>', 'the mount directory (default: the one around the paths)')
    .option('--no-wait', 'return at once; the mount does it in the background')
    .option('--json', 'the files and their state as JSON')
    .option('--quiet', 'no notes')
    .addHelpText('after', `\nExample:\n  mila-sync ${name} data/box/server/shared/runs/run_1/heartbeats`)
    .action(async (paths: readonly string[], flags: FileFlags) => {
      const output = processOutput(flags);
      const place = await placesOf(paths, flags.dir);
      const { layout } = place;
      const request = { command: name, paths: [...place.paths] };
      const files = (await askMount(layout, request)) as readonly string[];
      const isDone = (entry: ListedEntry) => wanted.has(entry.state);
      let told = false;
      const onStuck = (path: string) => {
        if (!told) output.note(`waiting for ${printable(path)}; mila-sync status tells why`);
        told = true;
      };
      const entries = flags.wait ? await waitUntil(layout, files, { isDone, onStuck }) : undefined;
      if (flags.wait && entries === undefined) return;
      const { path: root } = new MirrorRoot(layout);
      if (output.json) output.document({ dir: layout.directory, root, done: name, files });
      else output.note(`${files.length} ${files.length === 1 ? 'file' : 'files'} ${done}`);
    });
}

/** `get`, `evict`. */
export function fileCommands(): readonly Command[] {
  return [
    fileCommand({
      name: 'get',
      description: 'bring the content of online-only files to the disk, and keep it there',
      done: 'on the disk',
      wanted: new Set(['synced', 'conflict', 'uploading']),
    }),
    fileCommand({
      name: 'evict',
      description: 'give the disk space of files back; their content stays in Box, and nothing there changes',
      done: 'in Box only',
      wanted: new Set(['online-only']),
    }),
  ];
}
