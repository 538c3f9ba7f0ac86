import type { Clock } from '../../clock.ts';
import type { RemoteId } from '../../ids.ts';
import { type Random, randomName } from '../../random.ts';
import type { RemoteFolder } from '../tree/entry.ts';
import type { Desk } from './enterprise.ts';

/** The name says what it is to anybody who finds it, and when it was made. */
const NAME = /^mila-sync check (\d{4}-\d\d-\d\d) (\d\d)-(\d\d)-(\d\d) [a-z0-9]{8}$/;
/** The one file that a trial writes. */
export const PROBE_FILE = 'check.txt';
/** A check takes seconds; what is this much older was left by one that was killed. Units: milliseconds. */
const LEFT_BEHIND_MS = 3_600_000;

interface ProbeOptions {
  readonly desk: Desk;
  readonly parentId: RemoteId;
  readonly clock: Clock;
  readonly random: Random;
}

/** When a folder of this name was made by a check; undefined for any other name. */
export function probeTimeOf(name: string): number | undefined {
  const [, day, hours, minutes, seconds] = NAME.exec(name) ?? [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isFinite(ms) ? ms : undefined;
}

function probeName({ clock, random }: ProbeOptions): string {
  const at = new Date(clock.now()).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '-');
  return `mila-sync check ${at} ${randomName(random, 8)}`;
}

/** Remove what a check that was killed has left behind. */
async function sweep({ desk, parentId, clock }: ProbeOptions): Promise<void> {
  for (const entry of (await desk.entries(parentId)) ?? []) {
    const madeMs = entry.kind === 'folder' ? probeTimeOf(entry.name) : undefined;
    if (entry.kind !== 'folder' || madeMs === undefined || clock.now() - madeMs < LEFT_BEHIND_MS) continue;
    // Whatever else somebody has put there is not ours to remove.
    const inside = (await desk.entries(entry.id)) ?? [];
    if (inside.every(({ kind, name }) => kind === 'file' && name === PROBE_FILE)) await desk.discard(entry);
  }
}

/**
 * Write for a trial in a folder of its own.
 *
 * Guarantees: the folder is gone when this ends, however it ends, also when the trial is aborted; what a killed
 * process left is removed by a later trial in the same place.
 */
export async function inProbeFolder(
  options: ProbeOptions,
  trial: (folder: RemoteFolder) => Promise<void>,
): Promise<void> {
  await sweep(options);
  const folder = await options.desk.createFolder(options.parentId, probeName(options));
  try {
    await trial(folder);
  } finally {
    await options.desk.discard(folder);
  }
}
