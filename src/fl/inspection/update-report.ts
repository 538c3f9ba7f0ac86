import type { RoundFiles, RunFile } from './catalogue.ts';
import type { CheckpointReport, UpdateReport, UpdateStatus } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';
import type { CheckpointFinding, CheckpointFindings } from './observed-run.ts';
import type { Member } from './participants.ts';
import { reasonOf, type ServerNote, type UpdateNote } from './side-texts.ts';

/** What is known of a round when its updates are looked at. */
export interface RoundContext {
  readonly files: RoundFiles;
  readonly server: ServerNote | null;
  readonly notes: ReadonlyMap<string, UpdateNote>;
  readonly closedAtMs: number | null;
  /** Whether the run has an ending. */
  readonly ended: boolean;
  readonly findings: CheckpointFindings;
  /** How long this mount's own uploads took, by path. */
  readonly durations: ReadonlyMap<string, number>;
  readonly irregularities: Irregularities;
}

interface Standing {
  readonly status: UpdateStatus;
  readonly reason: string | null;
}

/** What is worth telling of a look into a checkpoint. */
export function checkpointReport(finding: CheckpointFinding | undefined): CheckpointReport | null {
  if (finding === undefined) return null;
  const { format, tensors, parameters, sha256, problem } = finding;
  return { format, tensors, parameters, sha256, problem: problem?.message ?? null };
}

/** The server's word about an update, where it refused it. */
function refusalOf({ name, key }: Member, { files, server, irregularities }: RoundContext): string | null {
  const summary = server?.refused.find(({ participant }) => participant === name || participant === key);
  return reasonOf(files.refused.get(key), irregularities) ?? summary?.reason ?? null;
}

function standingWithout(member: Member, { files, closedAtMs, ended }: RoundContext): Standing {
  const isLost = member.lost !== null && (member.lost.round ?? files.round) <= files.round;
  if (isLost) return { status: 'lost', reason: null };
  return { status: closedAtMs === null && !ended ? 'pending' : 'missing', reason: null };
}

function isLate(file: RunFile, { name, key }: Member, { server, closedAtMs }: RoundContext): boolean {
  if (server !== null) return !server.participants.includes(name) && !server.participants.includes(key);
  return closedAtMs !== null && file.atMs > closedAtMs;
}

function standingOf(member: Member, context: RoundContext): Standing {
  const { files, server, closedAtMs, irregularities } = context;
  const refusal = refusalOf(member, context);
  if (refusal !== null) return { status: 'refused', reason: refusal };
  const file = files.update.get(member.key);
  if (file === undefined) {
    const failure = reasonOf(files.failed.get(member.key), irregularities);
    return failure === null ? standingWithout(member, context) : { status: 'failed', reason: failure };
  }
  if (closedAtMs === null && server === null) return { status: 'delivered', reason: null };
  return { status: isLate(file, member, context) ? 'late' : 'used', reason: null };
}

/** From the moment the side file stood there to the moment the checkpoint did, or what the mount measured. */
function transferOf(key: string, file: RunFile, { files, durations }: RoundContext): number | null {
  const measured = durations.get(file.path);
  if (measured !== undefined) return measured;
  const meta = files.meta.get(key);
  return meta === undefined ? null : Math.max(0, file.atMs - meta.writtenAtMs);
}

/** What only a delivered file tells. */
function deliveryOf(key: string, file: RunFile, context: RoundContext) {
  const { closedAtMs, findings } = context;
  const transferMs = transferOf(key, file, context);
  const waitingMs = closedAtMs === null || closedAtMs < file.atMs ? null : closedAtMs - file.atMs;
  return {
    sizeBytes: file.sizeBytes,
    deliveredAtMs: file.atMs,
    transferMs,
    waitingMs,
    bytesPerSecond: transferMs === null || transferMs <= 0 ? null : (file.sizeBytes * 1000) / transferMs,
    versionId: file.stored?.versionId ?? null,
    writtenBy: file.stored?.modifiedBy ?? null,
    checkpoint: checkpointReport(findings.get(file.path)),
  };
}

const NOT_DELIVERED = {
  sizeBytes: null,
  deliveredAtMs: null,
  transferMs: null,
  waitingMs: null,
  bytesPerSecond: null,
  versionId: null,
  writtenBy: null,
  checkpoint: null,
} as const;

/** What one participant brought to one round. */
export function updateReport(member: Member, context: RoundContext): UpdateReport {
  const { files, server, notes } = context;
  const { name, key } = member;
  const file = files.update.get(key);
  const note = notes.get(key);
  const seconds = note?.seconds ?? null;
  return {
    participant: name,
    key,
    ...standingOf(member, context),
    ...(file === undefined ? NOT_DELIVERED : deliveryOf(key, file, context)),
    samples: note?.samples ?? null,
    weight: server?.weights[name] ?? server?.weights[key] ?? null,
    metrics: note?.metrics ?? {},
    trainingMs: seconds === null ? null : seconds * 1000,
  };
}
