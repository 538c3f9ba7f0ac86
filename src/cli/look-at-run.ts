import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { lookIntoCheckpoints } from '../fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../fl/inspection/inspect-run.ts';
import type { Inspection } from '../fl/inspection/inspection.ts';
import type { CheckpointFindings, ObservedRun } from '../fl/inspection/observed-run.ts';
import { scanRun } from '../fl/inspection/scan-run.ts';
import { type FinalModel, finalModelOf } from '../fl/report/final-model.ts';
import { type MountFacts, mountFacts } from './mount-facts.ts';
import { type Watcher, watchLoop } from './watch-loop.ts';

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

async function observe(folder: string): Promise<Observed> {
  const run = await scanRun(folder);
  return { run, ...(await mountFacts(run.folder)) };
}

async function findingsOf({ run }: Observed, { checkpoints }: LookOptions): Promise<CheckpointFindings> {
  return checkpoints === 'none' ? new Map() : lookIntoCheckpoints(run, { deep: checkpoints === 'whole' });
}

function told({ run, facts, problem }: Observed, findings: CheckpointFindings, clock: Clock): Look {
  const inspection = inspectRun({ run, facts, findings, nowMs: clock.now() });
  return { inspection, finalModel: finalModelOf(inspection, run), problem };
}

/**
 * Look at a run folder, on a mount or a plain copy.
 *
 * Guarantees: reads only, connects to nothing. Errors: StateError 'no-run'.
 */
export async function lookAtRun(folder: string, options: LookOptions): Promise<Look> {
  const observed = await observe(folder);
  return told(observed, await findingsOf(observed, options), options.clock);
}

/** Differs whenever a file came, went or changed. */
function fingerprintOf({ run, facts }: Observed): string {
  const hash = createHash('sha256');
  for (const { path, kind, sizeBytes, modifiedAtMs } of run.entries)
    hash.update(`${path}\0${kind} ${sizeBytes} ${modifiedAtMs}\n`);
  for (const [path, { versionId }] of facts?.files ?? []) hash.update(`${path}\0${versionId}\n`);
  return hash.digest('hex');
}

interface WatchOptions extends LookOptions, Watcher<Look> {
  /** Go on after the run has ended: its final model may come later than its end. Default false. */
  readonly pastEnd?: boolean;
  /** Tell of an open run anew after so long, although nothing changed: its durations grow. Default never. */
  readonly refreshMs?: number;
}

/** What was seen last, for the next look to be compared with. */
interface Seen {
  readonly fingerprint: string;
  readonly look: Look;
  readonly findings: CheckpointFindings;
  readonly atMs: number;
}

/** The next look, where there is anything to tell; checkpoints are looked into only when something changed. */
async function nextSeen(folder: string, seen: Seen | null, options: WatchOptions): Promise<Seen | null> {
  const { clock, refreshMs } = options;
  const observed = await observe(folder);
  const fingerprint = fingerprintOf(observed);
  const atMs = clock.monotonic();
  if (fingerprint !== seen?.fingerprint) {
    const findings = await findingsOf(observed, options);
    return { fingerprint, look: told(observed, findings, clock), findings, atMs };
  }
  const isOpen = seen.look.inspection.ending.kind === 'open';
  if (!isOpen || refreshMs === undefined || atMs - seen.atMs < refreshMs) return null;
  return { ...seen, look: told(observed, seen.findings, clock), atMs };
}

/**
 * Look at a run now and whenever something about it changes, until it has ended or the signal is aborted.
 *
 * Guarantees: checkpoints are looked into only when something changed; looks never overlap.
 * Errors: as `lookAtRun`, unless `onTrouble` takes them.
 */
export async function watchRun(folder: string, options: WatchOptions): Promise<void> {
  let seen: Seen | null = null;
  const next = async () => {
    const found = await nextSeen(folder, seen, options);
    if (found !== null) seen = found;
    return found?.look ?? null;
  };
  const forget = () => {
    seen = null;
  };
  const isLast = ({ inspection }: Look) => options.pastEnd !== true && inspection.ending.kind !== 'open';
  await watchLoop({ next, forget, isLast }, options);
}
