import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFileAtomically } from '../../src/atomic-file.ts';
import type { BenchContext } from '../figure.ts';
import { breakdown, counted } from './calls.ts';
import { BoxSession } from './session.ts';
import type { TrafficWords } from './words.ts';

const RUN = '2026-01-16_19-11-00';
const SECOND_MS = 1000;
/** From the first update of a round to the last; the same for every number of participants. Units: seconds. */
const SPREAD_S = 300;
/** How long everybody trains before the first update. Units: seconds. */
const TRAINING_S = 120;
const MODEL = Buffer.alloc(100_000, 1);
const POLL_MS = 20;
const PATIENCE_MS = 180_000;

/** Mounts, and the files that the programs of a federation would write and wait for. */
class PlainFederation {
  readonly #session: BoxSession;
  readonly #names: readonly string[];

  constructor(session: BoxSession, names: readonly string[]) {
    this.#session = session;
    this.#names = names;
  }

  /** Everybody is mounted and has registered. */
  async begin(): Promise<void> {
    await this.#session.configure('server', {
      server_type: 'mila.services.servers.BoxServer',
      task_configuration_file: 'task.json',
    });
    await this.#session.mount('server');
    for (const folder of ['authentications', 'heartbeats', 'rounds'])
      await mkdir(join(this.#runOf('server'), folder), { recursive: true });
    await this.#write('server', 'cfg.json', '{}');
    for (const name of this.#names) {
      await this.#session.configure(name, { client_type: 'mila.services.clients.BoxClient', name });
      await this.#session.mount(name);
      await this.#write(name, `authentications/${name}_authentication.txt`, '');
      await this.#write(name, `heartbeats/${name}_heartbeat.txt`, '0');
    }
    await this.#everywhere('server', this.#names, (name) => `authentications/${name}_authentication.txt`);
  }

  /** A round from its model to the last update at the server. */
  async round(number: number): Promise<void> {
    const folder = `rounds/round_${number}`;
    await mkdir(join(this.#runOf('server'), folder), { recursive: true });
    await this.#write('server', `${folder}/server.meta.json`, '{}');
    await this.#write('server', `${folder}/server.agg`, Buffer.concat([MODEL, Buffer.from([number])]));
    for (const name of this.#names) await this.#until(name, `${folder}/server.agg`);
    await this.#wait(TRAINING_S);
    for (const name of this.#names) {
      await this.#wait(SPREAD_S / this.#names.length);
      await this.#write(name, `${folder}/${name}.meta.json`, `{"round":${number},"by":"${name}"}`);
      await this.#write(name, `${folder}/${name}.pt`, Buffer.concat([MODEL, Buffer.from(name)]));
    }
    await this.#everywhere('server', this.#names, (name) => `${folder}/${name}.pt`);
  }

  #runOf(name: string): string {
    return join(this.#session.mirrorOf(name), RUN);
  }

  #write(name: string, path: string, content: string | Uint8Array): Promise<void> {
    return writeFileAtomically(join(this.#runOf(name), path), content);
  }

  #wait(seconds: number): Promise<void> {
    return pause((seconds * SECOND_MS) / this.#session.speed);
  }

  async #until(name: string, path: string): Promise<void> {
    const file = join(this.#runOf(name), path);
    const endMs = performance.now() + PATIENCE_MS;
    const isThere = () =>
      access(file).then(
        () => true,
        () => false,
      );
    while (!(await isThere())) {
      if (performance.now() > endMs) throw new Error(`${path} never came to ${name}`);
      await pause(POLL_MS);
    }
  }

  async #everywhere(at: string, of: readonly string[], pathOf: (name: string) => string): Promise<void> {
    for (const name of of) await this.#until(at, pathOf(name));
  }
}

async function growth(context: BenchContext, words: TrafficWords, participants: number): Promise<void> {
  const { report, note } = context;
  const folder = join(context.folder, `growth-${participants}`);
  const session = await BoxSession.open({ folder, speed: words.speed, latencyMs: words.latencyMs });
  const names = Array.from({ length: participants }, (_, index) => `site_${index}`);
  const federation = new PlainFederation(session, names);
  note(`${participants} participants`);
  await federation.begin();
  await federation.round(1);
  const [startedMs, before] = [Date.now(), await session.counters()];
  const rounds = context.quick ? 1 : 2;
  for (let round = 2; round < 2 + rounds; round += 1) await federation.round(round);
  const [endedMs, after] = [Date.now(), await session.counters()];
  const calls = counted(await session.calls(startedMs, endedMs));
  const ofClients = calls.filter(({ user }) => user !== 'server').length;
  const what = (each: string) => `calls a round with ${participants} participants, ${each}`;
  report({ what: what('all mounts'), value: (after.calls - before.calls) / rounds, unit: 'calls' });
  report({
    what: what("a client's mount"),
    value: ofClients / rounds / participants,
    unit: 'calls',
    goal: { of: 'value', atMost: 5 },
  });
  report({ what: what("the server's mount"), value: (calls.length - ofClients) / rounds, unit: 'calls' });
  note(`calls a round with ${participants} participants`);
  for (const line of breakdown(calls, participants, rounds)) note(line);
  await session.close();
}

/** How the calls of one mount grow with the number of participants, without the programs. */
export async function measureGrowth(context: BenchContext, words: TrafficWords): Promise<void> {
  for (const participants of words.participants) await growth(context, words, participants);
}
