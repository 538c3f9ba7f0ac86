import { mkdir, open, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AUTHENTICATION, type Layout } from '../../src/fl/round/run-folder.ts';
import type { StateDict } from '../../src/fl/tensor/tensor.ts';
import { writeCheckpoint } from '../../src/fl/torch/checkpoint-writer.ts';

/** When every made run begins: 2023-01-16 10:11:00 UTC. */
export const MADE_AT_MS = Date.UTC(2023, 0, 16, 10, 11, 0);

/** A model of a few numbers, all equal to `value`. */
export function smallModel(value: number, width = 4): StateDict {
  const floats = (count: number) => new Uint8Array(new Float32Array(count).fill(value).buffer);
  return new Map([
    ['layer.weight', { dtype: 'float32', shape: [2, width], bytes: floats(2 * width) }],
    ['layer.bias', { dtype: 'float32', shape: [2], bytes: floats(2) }],
  ]);
}

/** A moment so many seconds after the run's beginning, as side files write it. */
export const isoAt = (seconds: number) => new Date(MADE_AT_MS + seconds * 1000).toISOString();

/** One training of a round, as side files tell it. */
export const attempt = (from: number, to: number, outcome: string) => ({
  from: isoAt(from),
  to: isoAt(to),
  outcome,
});

/** Writes files of a run folder with times of its own choosing: equal calls make equal folders. */
export class MadeRun {
  readonly folder: string;
  readonly layout: Layout;

  constructor(folder: string, layout: Layout = 'documented') {
    this.folder = folder;
    this.layout = layout;
  }

  /** Units: `seconds` after the run's beginning. */
  async text(path: string, seconds: number, content: string): Promise<void> {
    const full = join(this.folder, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, content);
    await this.stamp(path, seconds);
  }

  async json(path: string, seconds: number, content: unknown): Promise<void> {
    await this.text(path, seconds, `${JSON.stringify(content, undefined, 1)}\n`);
  }

  async model(path: string, seconds: number, model: StateDict): Promise<void> {
    const full = join(this.folder, path);
    await mkdir(dirname(full), { recursive: true });
    const handle = await open(full, 'w');
    await writeCheckpoint(handle, model).finally(() => handle.close());
    await this.stamp(path, seconds);
  }

  async stamp(path: string, seconds: number): Promise<void> {
    const at = MADE_AT_MS / 1000 + seconds;
    await utimes(join(this.folder, path), at, at);
  }

  async task(): Promise<void> {
    await this.text('cfg.json', 0, '{"model": {"type": "linear"}, "epochs": 3}\n');
  }

  async answer(name: string, seconds: number, text = 'Authenticated - Token 23118091987'): Promise<void> {
    const { folder, suffix } = AUTHENTICATION[this.layout];
    await this.text(`${folder}/${name}${suffix}`, seconds, text);
  }

  async heartbeat(name: string, seconds: number): Promise<void> {
    await this.text(`heartbeats/${name}_heartbeat.txt`, seconds, String(MADE_AT_MS / 1000 + seconds - 0.25));
  }

  async update(round: number, name: string, seconds: number, value = 1): Promise<void> {
    await this.model(`rounds/round_${round}/${name.toLowerCase()}.pt`, seconds, smallModel(value));
  }

  async meta(round: number, name: string, seconds: number, more: object = {}): Promise<void> {
    await this.json(`rounds/round_${round}/${name.toLowerCase()}.meta.json`, seconds, {
      round,
      participant: name,
      samples: 120,
      metrics: { loss: 1 / round },
      sha256: '0'.repeat(64),
      seconds: 20,
      ...more,
    });
  }

  async serverMeta(round: number, rounds: number, names: readonly string[], seconds: number): Promise<void> {
    await this.json(`rounds/round_${round}/server.meta.json`, seconds, {
      made_in_round: round,
      round: round + 1,
      rounds_count: rounds,
      final: round === rounds,
      participants: names,
      weights: Object.fromEntries(names.map((name) => [name, 1 / names.length])),
      refused: [],
      metrics: { loss: 1 / round },
      seconds: 1.5,
      sha256: null,
    });
  }
}

/**
 * A run in which everything went well.
 *
 * Units: a round takes 60 s; client `i` delivers 40 + i s into it.
 */
export async function makeGoodRun(run: MadeRun, names: readonly string[], rounds: number): Promise<void> {
  await run.task();
  for (const [index, name] of names.entries()) await run.answer(name, 2 + index);
  await run.text('rounds/round_1/no_starting_model.info', 30, '');
  for (let round = 1; round <= rounds; round += 1) {
    const began = 30 + 60 * (round - 1);
    await Promise.all(
      names.map(async (name, index) => {
        const from = began + 18 + index;
        const account = { received_at: isoAt(from), attempts: [attempt(from, from + 20, 'trained')] };
        await run.meta(round, name, began + 38 + index, { ...account, absences: [] });
        await run.update(round, name, began + 40 + index, round + index);
      }),
    );
    await run.serverMeta(round, rounds, names, began + 59);
    await run.model(`rounds/round_${round + 1}/server.agg`, began + 60, smallModel(round));
  }
  const end = 30 + 60 * rounds;
  for (const [index, name] of names.entries()) await run.heartbeat(name, end - 5 - index);
  await run.text('server_ended.txt', end - 0.5, `Training finished ${MADE_AT_MS / 1000 + end - 0.5}`);
}

/** A finished run of rounds that all take equally long, without checkpoints that anybody could read. */
export async function makeSteadyRun(
  run: MadeRun,
  names: readonly string[],
  { rounds, roundSeconds }: { readonly rounds: number; readonly roundSeconds: number },
): Promise<void> {
  await run.task();
  for (const name of names) await run.answer(name, 0);
  await run.text('rounds/round_1/no_starting_model.info', 0, '');
  for (let round = 1; round <= rounds; round += 1) {
    const began = roundSeconds * (round - 1);
    for (const name of names) {
      await run.meta(round, name, began + 0.7 * roundSeconds, { seconds: 0.5 * roundSeconds });
      await run.text(`rounds/round_${round}/${name}.pt`, began + 0.8 * roundSeconds, name);
    }
    await run.serverMeta(round, rounds, names, began + 0.95 * roundSeconds);
    await run.text(`rounds/round_${round + 1}/server.agg`, began + roundSeconds, 'made');
  }
  await run.text('server_ended.txt', rounds * roundSeconds, 'Training finished');
}
