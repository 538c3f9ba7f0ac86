import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import { errnoOf, reasonOf, StateError } from '../errors.ts';
import { isOwnEventFile } from '../fl/tracking/event-file.ts';
import { EXPORT_CSV_HEADER, exportedTable } from '../fl/tracking/metrics-csv.ts';
import type { TimedMeasurement } from '../fl/tracking/point.ts';
import { eventFileName, eventFileOf } from '../fl/tracking/tensorboard-tracker.ts';
import { assertOwnOrNew, headOf } from './own-file.ts';

/** Nobody's own numbers are in a run folder: all of them bear names. */
const NOBODY = 'server';

async function written<Result>(named: string, write: () => Promise<Result>): Promise<Result> {
  return write().catch((cause: unknown) => {
    throw new StateError({
      code: 'export-file',
      message: `${named} cannot be written: ${reasonOf(cause)}`,
      hint: 'Name another place, or make room there.',
      cause,
    });
  });
}

/** What stands at a path; undefined for nothing. */
async function standingAt(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Write a run's numbers below `directory` for TensorBoard; returns the file.
 *
 * Guarantees: an earlier export is grown where it only lacks the end, so that a TensorBoard that reads it goes on.
 * Errors: StateError 'foreign-file' where something else stands there, 'export-file' where it cannot be written.
 */
export async function exportForTensorboard(
  directory: string,
  run: string,
  measurements: readonly TimedMeasurement[],
): Promise<string> {
  // The same name for every export of a run, or its points would stand there several times.
  const path = join(directory, run, eventFileName(0));
  const named = `--tensorboard ${directory}`;
  const what = 'an export of mila-sync';
  const isOwn = async () => isOwnEventFile((await readFile(path)).subarray(0, 256));
  await assertOwnOrNew({ named, path, what, isOwn });
  const bytes = eventFileOf(measurements, NOBODY);
  await written(named, async () => {
    await mkdir(dirname(path), { recursive: true });
    const before = await standingAt(path);
    const isBegun = before !== undefined && before.length <= bytes.length && before.length > 0;
    if (isBegun && bytes.subarray(0, before.length).equals(before))
      await appendFile(path, bytes.subarray(before.length));
    else await writeFileAtomically(path, bytes);
  });
  return path;
}

/** Write a run's numbers as a table. Errors: as `exportForTensorboard`. */
export async function exportAsTable(path: string, measurements: readonly TimedMeasurement[]): Promise<void> {
  const named = `--csv ${path}`;
  const what = 'a table of mila-sync export';
  await assertOwnOrNew({
    named,
    path,
    what,
    isOwn: async () => (await headOf(path)).startsWith(EXPORT_CSV_HEADER),
  });
  await written(named, () => writeFileAtomically(path, exportedTable(measurements)));
}
