import { printable, shortened } from '../../printable.ts';
import type { Inspection, RoundReport } from '../inspection/inspection.ts';
import { endingWords } from '../round/protocol-texts.ts';
import { countText, roughDurationText, shortNumberText } from './quantities.ts';
import { withoutUnixTimes } from './unix-times.ts';

/** Names that a sentence bears. */
const NAMES_MAX = 3;
const NAME_MAX = 24;
const REASON_MAX = 160;
/** An open run of which nothing was heard for so long may have died. Units: milliseconds. */
const SILENCE_MS = 30 * 60_000;

const trainedRounds = ({ rounds }: Inspection) => rounds.filter(({ isFinal }) => !isFinal);

function roundWords(inspection: Inspection): string {
  const { roundsPlanned } = inspection;
  const closed = trainedRounds(inspection).filter(({ closedAtMs }) => closedAtMs !== null).length;
  if (roundsPlanned === null || roundsPlanned === closed) return countText(closed, 'round');
  return `${closed} of ${countText(roundsPlanned, 'round')}`;
}

/** Those who were let in, or brought something although nobody tells that they were. */
export function sitesOf({ participants }: Inspection): number {
  return participants.filter(({ admission, delivered }) => admission === 'admitted' || delivered > 0).length;
}

/** The mean of what the participants of a round told, weighted where the server tells how. */
function meanOf({ metrics, updates }: RoundReport, metric: string): number | null {
  if (metrics[metric] !== undefined) return metrics[metric];
  const told = updates.filter(({ status, metrics: own }) => status === 'used' && own[metric] !== undefined);
  const weights = told.map(({ weight, samples }) => weight ?? samples ?? 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return null;
  const sum = told.reduce(
    (all, update, index) => all + (update.metrics[metric] ?? 0) * (weights[index] ?? 0),
    0,
  );
  return sum / total;
}

/** The loss if anybody tells one, by whatever name; else the accuracy. */
function metricIn(rounds: readonly RoundReport[]): string | null {
  const told = rounds.flatMap(({ metrics, updates }) => [
    metrics,
    ...updates.map((update) => update.metrics),
  ]);
  const names = [...new Set(told.flatMap((metrics) => Object.keys(metrics)))].sort();
  const named = (word: string) => names.find((name) => name.toLowerCase().includes(word));
  return names.find((name) => name === 'loss') ?? named('loss') ?? named('accuracy') ?? null;
}

function metricWords(inspection: Inspection): string | null {
  const closed = trainedRounds(inspection).filter(({ closedAtMs }) => closedAtMs !== null);
  const metric = metricIn(closed);
  if (metric === null) return null;
  const values = closed.map((round) => meanOf(round, metric)).filter((value) => value !== null);
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined) return null;
  const name = shortened(printable(metric), NAME_MAX);
  return values.length === 1
    ? `${name} ${shortNumberText(last)}`
    : `${name} ${shortNumberText(first)} to ${shortNumberText(last)}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).map((name) => shortened(printable(name), NAME_MAX));
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

/** What an open run does now. */
function presentWords(inspection: Inspection): string {
  const { roundsPlanned } = inspection;
  const round = trainedRounds(inspection).at(-1);
  if (round === undefined) return `no round yet, ${countText(sitesOf(inspection), 'site')} admitted`;
  const where = `round ${round.round}${roundsPlanned === null ? '' : ` of ${roundsPlanned}`}`;
  if (round.closedAtMs !== null) return `${where} is aggregated`;
  const awaited = round.updates.filter(({ status }) => status === 'pending');
  if (awaited.length > 0)
    return `${where}, waiting for ${listed(awaited.map(({ participant }) => participant))}`;
  return round.updates.length === 0 ? where : `${where}, every update is there`;
}

function openWords(inspection: Inspection): string {
  const { inspectedAtMs, lastActivityAtMs, startedAtMs } = inspection;
  const silentMs = lastActivityAtMs === null ? 0 : inspectedAtMs - lastActivityAtMs;
  if (silentMs > SILENCE_MS) return `Not ended, and nothing came for ${roughDurationText(silentMs)}`;
  if (startedAtMs === null || inspectedAtMs < startedAtMs) return 'Running';
  return `Running for ${roughDurationText(inspectedAtMs - startedAtMs)}`;
}

function endedWords({ ending, startedAtMs, lastActivityAtMs }: Inspection): string {
  const endedAtMs = ending.atMs ?? lastActivityAtMs;
  const knows = startedAtMs !== null && endedAtMs !== null && endedAtMs >= startedAtMs;
  const took = knows ? roughDurationText(endedAtMs - startedAtMs) : null;
  if (ending.kind === 'finished') return took === null ? 'Finished' : `Finished in ${took}`;
  const words = {
    'stopped-by-user': 'Stopped by a person',
    failed: 'Aborted',
    unreadable: 'Ended, nobody says how,',
  };
  const word = words[ending.kind === 'open' ? 'unreadable' : ending.kind];
  return took === null ? word.replace(/,$/, '') : `${word} after ${took}`;
}

/** How a run stands or ended, in one sentence. */
export function headlineOf(inspection: Inspection): string {
  const { ending } = inspection;
  const metric = metricWords(inspection);
  const tail = metric === null ? [] : [metric];
  if (ending.kind === 'open')
    return `${openWords(inspection)}: ${[presentWords(inspection), ...tail].join(', ')}`;
  const facts = [roundWords(inspection), countText(sitesOf(inspection), 'site'), ...tail].join(', ');
  const reason =
    ending.kind === 'failed' && ending.text !== null
      ? `. The server wrote: ${shortened(printable(withoutUnixTimes(endingWords(ending.text))), REASON_MAX)}`
      : '';
  return `${endedWords(inspection)}: ${facts}${reason}`;
}
