import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import type { BenchProcess } from '../bench-process.ts';
import { serverKeys, TRAINER } from '../federation-files.ts';
import { BoxSession } from './session.ts';

/** Units: elements of 4 bytes. */
const SMALL_MODEL = 25_000;
const SECOND_MS = 1000;
/** The rarest beat that a server waits for where nothing is said. Units: seconds. */
const BEAT_DEFAULT_S = 900;

export interface FederationOptions {
  readonly folder: string;
  readonly speed: number;
  readonly latencyMs?: number;
  readonly clients: number;
  readonly rounds: number;
  /** How long the first client trains, and how much longer each next one. Units: seconds of the session's clock. */
  readonly trainingS: number;
  readonly staggerS: number;
  /** Undefined: as the programs have it by default. Units: seconds of the session's clock. */
  readonly heartbeatS?: number;
  /** Between the starts of two clients; default: none. Units: seconds of the session's clock. */
  readonly apartS?: number;
  /** What every client's training leaves; default: a small model. */
  readonly checkpoint?: string;
}

/** A server and its clients at work, every program and every mount a process of its own. */
export interface Federation {
  readonly session: BoxSession;
  readonly server: BenchProcess;
  readonly clients: readonly BenchProcess[];
}

async function smallModel(path: string): Promise<string> {
  const bytes = new Uint8Array(new Float32Array(SMALL_MODEL).fill(0.5).buffer);
  await writeStateDict(path, new Map([['weight', { dtype: 'float32', shape: [SMALL_MODEL], bytes }]]));
  return path;
}

async function configure(session: BoxSession, options: FederationOptions): Promise<readonly string[]> {
  const { folder, clients, rounds, heartbeatS, trainingS, staggerS } = options;
  const checkpoint = options.checkpoint ?? (await smallModel(join(folder, 'model.pt')));
  await writeFile(join(folder, 'train.mjs'), TRAINER);
  await writeFile(join(folder, 'task.json'), '{"epochs": 1}\n');
  const names = Array.from({ length: clients }, (_, index) => `site_${index}`);
  await session.configure('server', {
    ...serverKeys({ folder, rounds, clients }),
    // A client that beats more rarely than by default needs a server that waits longer.
    ...(heartbeatS === undefined || heartbeatS <= BEAT_DEFAULT_S
      ? {}
      : { heartbeat_timeout: 2 * heartbeatS }),
  });
  for (const [index, name] of names.entries()) {
    const trainingMs = String((trainingS + staggerS * index) * SECOND_MS);
    await session.configure(name, {
      name,
      client_type: 'mila.services.clients.BoxClient',
      executor_type: 'mila.executors.Command',
      ...(heartbeatS === undefined ? {} : { heartbeat_frequency: heartbeatS }),
      executor_options: {
        command: [process.execPath, join(folder, 'train.mjs'), checkpoint, '{output}', trainingMs],
      },
    });
  }
  return names;
}

/** Mount everybody's folder, then start the server and the clients. */
export async function startFederation(options: FederationOptions): Promise<Federation> {
  const { folder, speed, latencyMs = 0, apartS = 0 } = options;
  const session = await BoxSession.open({ folder, speed, latencyMs });
  const names = await configure(session, options);
  for (const name of ['server', ...names]) await session.mount(name);
  const server = session.run('server', 'server');
  const clients: BenchProcess[] = [];
  for (const name of names) {
    if (clients.length > 0) await pause((apartS * SECOND_MS) / speed);
    clients.push(session.run('client', name));
  }
  return { session, server, clients };
}
