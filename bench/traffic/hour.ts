import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchContext } from '../figure.ts';
import { breakdown, counted, tally } from './calls.ts';
import { startFederation } from './federation.ts';
import type { TrafficWords } from './words.ts';

const CLIENTS = 3;
const MINUTE_MS = 60_000;
const PATIENCE_MS = 120_000;
/** What a heartbeat is at Box, and what share of them must come for the figure to count. */
const BEAT = 'POST files/content (version)';
const BEATS_SHARE = 0.95;
/** No training ends while the hour is measured. Units: seconds. */
const LONG_S = 86_400;
/** What kMoL's own transport makes in such an hour, by its documentation. */
const KMOL = { name: 'kMoL', value: 15_508 };

interface Case {
  readonly title: string;
  /** Undefined: the default. Units: seconds. */
  readonly heartbeatS?: number;
  readonly goal?: number;
}

const BY_DEFAULT: Case = { title: 'by default', goal: 60 };
/** kMoL's own. Units: seconds. */
const MINUTE_S = 60;

function beating(heartbeatS: number): Case {
  const goal = heartbeatS === MINUTE_S ? { goal: 400 } : {};
  return { title: `a beat every ${heartbeatS} s`, heartbeatS, ...goal };
}

/**
 * Calls while a server waits for three clients that train.
 *
 * It begins when the last client trains. Less than an hour is measured only where the words say so; then the figure for
 * an hour takes what its second half had as the rate of all the rest.
 */
async function hour(context: BenchContext, words: TrafficWords, { title, heartbeatS, goal }: Case) {
  const { report, note } = context;
  const { session, clients } = await startFederation({
    folder: join(context.folder, title.replaceAll(' ', '-')),
    speed: words.speed,
    latencyMs: words.latencyMs,
    clients: CLIENTS,
    rounds: 1,
    trainingS: LONG_S,
    staggerS: 0,
    apartS: words.apartS,
    ...(heartbeatS === undefined ? {} : { heartbeatS }),
  });
  await Promise.all(clients.map((client) => client.waitFor('training', 1, PATIENCE_MS)));
  const startedMs = Date.now();
  const before = await session.counters();
  const lengthMs = (words.minutes * MINUTE_MS) / words.speed;
  note(`an hour of training, ${title}: ${(lengthMs / MINUTE_MS).toFixed(1)} minutes`);
  await pause(lengthMs);
  const endedMs = Date.now();
  const after = await session.counters();
  const calls = counted(await session.calls(startedMs, endedMs));
  const measured = after.calls - before.calls;
  // A beat is late where the processor is: then fast clocks tell nothing.
  const beats = calls.filter(({ user, endpoint }) => user !== 'server' && endpoint === BEAT).length;
  const due = heartbeatS === undefined ? 0 : Math.floor((words.minutes * 60) / heartbeatS) * CLIENTS;
  if (beats < due * BEATS_SHARE)
    note(`${title}: only ${beats} of ${due} beats came: this machine is too busy for --speed ${words.speed}`);
  const late = calls.filter(({ atMs }) => atMs >= startedMs + lengthMs / 2).length;
  const rest = Math.max(0, 60 - words.minutes);
  const how = rest === 0 ? 'measured' : `${measured} in ${words.minutes} minutes, the rest by rate`;
  report({
    what: `calls in an hour of training, server and three clients, ${title}`,
    value: measured + (late / (words.minutes / 2)) * rest,
    unit: 'calls',
    rival: KMOL,
    ...(goal === undefined ? {} : { goal: { of: 'value', atMost: goal } as const }),
  });
  for (const kind of ['user', 'endpoint'] as const)
    for (const [name, count] of tally(calls, (call) => call[kind]))
      report({ what: `${title}: ${name}, in ${words.minutes} minutes`, value: count, unit: 'calls' });
  note(`${title}: ${how}; calls in ${words.minutes} minutes:`);
  for (const line of breakdown(calls, CLIENTS, 1)) note(line);
  await session.close();
}

/** All hours at once: the machine has little to do. */
export async function measureHours(context: BenchContext, words: TrafficWords): Promise<void> {
  const cases = [BY_DEFAULT, ...words.beatsS.map(beating)];
  await Promise.all(cases.map((each) => hour(context, words, each)));
}
