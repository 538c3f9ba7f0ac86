import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { ReaderPlace } from './reader-places.ts';

type Standing = (place: ReaderPlace) => string | Promise<string>;

async function madeFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

/** A folder that holds the runs of a federation: here one. */
async function folderOfRuns({ folder }: ReaderPlace): Promise<string> {
  await cp(join(folder, 'finished_run'), join(folder, 'runs', '2023-01-16_10-11-00'), { recursive: true });
  return 'runs';
}

/** What stands for words of the documents that mean something else on every machine; the first that fits counts. */
const PLACEHOLDERS: readonly (readonly [words: string, stands: Standing])[] = [
  // Watching ends by itself where the run has ended.
  ['RUN_DIR --watch', () => 'open_run --watch'],
  ['RUN_DIR', () => 'finished_run'],
  ['SAVE_PATH', folderOfRuns],
  ['--serve 8090', async () => `--serve ${await freePort()}`],
  ['/tmp/again', ({ folder }) => join(folder, 'again')],
  ['/tmp/out/model.pt', () => join('finished_run', 'rounds', 'round_1', 'site_a.pt')],
  ['/tmp/aggregate.pt', ({ folder }) => join(folder, 'aggregate.pt')],
  ['/srv/shared', ({ folder }) => madeFolder(join(folder, 'srv', 'shared'))],
  ['http://127.0.0.1:8080', ({ box }) => box.url],
  ['--port 8080', async () => `--port ${await freePort()}`],
  ['--metrics-port 9100', async () => `--metrics-port ${await freePort()}`],
];

/** A document's line as the reader at this place types it. */
export async function asTypedAt(place: ReaderPlace, text: string): Promise<string> {
  let rest = text;
  for (const [words, stands] of PLACEHOLDERS)
    if (rest.includes(words)) rest = rest.replaceAll(words, await stands(place));
  return rest;
}
