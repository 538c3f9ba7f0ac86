import { join } from 'node:path';
import type { BenchContext } from '../figure.ts';
import { breakdown, counted, tally } from './calls.ts';
import { startFederation } from './federation.ts';
import { storyOf } from './story.ts';
import type { TrafficWords } from './words.ts';

const CLIENTS = 3;
const PATIENCE_MS = 600_000;
/** No second beat comes while it is measured. Units: seconds. */
const NO_BEAT_S = 50_000;

interface Case {
  readonly title: string;
  readonly trainingS: number;
  readonly staggerS: number;
  readonly speed: (words: TrafficWords) => number;
}

const CASES: readonly Case[] = [
  // As `federation` measures it: everybody is done at about the same time.
  { title: 'trainings end together', trainingS: 4, staggerS: 0.15, speed: () => 1 },
  // As between sites of different machines: nothing that comes can be read together with another's.
  { title: 'trainings end half a minute apart', trainingS: 120, staggerS: 30, speed: ({ speed }) => speed },
];

async function rounds(context: BenchContext, words: TrafficWords, each: Case): Promise<void> {
  const { report, note } = context;
  const { title, trainingS, staggerS } = each;
  const speed = each.speed(words);
  // The first round has no model, and registration; the last one's end is the run's.
  const last = words.rounds + 2;
  const { session, server } = await startFederation({
    folder: join(context.folder, title.replaceAll(' ', '-')),
    speed,
    latencyMs: words.latencyMs,
    clients: CLIENTS,
    rounds: last,
    trainingS,
    staggerS,
    heartbeatS: NO_BEAT_S,
  });
  note(`${words.rounds} rounds, ${title}`);
  await server.waitFor('round-started', 2, PATIENCE_MS);
  const [startedMs, before] = [Date.now(), await session.counters()];
  await server.waitFor('round-started', last, PATIENCE_MS);
  const [endedMs, after] = [Date.now(), await session.counters()];
  const calls = counted(await session.calls(startedMs, endedMs));
  report({
    what: `calls a round and client beyond beats, ${title}`,
    value: (after.calls - before.calls) / words.rounds / CLIENTS,
    unit: 'calls',
    goal: { of: 'value', atMost: 5 },
  });
  const ofClients = calls.filter(({ user }) => user !== 'server').length;
  report({
    what: `calls a round of a client's own mount, ${title}`,
    value: ofClients / words.rounds / CLIENTS,
    unit: 'calls',
  });
  for (const kind of ['user', 'endpoint'] as const)
    for (const [name, count] of tally(calls, (call) => call[kind]))
      report({ what: `${title}: ${name}, a round`, value: count / words.rounds, unit: 'calls' });
  note(`${title}: calls a round`);
  for (const line of breakdown(calls, CLIENTS, words.rounds)) note(line);
  const roundMs = (endedMs - startedMs) / words.rounds;
  note(`${title}: the calls of the last round, seconds after it began`);
  for (const line of storyOf(calls, { fromMs: endedMs - roundMs, speed })) note(line);
  await session.close();
}

/** Calls a round and client, with next to no heartbeats. */
export async function measureRounds(context: BenchContext, words: TrafficWords): Promise<void> {
  for (const each of CASES) await rounds(context, words, each);
}
