import { createHash } from 'node:crypto';
import { type Clock, delay } from '../clock.ts';
import { lookIntoCheckpoints } from '../fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../fl/inspection/inspect-run.ts';
import type { Inspection } from '../fl/inspection/inspection.ts';
import type { ObservedRun } from '../fl/inspection/observed-run.ts';
import { scanRun } from '../fl/inspection/scan-run.ts';
import { type FinalModel, finalModelOf } from '../fl/report/final-model.ts';
import { type MountFacts, mountFacts } from './mount-facts.ts';

interface LookOptions {
  readonly clock: Clock;
  /** How closely checkpoints are looked at: not at all, their indexes, every byte. */
  readonly checkpoints: 'none' | 'index' | 'whole';
}

/** What a look at a run folder gave. */
export interface Look {
  readonly inspection: Inspection;
  /** Null while the run has none. */
  readonly finalModel: FinalModel | null;
  /** Why the index of the mount around it could not be used; null when nothing was wrong. */
  readonly problem: string | null;
}

interface Observed extends MountFacts {
  readonly run: ObservedRun;
}

/** How long to rest between two looks at a live run. Units: milliseconds. */
const WATCH_REST_MS = 1_000;

async function observe(folder: string): Promise<Observed> {
  const run = await scanRun(folder);
  return { run, ...(await mountFacts(run.folder)) };
}

async function inspect({ run, facts, problem }: Observed, options: LookOptions): Promise<Look> {
  const { clock, checkpoints } = options;
  const findings =
    checkpoints === 'none' ? new Map() : await lookIntoCheckpoints(run, { deep: checkpoints === 'whole' });
  const inspection = inspectRun({ run, facts, findings, nowMs: clock.now() });
  return { inspection, finalModel: finalModelOf(inspection, run), problem };
}

/**
 * Look at a run folder, on a mount or a plain copy.
 *
 * Guarantees: reads only, connects to nothing. Errors: StateError 'no-run'.
 */
export async function lookAtRun(folder: string, options: LookOptions): Promise<Look> {
  return inspect(await observe(folder), options);
}

/** Differs whenever a file came, went or changed. */
function fingerprintOf({ run, facts }: Observed): string {
  const hash = createHash('sha256');
  for (const { path, kind, sizeBytes, modifiedAtMs } of run.entries)
    hash.update(`${path}\0${kind} ${sizeBytes} ${modifiedAtMs}\n`);
  for (const [path, { versionId }] of facts?.files ?? []) hash.update(`${path}\0${versionId}\n`);
  return hash.digest('hex');
}

interface WatchOptions extends LookOptions {
  readonly signal: AbortSignal;
  readonly onLook: (look: Look) => Promise<void> | void;
}

/**
 * Look at a run now and whenever something about it changes, until it has ended or the signal is aborted.
 *
 * Guarantees: checkpoints are looked into only when something changed; looks never overlap.
 */
export async function watchRun(folder: string, options: WatchOptions): Promise<void> {
  const { clock, signal, onLook } = options;
  let seen = '';
  while (!signal.aborted) {
    const observed = await observe(folder);
    const fingerprint = fingerprintOf(observed);
    if (fingerprint !== seen) {
      seen = fingerprint;
      const look = await inspect(observed, options);
      await onLook(look);
      if (look.inspection.ending.kind !== 'open') return;
    }
    await delay(clock, WATCH_REST_MS, signal);
  }
}
