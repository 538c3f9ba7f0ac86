import type {
  AbsenceReport,
  CheckpointReport,
  Inspection,
  MountReport,
  ParticipantReport,
  RoundReport,
  UpdateReport,
} from '../inspection/inspection.ts';
import { isoTime } from './quantities.ts';

/** The version of the document; it grows by keys without notice and changes otherwise only with this number. */
export const INSPECTION_FORMAT = 1;

const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms) / 1000);

function checkpointDocument(checkpoint: CheckpointReport | null) {
  if (checkpoint === null) return null;
  const { format, tensors, parameters, sha256, problem } = checkpoint;
  return { format, tensors, parameters, sha256, problem };
}

function absencesDocument(absences: readonly AbsenceReport[]) {
  return absences.map(({ fromMs, toMs, how }) => ({ from: isoTime(fromMs), to: isoTime(toMs), how }));
}

function participantDocument(participant: ParticipantReport) {
  const { name, admission, refusal, answeredAtMs, account, heartbeat, lost, delivered, bytes } = participant;
  return {
    name,
    admission,
    refusal,
    answered_at: isoTime(answeredAtMs),
    account,
    heartbeat: heartbeat && {
      last_at: isoTime(heartbeat.lastAtMs),
      silent_seconds: seconds(heartbeat.silentMs),
      clock_skew_seconds: seconds(heartbeat.skewMs),
      carried: heartbeat.carried && {
        count: heartbeat.carried.count,
        longest_gap_seconds: seconds(heartbeat.carried.longestGapMs),
      },
    },
    lost: lost && { round: lost.round, at: isoTime(lost.atMs) },
    absences: absencesDocument(participant.absences),
    updates_delivered: delivered,
    bytes_delivered: bytes,
    timeline: participant.spans.map(({ activity, round, fromMs, toMs, estimated }) => ({
      activity,
      round,
      from: isoTime(fromMs),
      to: isoTime(toMs),
      estimated,
    })),
  };
}

function updateDocument(update: UpdateReport) {
  return {
    participant: update.participant,
    status: update.status,
    reason: update.reason,
    size_bytes: update.sizeBytes,
    delivered_at: isoTime(update.deliveredAtMs),
    samples: update.samples,
    weight: update.weight,
    metrics: update.metrics,
    training_seconds: seconds(update.trainingMs),
    transfer_seconds: seconds(update.transferMs),
    waiting_seconds: seconds(update.waitingMs),
    bytes_per_second: update.bytesPerSecond === null ? null : Math.round(update.bytesPerSecond),
    version: update.versionId,
    written_by: update.writtenBy,
    checkpoint: checkpointDocument(update.checkpoint),
  };
}

function roundDocument(round: RoundReport) {
  return {
    round: round.round,
    starts_from: round.start,
    started_at: isoTime(round.startedAtMs),
    start_bytes: round.startBytes,
    start_checkpoint: checkpointDocument(round.startCheckpoint),
    closed_at: isoTime(round.closedAtMs),
    aggregation_seconds: seconds(round.aggregationMs),
    final_model: round.isFinal,
    metrics: round.metrics,
    updates: round.updates.map(updateDocument),
  };
}

function mountDocument({ calls, byEndpoint, byHour, transfers }: MountReport) {
  return {
    api_calls: {
      total: calls,
      by_endpoint: byEndpoint,
      by_hour: byHour.map(({ hourAtMs, calls: inHour }) => ({ hour: isoTime(hourAtMs), calls: inHour })),
    },
    transfers: transfers.map(({ op, count, failed, bytes, durationMs }) => ({
      op,
      count,
      failed,
      bytes,
      seconds: seconds(durationMs),
    })),
  };
}

/** An inspection as `--json` promises it. Units: seconds, bytes, ISO 8601 in UTC. */
export function inspectionDocument(inspection: Inspection) {
  const { ending, mount, server } = inspection;
  return {
    format: INSPECTION_FORMAT,
    name: inspection.name,
    folder: inspection.folder,
    source: mount === null ? 'copy' : 'mount',
    layouts: inspection.layouts,
    inspected_at: isoTime(inspection.inspectedAtMs),
    started_at: isoTime(inspection.startedAtMs),
    last_activity_at: isoTime(inspection.lastActivityAtMs),
    rounds_planned: inspection.roundsPlanned,
    ending: { kind: ending.kind, text: ending.text, at: isoTime(ending.atMs) },
    server: {
      heard_at: isoTime(server.heardAtMs),
      due_at: isoTime(server.dueAtMs),
      awaited: server.awaited,
      absences: absencesDocument(server.absences),
    },
    participants: inspection.participants.map(participantDocument),
    rounds: inspection.rounds.map(roundDocument),
    irregularities: inspection.irregularities,
    irregularity_counts: inspection.irregularityCounts,
    mount: mount === null ? null : mountDocument(mount),
  };
}
