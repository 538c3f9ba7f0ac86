import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { ConfigError, RoundError } from '../../../../src/errors.ts';
import type { ExecutorOptions } from '../../../../src/fl/executor/command-options.ts';
import { createExecutor } from '../../../../src/fl/executor/create-executor.ts';
import type { TrainingRequest } from '../../../../src/fl/executor/executor.ts';
import { endOrphan, rememberProgram } from '../../../../src/fl/executor/orphan.ts';
import { silentLogger } from '../../../../src/logger.ts';

const CHECKPOINTS = new URL('../../../../fixtures/checkpoints/files/', import.meta.url).pathname;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'command-executor-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const create = (type: string, options: ExecutorOptions) =>
  createExecutor(type, options, {
    clock: systemClock(),
    logger: silentLogger,
    environment: process.env,
    temporaryDirectory: folder,
  });

/** An executor that runs a few lines of JavaScript as a program of its own. */
const program = (source: string, more: ExecutorOptions = {}) =>
  create('mila.executors.Command', {
    command: [process.execPath, '-e', source, '--', '{config}', '{output}', '{round}', '{participant}'],
    ...more,
  });

function request(more: Partial<TrainingRequest> = {}): TrainingRequest {
  return {
    configuration: {},
    configurationPath: join(folder, 'config.latest.json'),
    round: 2,
    participant: 'tester1',
    outputDirectory: folder,
    signal: new AbortController().signal,
    ...more,
  };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('training by another program', () => {
  it('takes the checkpoint that this run wrote, wherever below the output path', async () => {
    await writeFile(join(folder, 'checkpoint.9.pt'), 'of an earlier round');
    const future = new Date(Date.now() + 3_600_000);
    await utimes(join(folder, 'checkpoint.9.pt'), future, future);
    const executor = await program(
      `const fs = require('fs'); const [config, output, round, who] = process.argv.slice(1);
       const dated = output + '/2026-01-01_00-00'; fs.mkdirSync(dated);
       fs.writeFileSync(dated + '/checkpoint.1.pt', [config, round, who].join(' '));
       fs.writeFileSync(dated + '/notes.txt', ''); console.log('epoch 1 done');`,
    );
    const result = await executor.train(request());
    expect(basename(result.checkpointPath)).toBe('checkpoint.1.pt');
    expect(await readFile(result.checkpointPath, 'utf8')).toBe(
      `${join(folder, 'config.latest.json')} 2 tester1`,
    );
    expect(result).toMatchObject({ samples: null, metrics: {} });
    expect(await readFile(join(folder, 'training.round_2.log'), 'utf8')).toContain('epoch 1 done');
  });

  it('takes the newest of several, and one that was written over', async () => {
    await writeFile(join(folder, 'checkpoint.best.pt'), 'old');
    const executor = await program(
      `const fs = require('fs'); const output = process.argv[2];
       fs.writeFileSync(output + '/a.pt', ''); fs.utimesSync(output + '/a.pt', 1, 1);
       fs.writeFileSync(output + '/checkpoint.best.pt', 'new');`,
    );
    const { checkpointPath } = await executor.train(request());
    expect(await readFile(checkpointPath, 'utf8')).toBe('new');
  });

  it('names the model to start from so that a program in a folder of its own finds it', async () => {
    const start = join(folder, 'start.latest.pt');
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    const executor = await create('mila.executors.Command', {
      command: [
        process.execPath,
        '-e',
        `require('fs').writeFileSync(process.argv[2] + '/x.pt', process.argv[1])`,
        '--',
        '{checkpoint}',
        '{output}',
      ],
      working_directory: elsewhere,
    });
    const startCheckpointPath = relative(process.cwd(), start);
    const { checkpointPath } = await executor.train(request({ startCheckpointPath }));
    expect(await readFile(checkpointPath, 'utf8')).toBe(start);
  });

  it('reads samples and metrics from the result file, and never from an old one', async () => {
    const writing = `require('fs').writeFileSync(process.argv[2] + '/x.pt', String(Math.random()));`;
    const result = `require('fs').writeFileSync(process.argv[2] + '/result.json', '{"samples":7,"metrics":{"loss":0.5}}');`;
    const options = { result_file: 'result.json' };
    const told = await (await program(writing + result, options)).train(request());
    expect(told).toMatchObject({ samples: 7, metrics: { loss: 0.5 } });
    expect(await (await program(writing, options)).train(request())).toMatchObject({
      samples: null,
      metrics: {},
      omissions: [expect.stringContaining('was not written')],
    });
  });

  it('fails with the last words when the program fails, and when it leaves no checkpoint', async () => {
    const failing = await program(`console.error('no such GPU'); process.exit(3);`);
    await expect(failing.train(request())).rejects.toThrow(/exit code 3; its last words:\nno such GPU/);
    const empty = await program('');
    await expect(empty.train(request())).rejects.toThrow(/wrote no checkpoint/);
  });

  it('tells what was written instead of the checkpoint, and what is older', async () => {
    await writeFile(join(folder, 'old.pt'), 'of an earlier round');
    const other = await program(`require('fs').writeFileSync(process.argv[2] + '/model.pth', '');`);
    await expect(other.train(request())).rejects.toThrow(
      /no checkpoint "\*\.pt" below .*; 1 older one is of earlier rounds; there are .*model\.pth.*checkpoint_name/s,
    );
  });

  it('names the file that it took when that has no model, and what else was written', async () => {
    const source = `const fs = require('fs'); const out = process.argv[2];
      fs.copyFileSync(${JSON.stringify(join(CHECKPOINTS, 'handmade_ok.pt'))}, out + '/model.pt');
      fs.utimesSync(out + '/model.pt', 1, 1);
      fs.copyFileSync(${JSON.stringify(join(CHECKPOINTS, 'no_model_key.pt'))}, out + '/optimizer.pt');`;
    const wrong = await (await program(source)).train(request()).catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(RoundError);
    expect(String(wrong)).toMatch(
      /optimizer\.pt, the newest file.*no "model".*torch\.save.*also written: model\.pt/,
    );
    await rm(join(folder, 'optimizer.pt'));
    const named = await program(source, { checkpoint_name: 'model.pt' });
    expect(basename((await named.train(request())).checkpointPath)).toBe('model.pt');
  });

  it('stops the program and its workers, also those that ignore being asked', async () => {
    const controller = new AbortController();
    const executor = await program(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);
       const worker = require('child_process').spawn(process.execPath, ['-e',
         "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: 'ignore' });
       require('fs').writeFileSync(process.argv[2] + '/pids', process.pid + ' ' + worker.pid);`,
      { stop_timeout: 0.2 },
    );
    const training = executor.train(request({ signal: controller.signal }));
    training.catch(() => {});
    const pids = await vi.waitFor(
      async () => {
        const numbers = (await readFile(join(folder, 'pids'), 'utf8')).split(' ').map(Number);
        expect(numbers).toHaveLength(2);
        return numbers;
      },
      { timeout: 10_000, interval: 20 },
    );
    controller.abort();
    await expect(training).rejects.toMatchObject({ code: 'training-stopped' });
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 5_000 });
  });

  it('ends a program that takes longer than its limit', async () => {
    const executor = await program('setInterval(() => {}, 1000)', { time_limit: 0.3 });
    await expect(executor.train(request())).rejects.toThrow(/did not end within 0.3 s/);
  });

  it('ends a training that outlived its client before it begins another', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    });
    const pid = orphan.pid ?? 0;
    const gone = new Promise((resolve) => orphan.once('exit', resolve));
    await rememberProgram(join(folder, 'training.process.json'), pid);
    const executor = await program(`require('fs').writeFileSync(process.argv[2] + '/x.pt', '');`);
    await executor.train(request());
    await gone;
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(folder)).not.toContain('training.process.json');
  });

  it.skipIf(process.platform !== 'linux')(
    'ends the workers of a training whose first process is gone, and no others',
    async () => {
      const source = `const { spawn } = require('child_process');
        const worker = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
        process.stdout.write(String(worker.pid)); process.stdin.once('data', () => process.exit(0));`;
      const leader = spawn(process.execPath, ['-e', source], {
        detached: true,
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const worker = Number(
        await new Promise<string>((told) => leader.stdout.once('data', (bytes) => told(String(bytes)))),
      );
      const memoPath = join(folder, 'training.process.json');
      await rememberProgram(memoPath, leader.pid ?? 0);
      const gone = new Promise((resolve) => leader.once('exit', resolve));
      leader.stdin.write('end');
      await gone;
      expect(isAlive(worker)).toBe(true);
      const memo = await readFile(memoPath, 'utf8');
      // Of another start of the machine, the number says nothing.
      await writeFile(memoPath, JSON.stringify({ ...JSON.parse(memo), boot: 'another' }));
      expect(await endOrphan(memoPath, systemClock())).toBe(false);
      expect(isAlive(worker)).toBe(true);
      await writeFile(memoPath, memo);
      expect(await endOrphan(memoPath, systemClock())).toBe(true);
      await vi.waitFor(() => expect(isAlive(worker)).toBe(false), { timeout: 5_000 });
    },
  );

  it('leaves a process alone that only has the number of the one remembered', async () => {
    const memo = JSON.stringify({ pid: process.pid, startedAt: 'long ago' });
    await writeFile(join(folder, 'training.process.json'), memo);
    const executor = await program(`require('fs').writeFileSync(process.argv[2] + '/x.pt', '');`);
    await executor.train(request());
    expect(await readdir(folder)).toContain('x.pt');
  });

  it('says what to do when the program does not exist, before any training', async () => {
    const executor = await create('kmol.run.Executor', { command: ['/no/such/kmol', 'train', '{config}'] });
    await expect(executor.train(request())).rejects.toThrow(ConfigError);
    await expect(executor.check?.()).rejects.toMatchObject({ code: 'command-not-found' });
    const unnamed = await create('mila.executors.Command', { command: ['no-such-program-anywhere'] });
    await expect(unnamed.check?.()).rejects.toThrow(/no-such-program-anywhere is not on the PATH/);
    const elsewhere = await program('', { working_directory: join(folder, 'nowhere') });
    await expect(elsewhere.check?.()).rejects.toThrow(/working_directory .*nowhere is no folder/);
    await expect((await program('')).check?.()).resolves.toBeUndefined();
  });
});

it('runs kMoL as `kmol train CONFIG` found on the PATH, under each of its names', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(
    join(bin, 'kmol'),
    `#!/bin/sh\nmkdir -p "${folder}/2026-01-01_00-00"\necho "$@" > "${folder}/2026-01-01_00-00/checkpoint.best.pt"\n`,
    { mode: 0o755 },
  );
  for (const type of ['kmol.run.Executor', 'run.Executor']) {
    const executor = await createExecutor(
      type,
      { environment: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } },
      { clock: systemClock(), logger: silentLogger, environment: process.env, temporaryDirectory: folder },
    );
    const { checkpointPath } = await executor.train(request());
    expect(await readFile(checkpointPath, 'utf8')).toBe(`train ${join(folder, 'config.latest.json')}\n`);
    await rm(join(folder, '2026-01-01_00-00'), { recursive: true });
  }
});

it('evaluates with a command of its own and leaves no temporary file', async () => {
  const executor = await program('', {
    evaluate_command: [
      process.execPath,
      '-e',
      `require('fs').writeFileSync(process.argv[1], JSON.stringify({ metrics: { accuracy: 0.5 } }))`,
      '--',
      '{result}',
    ],
  });
  const { signal } = new AbortController();
  const evaluation = { configuration: {}, checkpointPath: '/some/server.agg', signal };
  expect(await executor.evaluate(evaluation)).toEqual({ accuracy: 0.5 });
  expect(await readdir(folder)).toEqual([]);
  await expect((await program('')).evaluate(evaluation)).rejects.toThrow(/evaluate_command is missing/);
});

it('evaluates what it is told of, also in a working directory of its own', async () => {
  const executor = await program('', {
    evaluate_command: [
      process.execPath,
      '-e',
      `const fs = require('fs'); const [config, checkpoint, result] = process.argv.slice(1);
       const told = JSON.parse(fs.readFileSync(config, 'utf8')).checkpoint_path;
       const same = told === checkpoint && require('path').isAbsolute(told);
       fs.writeFileSync(result, JSON.stringify({ metrics: { same: Number(same) } }))`,
      '--',
      '{config}',
      '{checkpoint}',
      '{result}',
    ],
    working_directory: folder,
  });
  const evaluation = {
    configuration: {},
    checkpointPath: 'results/a.pt',
    signal: new AbortController().signal,
  };
  expect(await executor.evaluate(evaluation)).toEqual({ same: 1 });
});

it('refuses unknown executors, options and placeholders, naming what is known', async () => {
  await expect(create('my.Executor', {})).rejects.toMatchObject({
    code: 'executor-unknown',
    hint: expect.stringContaining('kmol.run.Executor'),
  });
  await expect(create('mila.executors.Command', {})).rejects.toThrow(/command: missing/);
  await expect(create('kmol.run.Executor', { comand: ['x'] })).rejects.toThrow(/comand/);
  await expect(create('mila_sync.executors.Mnist2NN', { command: ['x'] })).rejects.toThrow(ConfigError);
  const check = async (options: ExecutorOptions) =>
    (await create('mila.executors.Command', { command: [process.execPath], ...options })).check?.();
  for (const [options, meant] of [
    [{ command: [process.execPath, '{configuration}'] }, 'known are {config}, {output}'],
    [{ command: [process.execPath, '--config={confg}'] }, 'did you mean {config}?'],
    [{ command: [process.execPath, '{Output}'] }, 'did you mean {output}?'],
    [{ result_file: '{ouput}/result.json' }, 'executor_options.result_file: {ouput} stands for nothing'],
    [{ evaluate_command: ['x', '{round}'] }, 'executor_options.evaluate_command: {round} stands for nothing'],
  ] as const) {
    await expect(check(options)).rejects.toBeInstanceOf(ConfigError);
    await expect(check(options)).rejects.toThrow(meant);
  }
  const fine = { command: [process.execPath, '{config}', '{"json":1}', '{HOME}', '{}', '{DATA}'] };
  await expect(check(fine)).resolves.toBeUndefined();
  const executor = await create('mila.executors.Command', { command: ['x', '{round_number}'] });
  await expect(executor.train(request())).rejects.toThrow(/\{round_number\} stands for nothing/);
  await expect(executor.train(request())).rejects.not.toThrow(RoundError);
});
