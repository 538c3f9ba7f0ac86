import { durationText } from '../fl/report/quantities.ts';
import type { FederationEvent } from '../fl/round/event.ts';
import { unreachable } from '../invariant.ts';
import { quotedLastWords, splitLastWords } from '../last-words.ts';
import { timeHere } from './time-stamps.ts';

const percent = (fraction: number) => `${Math.round(fraction * 100)} %`;

function megabytes(sizeBytes: number): string {
  return sizeBytes < 1_000_000
    ? `${(sizeBytes / 1000).toFixed(1)} kB`
    : `${(sizeBytes / 1_000_000).toFixed(1)} MB`;
}

/** Metrics in words, each with four digits. */
export function metricsText(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');
}

/** Parts that are there, joined by a semicolon. */
const joined = (...parts: readonly (string | false)[]) =>
  parts.filter((part) => part !== false && part !== '').join('; ');

const PRESENCE = {
  'participant-lost': 'is lost',
  'participant-left': 'left',
  'participant-back': 'is back',
} as const;

type EventOf<Kind extends FederationEvent['event']> = Extract<FederationEvent, { event: Kind }>;

function roundText({ round, rounds, participants }: EventOf<'round-started'>): string {
  const of = rounds === undefined ? '' : ` of ${rounds}`;
  const who = participants === undefined ? '' : ` with ${participants.join(', ')}`;
  return `round ${round}${of} begins${who}`;
}

function weightsText({ round, weights, refused, notes = [], seconds }: EventOf<'aggregated'>): string {
  const list = Object.entries(weights).map(([name, weight]) => `${name} ${weight.toFixed(3)}`);
  return joined(
    `round ${round} aggregated in ${durationText(seconds * 1000)}: ${list.join(', ')}`,
    refused.length > 0 &&
      `left out: ${refused.map(({ participant, reason }) => `${participant} (${reason})`).join(', ')}`,
    ...notes,
  );
}

/** What is to be said of a training beside its progress. */
function besideTraining(
  event: EventOf<'training-output' | 'training-failed' | 'training-abandoned'>,
): string {
  const { round } = event;
  if (event.event === 'training-output') return `the output of training round ${round} goes to ${event.path}`;
  const how = event.event === 'training-failed' ? 'failed' : 'abandoned';
  const { said, words } = splitLastWords(event.message);
  const text = joined(
    `training of round ${round} ${how}: ${said}`,
    event.output !== undefined && `all of its output is in ${event.output}`,
  );
  // Below stand the program's own lines and nothing else.
  return `${text}${quotedLastWords(words)}`;
}

function trainingText({ round, fraction, metrics = {}, line = '' }: EventOf<'training'>): string {
  const how = joined(fraction !== null && percent(fraction), metricsText(metrics), line);
  return `training round ${round}${how === '' ? '' : `: ${how}`}`;
}

function waitingText(event: EventOf<'waiting'>, nowMs: number): string {
  const { message, until, server } = event;
  if (server !== undefined) return joined(message, serverText(event.participants, server, nowMs));
  return until === null ? message : `${message} (until ${timeHere(Date.parse(until), nowMs)})`;
}

/** What a client knows of the server that it waits for. */
function serverText(
  participants: readonly string[],
  { heard_at, due_at, overdue }: NonNullable<EventOf<'waiting'>['server']>,
  nowMs: number,
): string {
  const at = timeHere(Date.parse(heard_at), nowMs);
  if (overdue)
    return `the server was last heard at ${at} and was due at ${timeHere(Date.parse(due_at ?? heard_at), nowMs)}: it may not run; ask whoever runs it`;
  return participants.length === 0
    ? `the server was last heard at ${at}`
    : `the server, heard at ${at}, waited for ${participants.join(', ')}`;
}

/** One line for a person about what just happened. Units: `nowMs` is in milliseconds since 1970. */
export function describeEvent(event: FederationEvent, nowMs: number): string {
  switch (event.event) {
    case 'run-created':
      return `run ${event.run} begins in ${event.folder}`;
    case 'run-resumed':
      return `run ${event.run} goes on in ${event.folder}`;
    case 'run-joined':
      return `taking part in run ${event.run}`;
    case 'registered':
      return `${event.participant} registered (${event.count} of ${event.minimum} to ${event.maximum})`;
    case 'registration-refused':
      return `${event.participant} was refused (${event.reason})`;
    case 'registration-closed':
      return `registration is closed: ${event.participants.join(', ')}`;
    case 'admitted':
      return `the server admitted ${event.participant}`;
    case 'round-started':
      return roundText(event);
    case 'update-received':
      return joined(
        `${event.participant} delivered round ${event.round} (${megabytes(event.size_bytes)})`,
        event.samples !== null && `${event.samples} samples`,
        metricsText(event.metrics),
      );
    case 'update-refused':
    case 'update-late':
      return `${event.participant}, round ${event.round}: ${event.message} (${event.reason})`;
    case 'foreign-file':
    case 'identity-unknown':
    case 'task-oddity':
      return `warning: ${event.message}`;
    case 'participant-lost':
    case 'participant-left':
    case 'participant-back':
      return `${event.participant} ${PRESENCE[event.event]} in round ${event.round}`;
    case 'waiting':
      return waitingText(event, nowMs);
    case 'trouble':
      return `trouble: ${event.message}`;
    case 'aggregating':
      return `aggregating round ${event.round}: ${percent(event.fraction)}`;
    case 'aggregated':
      return weightsText(event);
    case 'training':
      return trainingText(event);
    case 'trained':
      return joined(
        `round ${event.round} trained in ${durationText(event.seconds * 1000)}`,
        event.samples !== null && `${event.samples} samples`,
        metricsText(event.metrics),
      );
    case 'training-output':
    case 'training-failed':
    case 'training-abandoned':
      return besideTraining(event);
    case 'uploading':
      return `uploading round ${event.round}: ${percent(event.fraction)} of ${megabytes(event.size_bytes)}`;
    case 'uploaded':
      return `round ${event.round} delivered (${megabytes(event.size_bytes)})`;
    case 'evaluated':
      return `round ${event.round} evaluated: ${metricsText(event.metrics)}`;
    case 'ended':
      return joined(
        event.success ? 'the run finished' : `the run ended: ${event.message}`,
        event.final_model !== null && `last model: ${event.final_model}`,
      );
    default:
      return unreachable(event);
  }
}
