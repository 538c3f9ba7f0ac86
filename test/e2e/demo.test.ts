import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { childrenOf, isAlive, type Started, startProgram } from '../support/programs.ts';

const RUN_TIMEOUT_MS = 240_000;
const STEP_TIMEOUT_MS = 60_000;

const resultSchema = z.object({
  rounds: z.array(
    z.object({
      round: z.number(),
      aggregate: z.number(),
      clients: z.record(z.string(), z.number()),
    }),
  ),
  run_folder: z.string(),
  final_model: z.string(),
  report: z.string(),
  api_calls: z.object({ total: z.number(), by_user: z.record(z.string(), z.number()) }),
  seconds: z.number(),
});

let folder = '';
let keep = '';
let running: Started[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
  keep = join(folder, 'keep');
  await mkdir(join(folder, 'tmp'));
});

afterEach(async () => {
  for (const { process: child } of running) child.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function demo(...args: readonly string[]): Started {
  const started = startProgram('mila', ['demo', ...args], { environment: { TMPDIR: join(folder, 'tmp') } });
  running.push(started);
  return started;
}

async function until(started: Started, words: string): Promise<void> {
  await vi.waitFor(() => expect(started.stderr()).toContain(words), {
    timeout: STEP_TIMEOUT_MS,
    interval: 50,
  });
}

const namesBelow = async (path: string) => (await readdir(path, { recursive: true })).sort();

async function locksBelow(path: string): Promise<readonly string[]> {
  return (await namesBelow(path)).filter((name) => /(^|\/)lock$/.test(name));
}

describe('mila demo', () => {
  it(
    'trains a model that beats the clients, and leaves a run folder as the guide documents it',
    async () => {
      const started = demo('--clients', '2', '--rounds', '2', '--json', '--keep', keep);
      await until(started, 'server: round 1 begins');
      const children = childrenOf(started.pid);
      // An emulator, and for each of three sites a mount and a federation program.
      expect(children).toHaveLength(7);
      expect([await started.ended, started.stderr()]).toEqual([0, expect.any(String)]);
      expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
      expect(await locksBelow(keep)).toEqual([]);
      expect(await readdir(join(folder, 'tmp'))).toEqual([]);

      const result = resultSchema.parse(JSON.parse(started.stdout()));
      const [first, last] = result.rounds;
      expect(result.rounds.map(({ round }) => round)).toEqual([1, 2]);
      expect(last?.aggregate).toBeGreaterThan(first?.aggregate ?? 1);
      expect(last?.aggregate).toBeGreaterThan(0.85);
      expect(last?.aggregate).toBeGreaterThan(Math.min(...Object.values(last?.clients ?? {})));
      expect(Object.keys(result.api_calls.by_user)).toEqual(expect.arrayContaining(['tester1', 'tester2']));

      const files = (await namesBelow(result.run_folder)).filter((name) => /\.\w+$/.test(name));
      expect(files).toEqual([
        'authentications/tester1_authentication.txt',
        'authentications/tester2_authentication.txt',
        'cfg.json',
        'heartbeats/tester1_heartbeat.txt',
        'heartbeats/tester2_heartbeat.txt',
        'rounds/round_1/no_starting_model.info',
        'rounds/round_1/server.meta.json',
        'rounds/round_1/tester1.meta.json',
        'rounds/round_1/tester1.pt',
        'rounds/round_1/tester2.meta.json',
        'rounds/round_1/tester2.pt',
        'rounds/round_2/server.agg',
        'rounds/round_2/server.meta.json',
        'rounds/round_2/tester1.meta.json',
        'rounds/round_2/tester1.pt',
        'rounds/round_2/tester2.meta.json',
        'rounds/round_2/tester2.pt',
        'rounds/round_3/server.agg',
        'server.settings.json',
        'server.status.json',
        'server_ended.txt',
      ]);
      const text = (name: string) => readFile(join(result.run_folder, name), 'utf8');
      expect(await text('authentications/tester1_authentication.txt')).toMatch(/^Authenticated - Token \d+$/);
      expect(await text('heartbeats/tester2_heartbeat.txt')).toMatch(/^\d{10}\.\d{1,7}$/);
      expect(await text('server_ended.txt')).toMatch(/^Training finished \d{10}\.\d+$/);
      expect(await text('rounds/round_1/no_starting_model.info')).toBe('');
      expect(result.final_model).toBe(join(result.run_folder, 'rounds', 'round_3', 'server.agg'));
      expect(await readFile(result.report, 'utf8')).toMatch(/<svg[\s\S]*tester2/);
      await expectPyTorchLoads(result.final_model);
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'does the same over secure gRPC, without a Box',
    async () => {
      const started = demo(
        '--transport',
        'grpc',
        '--clients',
        '2',
        '--rounds',
        '1',
        '--json',
        '--keep',
        keep,
      );
      await until(started, 'server: round 1 begins');
      const children = childrenOf(started.pid);
      expect(children).toHaveLength(3);
      expect([await started.ended, started.stderr()]).toEqual([0, expect.any(String)]);
      expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
      const result = resultSchema.parse(JSON.parse(started.stdout()));
      const [only] = result.rounds;
      expect(only?.aggregate).toBeGreaterThan(Math.min(...Object.values(only?.clients ?? {})));
      expect(result.api_calls.total).toBe(0);
      expect(result.final_model).toBe(join(result.run_folder, 'rounds', 'round_2', 'server.agg'));
      expect((await namesBelow(join(keep, 'certificates'))).filter((name) => name.endsWith('.crt'))).toEqual([
        'root.crt',
        'server.crt',
        'tester1.crt',
        'tester2.crt',
      ]);
      await expectPyTorchLoads(result.final_model);
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'stops every process in order when asked to, and leaves nothing',
    async () => {
      const started = demo('--clients', '2');
      await until(started, 'server: round 1 begins');
      const children = childrenOf(started.pid);
      expect(children.length).toBeGreaterThan(0);
      started.process.kill('SIGTERM');
      expect(await started.ended).toBe(130);
      expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
      expect(await readdir(join(folder, 'tmp'))).toEqual([]);
      expect(started.stdout()).toBe('');
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'takes its processes with it when it is killed outright, locks included',
    async () => {
      const started = demo('--clients', '2', '--keep', keep);
      await until(started, 'server: round 1 begins');
      const children = childrenOf(started.pid);
      expect(await locksBelow(keep)).toHaveLength(3);
      started.process.kill('SIGKILL');
      expect(await started.ended).toBe('SIGKILL');
      await vi.waitFor(() => expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]), {
        timeout: STEP_TIMEOUT_MS,
        interval: 100,
      });
      expect(await locksBelow(keep)).toEqual([]);
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'ends with a word about the program that failed',
    async () => {
      const started = demo('--clients', '2', '--keep', keep);
      await until(started, 'server: round 1 begins');
      const children = childrenOf(started.pid);
      const client = children.find(({ command }) => command.includes('mila.js client'));
      process.kill(client?.pid ?? 0, 'SIGKILL');
      expect(await started.ended).toBe(6);
      expect(started.stderr()).toMatch(/error: the tester[12] ended with SIGKILL/);
      expect(started.stderr()).toContain(keep);
      expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
    },
    RUN_TIMEOUT_MS,
  );

  it('refuses what makes no sense before it starts anything', async () => {
    await mkdir(keep);
    await writeFile(join(keep, 'thesis.txt'), '');
    expect(await demo('--keep', keep).ended).toBe(4);
    expect(await demo('--clients', '0').ended).toBe(2);
    expect(await demo('--transport', 'pigeon').ended).toBe(2);
    expect(await readdir(keep)).toEqual(['thesis.txt']);
  });
});

/** Load a checkpoint in real PyTorch, with and without `weights_only`; only where it is installed, but always in CI. */
async function expectPyTorchLoads(path: string): Promise<void> {
  const python = '/usr/bin/python3';
  const missing = spawnSync(python, ['-c', 'import torch']).status !== 0;
  if (missing && process.env['CI'] === undefined) return;
  const script = `
import sys, torch
for only in (True, False):
    model = torch.load(sys.argv[1], weights_only=only)["model"]
    print(only, list(model), all(bool(t.isfinite().all()) for t in model.values()), tuple(model["fc1.weight"].shape))
`;
  const { stdout, stderr } = spawnSync(python, ['-c', script, path], { encoding: 'utf8' });
  const names = "['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias', 'fc3.weight', 'fc3.bias']";
  expect(stdout, stderr).toBe(`True ${names} True (200, 784)\nFalse ${names} True (200, 784)\n`);
}
