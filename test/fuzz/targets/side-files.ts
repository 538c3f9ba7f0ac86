import { Irregularities } from '../../../src/fl/inspection/irregularity.ts';
import { reasonOf, serverNoteOf, updateNoteOf } from '../../../src/fl/inspection/side-texts.ts';
import {
  parseRefusal,
  readServerSettings,
  readUpdateMeta,
  SIDE_FILE_MAX_BYTES,
} from '../../../src/fl/transport/side-file.ts';
import type { Workdir } from '../../../src/fl/transport/workdir.ts';
import { HOSTILE, STEERING } from '../../support/hostile-text.ts';
import { type Dice, mutated } from '../../support/random-pickles.ts';
import type { FuzzTarget } from '../target.ts';

const pick = <Item>(dice: Dice, items: readonly Item[]): Item => items[dice(items.length)] as Item;

function anyValue(dice: Dice, depth = 0): unknown {
  const values = [0, -1, 0.5, 2 ** 53, 1e300, '', HOSTILE, '0'.repeat(64), null, true, 'x'.repeat(5_000)];
  const kind = dice(depth > 3 ? 6 : 8);
  if (kind === 6) return Array.from({ length: dice(4) }, () => anyValue(dice, depth + 1));
  if (kind === 7)
    return Object.fromEntries(
      Array.from({ length: dice(120) }, (_, index) => [
        pick(dice, [`m${index}`, '__proto__', HOSTILE, '=1+1', '']),
        anyValue(dice, 4),
      ]),
    );
  return pick(dice, values);
}

const FORMS: readonly Readonly<Record<string, unknown>>[] = [
  { round: 1, participant: 'a', samples: 1, metrics: { loss: 1 }, sha256: '0'.repeat(64), seconds: 1 },
  { reason: 'x', message: 'y', sha256: '0'.repeat(64), version: 'v' },
  { participants: ['a'], weights: { a: 1 }, refused: [], metrics: {}, final: true, rounds_count: 3 },
  {
    rounds_count: 1,
    minimum_clients: 1,
    maximum_clients: 1,
    client_wait_time: 1,
    heartbeat_timeout: 1,
    rejoin: true,
    round_deadline: null,
    round_share: 1,
    round_minimum: 1,
  },
];

function anyDocument(dice: Dice): Buffer {
  if (dice(10) === 0) return Buffer.from(pick(dice, ['[', '{"a":', ' ']).repeat(1 + dice(100_000)));
  const document: Record<string, unknown> = { ...pick(dice, FORMS) };
  for (const key of Object.keys(document)) if (dice(4) === 0) document[key] = anyValue(dice);
  if (dice(4) === 0) document['metrics'] = anyValue(dice);
  const text = Buffer.from(JSON.stringify(dice(12) === 0 ? anyValue(dice) : document));
  return dice(3) === 0 ? mutated(dice, text) : text;
}

function assertMetrics(metrics: Readonly<Record<string, number>> | undefined): void {
  const entries = Object.entries(metrics ?? {});
  if (entries.length > 100) throw new Error(`${entries.length} metrics`);
  for (const [name, value] of entries)
    if (STEERING.test(name) || !Number.isFinite(value)) throw new Error(`the metric ${name} ${value}`);
}

/** What stands beside checkpoints, as a server, a client and an inspection read it. */
export const SIDE_FILE_TARGET: FuzzTarget = {
  name: 'side-file',
  timeMaxMs: 1_000,
  memoryMaxMegabytes: 300,
  make: anyDocument,
  read: async (input) => {
    const bytes = Buffer.from(input);
    const workdir = { read: async () => bytes } as unknown as Workdir;
    const meta = await readUpdateMeta(workdir, 'a.meta.json');
    if (meta !== null && typeof meta !== 'string') assertMetrics(meta.metrics);
    const refusal = parseRefusal(await workdir.read('a.refused.json', SIDE_FILE_MAX_BYTES));
    if (refusal !== null && refusal.message.length > 1_000) throw new Error('a long refusal');
    await readServerSettings(workdir, 'server.settings.json');
    const file = {
      path: 'a.meta.json',
      sizeBytes: bytes.length,
      writtenAtMs: 0,
      atMs: 0,
      text: bytes.toString('utf8'),
      unread: null,
      stored: null,
      present: true,
    };
    assertMetrics(updateNoteOf(file, new Irregularities())?.metrics);
    assertMetrics(serverNoteOf(file, new Irregularities())?.metrics);
    reasonOf(file, new Irregularities());
  },
};
