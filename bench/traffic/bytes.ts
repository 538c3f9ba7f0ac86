import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchContext } from '../figure.ts';
import type { Call } from './calls.ts';
import { startFederation } from './federation.ts';
import type { TrafficWords } from './words.ts';

const CLIENTS = 3;
const PATIENCE_MS = 300_000;
const NO_BEAT_S = 50_000;
const ROUNDS = 3;
/** Model files; what else goes is side files and JSON. Units: bytes. */
const MODEL_MIN = 100_000;
const PYTHON = '/usr/bin/python3';

const sum = (calls: readonly Call[], of: 'bytesUp' | 'bytesDown') =>
  calls.reduce((total, call) => total + (call[of] >= MODEL_MIN ? call[of] : 0), 0);

/** A checkpoint as kMoL's trainer writes it, half-way through a training with AdamW. */
async function makeCheckpoint(path: string): Promise<number> {
  const program = fileURLToPath(new URL('./adamw_checkpoint.py', import.meta.url));
  await promisify(execFile)(PYTHON, [program, path]);
  return (await stat(path)).size;
}

/** Bytes that a round of kMoL checkpoints moves, up from a client and down to one. */
export async function measureBytes(context: BenchContext, { latencyMs }: TrafficWords): Promise<void> {
  const { report, note, folder } = context;
  const checkpoint = join(folder, 'adamw.pt');
  const whole = await makeCheckpoint(checkpoint).catch(() => undefined);
  if (whole === undefined)
    return note(`bytes are not measured: ${PYTHON} has no torch (Debian's python3-torch)`);
  const { session, server } = await startFederation({
    folder: join(folder, 'bytes'),
    speed: 1,
    latencyMs,
    clients: CLIENTS,
    rounds: ROUNDS + 2,
    trainingS: 5,
    staggerS: 1,
    heartbeatS: NO_BEAT_S,
    checkpoint,
  });
  note(`${ROUNDS} rounds with a checkpoint of ${whole} bytes`);
  await server.waitFor('round-started', 2, PATIENCE_MS);
  const [startedMs, before] = [Date.now(), await session.counters()];
  await server.waitFor('round-started', ROUNDS + 2, PATIENCE_MS);
  const [endedMs, after] = [Date.now(), await session.counters()];
  const calls = await session.calls(startedMs, endedMs);
  const clients = calls.filter(({ user }) => user !== 'server');
  const own = calls.filter(({ user }) => user === 'server');
  report({
    what: 'bytes up of a round and client, AdamW checkpoint',
    value: sum(clients, 'bytesUp') / ROUNDS / CLIENTS,
    unit: 'bytes',
    rival: { name: 'the checkpoint', value: whole },
    goal: { of: 'ratio', atMost: 0.34 },
  });
  const aggregate = sum(own, 'bytesUp') / ROUNDS;
  report({ what: 'bytes of a round up from the server: server.agg', value: aggregate, unit: 'bytes' });
  report({
    what: 'bytes down of a round and client: server.agg',
    value: sum(clients, 'bytesDown') / ROUNDS / CLIENTS,
    unit: 'bytes',
  });
  for (const way of ['up', 'down'] as const) {
    const [late, early] =
      way === 'up' ? [after.bytesUp, before.bytesUp] : [after.bytesDown, before.bytesDown];
    report({
      what: `bytes ${way} of a round, everybody's and everything's, as Box counts them`,
      value: (late - early) / ROUNDS,
      unit: 'bytes',
    });
  }
  await session.close();
}
