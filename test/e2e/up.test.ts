import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { builtProgram, childrenOf, isAlive, type Started, startProgram } from '../support/programs.ts';
import { hasTorch, PYTHON } from '../unit/fl/torch/python.ts';

const RUN_TIMEOUT_MS = 240_000;

let folder = '';
let running: Started[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-up-'));
});
afterEach(async () => {
  for (const { process: child } of running) child.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** `mila init`, as a script would type it. Returns the directory. */
function init(...args: readonly string[]): string {
  const directory = join(folder, 'trial');
  const { status, stderr } = spawnSync(process.execPath, [
    builtProgram('mila'),
    'init',
    directory,
    '--participants',
    'basel,tokyo',
    ...args,
  ]);
  expect(String(stderr)).not.toContain('error');
  expect(status).toBe(0);
  return directory;
}

function up(directory: string, ...args: readonly string[]): Started {
  const started = startProgram('mila', ['up', directory, ...args]);
  running.push(started);
  return started;
}

type Json = Readonly<Record<string, unknown>>;

async function change(directory: string, file: string, changes: Json): Promise<void> {
  const path = join(directory, file);
  const former = JSON.parse(await readFile(path, 'utf8')) as Json;
  await writeFile(path, JSON.stringify({ ...former, ...changes }));
}

const lineSchema = z.looseObject({ event: z.string(), site: z.string().optional() });
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));

/** Every process below one, however deep. */
function descendants(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child.pid, ...descendants(child.pid)]);
}

describe('mila up', { timeout: RUN_TIMEOUT_MS }, () => {
  it('runs what init made over the emulator, tells every event with its site, and the end last', async () => {
    const directory = init('--emulator', '--program', 'digits');
    await change(directory, 'server.json', { rounds_count: 1 });
    const started = up(directory, '--json');
    expect(await started.ended, started.stderr()).toBe(0);
    const lines = linesOf(started.stdout());
    expect(new Set(lines.slice(0, -1).map(({ site }) => site))).toEqual(
      new Set(['server', 'basel', 'tokyo']),
    );
    expect(lines.at(-1)).toEqual({
      event: 'ended',
      time: expect.any(String),
      success: true,
      final_model: expect.stringMatching(/aggregate\.pt$/),
      run_folder: expect.stringContaining(join(directory, 'data', 'box', 'server')),
    });
    for (const path of ['final_model', 'run_folder'])
      expect(existsSync(String(lines.at(-1)?.[path]))).toBe(true);
  });

  it('goes on with the run that Ctrl-C left open, and leaves no process behind', async () => {
    const directory = init('--transport', 'dir', '--program', 'digits');
    const first = up(directory, '--json');
    await vi.waitFor(() => expect(first.stdout()).toContain('"round-started"'), {
      timeout: 60_000,
      interval: 50,
    });
    const below = descendants(first.pid);
    expect(below.length).toBeGreaterThanOrEqual(3);
    first.process.kill('SIGINT');
    expect(await first.ended).toBe(130);
    expect(below.filter(isAlive)).toEqual([]);
    const ended = linesOf(first.stdout()).at(-1);
    expect(ended).toMatchObject({ event: 'ended', success: false, final_model: null });
    expect(first.stderr()).toContain('goes on with the run');
    const second = up(directory);
    expect(await second.ended, second.stderr()).toBe(0);
    expect(second.stdout()).toContain(String(ended?.['run_folder']));
    expect(second.stdout()).toContain('mila-sync inspect');
  });

  it.skipIf(!hasTorch)(
    'trains with the train.py that init wrote, over gRPC (skipped where torch is missing)',
    async () => {
      const directory = init('--transport', 'grpc');
      await change(directory, 'server.json', { rounds_count: 2 });
      const server = JSON.parse(await readFile(join(directory, 'server.json'), 'utf8')) as {
        grpc_configuration: Json;
      };
      const port = 20_000 + (process.pid % 20_000);
      for (const name of ['server', 'basel', 'tokyo']) {
        const { grpc_configuration: section } = JSON.parse(
          await readFile(join(directory, `${name}.json`), 'utf8'),
        ) as typeof server;
        await change(directory, `${name}.json`, {
          grpc_configuration: { ...section, target: `localhost:${port}` },
        });
      }
      const started = up(directory);
      expect(await started.ended, started.stderr()).toBe(0);
      expect(started.stderr()).toMatch(/basel: round 2 trained on 200 samples in [\d.]+ s: loss \d/);
      const [, model = ''] = /final model +(\S+)/.exec(started.stdout()) ?? [];
      const code = `import torch; print(sorted(torch.load(${JSON.stringify(model)}, weights_only=True)["model"]))`;
      const loaded = spawnSync(PYTHON, ['-c', code], { encoding: 'utf8' });
      expect(loaded.stdout.trim()).toBe("['0.bias', '0.weight', '2.bias', '2.weight']");
    },
  );

  it('ends with the exit code of what failed, in one line that says which', async () => {
    const directory = init('--transport', 'dir', '--program', 'digits');
    await change(directory, 'tokyo.json', {
      executor_type: 'mila.executors.Command',
      executor_options: { command: ['no-such-program'] },
    });
    const started = up(directory);
    expect(await started.ended).toBe(2);
    expect(started.stderr()).toContain('error: the client tokyo ended with exit code 2');
    expect(started.stderr()).toContain('no-such-program is not on the PATH');
  });

  it('refuses a directory that is none of a federation with exit code 2, and says how to make one', async () => {
    const started = up(join(folder, 'nothing'));
    expect(await started.ended).toBe(2);
    expect(started.stderr()).toContain('it does not exist');
    expect(started.stderr()).toContain('mila init');
  });
});
