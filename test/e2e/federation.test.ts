import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { eventually } from '../support/eventually.ts';
import { BOX, BoxStage } from '../support/mounted-federation.ts';
import { childrenOf, type Started, startProgram } from '../support/programs.ts';

const LIVES_MAX = 8;

let box: BoxStage;
const programs: Started[] = [];
beforeEach(async () => {
  box = await BoxStage.open();
  const bytes = new Uint8Array(new Float32Array(300_000).fill(2).buffer);
  const model = new Map([['w', { dtype: 'float32' as const, shape: [300_000], bytes }]]);
  await writeStateDict(join(box.folder, 'init.pt'), model);
  await writeFile(
    join(box.folder, 'train.mjs'),
    `import { copyFileSync, appendFileSync } from 'node:fs';
     const [model, output, log] = process.argv.slice(2);
     appendFileSync(log, 'trained\\n');
     await new Promise((resolve) => setTimeout(resolve, 700));
     copyFileSync(model, output + '/model.pt');`,
  );
});
afterEach(async () => {
  for (const each of programs.splice(0)) each.process.kill('SIGKILL');
  await box.close();
});

interface Life {
  readonly ended: number | string;
  readonly events: readonly { readonly event: string; readonly round?: number }[];
  readonly stderr: string;
}

/** Whom to kill without warning when this life tells of an event: the program, or its mount. */
interface Blow {
  readonly at: string;
  readonly whom: 'program' | 'mount';
}

interface Inspected {
  readonly irregularities: readonly { readonly code: string; readonly message: string }[];
  readonly server: { readonly absences: readonly { readonly how: string }[] };
  readonly participants: readonly { readonly name: string; readonly absences: readonly unknown[] }[];
}

/** One life of a program on a mount of its own; it ends by itself or by a blow. */
async function live(role: 'server' | 'client', path: string, blows: Blow[]): Promise<Life> {
  const started = startProgram('mila', [role, path, '--mount', '--json'], {
    environment: { NO_PROXY: '127.0.0.1' },
  });
  programs.push(started);
  const events: { event: string }[] = [];
  const output = started.process.stdout;
  if (output !== null)
    createInterface({ input: output }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string };
      events.push(event);
      const blow = blows[0];
      if (blow === undefined || event.event !== blow.at) return;
      blows.shift();
      const mounts = childrenOf(started.pid).filter(({ command }) => command.includes('mila-sync'));
      for (const pid of blow.whom === 'program' ? [started.pid] : mounts.map((each) => each.pid))
        process.kill(pid, 'SIGKILL');
    });
  const ended = await started.ended;
  return { ended, events, stderr: started.stderr() };
}

async function liveOn(role: 'server' | 'client', path: string, blows: Blow[]): Promise<readonly Life[]> {
  const lives: Life[] = [];
  while (lives.length < LIVES_MAX) {
    const life = await live(role, path, blows);
    lives.push(life);
    if (life.ended !== 'SIGKILL') return lives;
  }
  throw new Error(`no end after ${LIVES_MAX} lives`);
}

async function configureClient(name: string): Promise<string> {
  return box.configure(name, {
    heartbeat_frequency: 5,
    executor_type: 'mila.executors.Command',
    executor_options: {
      command: [
        process.execPath,
        join(box.folder, 'train.mjs'),
        join(box.folder, 'init.pt'),
        '{output}',
        join(box.folder, `${name}.log`),
      ],
    },
  });
}

it('B0: both programs start, and say what they can do', async () => {
  for (const [program, command] of [
    ['mila', 'server'],
    ['mila', 'client'],
    ['mila-sync', 'mount'],
  ] as const) {
    const started = startProgram(program, [command, '--help']);
    expect(await started.ended, started.stderr()).toBe(0);
    expect(started.stdout()).toContain(`Usage: ${program} ${command}`);
  }
});

it('--mount takes no plain folder, and tells how to start a mount where none runs', async () => {
  const path = await box.configure('server', {});
  const both = startProgram('mila', ['server', path, '--mount', '--dir', box.folder]);
  expect(await both.ended).toBe(2);
  expect(both.stderr()).toMatch(/give it or --mount, not both/);
  const neither = startProgram('mila', ['server', path]);
  expect(await neither.ended).toBe(4);
  expect(neither.stderr()).toContain(`mila-sync mount ${path}`);
});

it.each(['server', 'client'] as const)(
  'a %s whose mount Box does not let in ends with its words',
  async (role) => {
    const name = role === 'server' ? 'server' : 'first';
    const path = await box.configure(
      name,
      role === 'server' ? {} : { executor_type: 'mila.executors.Command' },
    );
    const configuration = JSON.parse(await readFile(path, 'utf8')) as { box_configuration: object };
    configuration.box_configuration = { ...configuration.box_configuration, shared_dir_name: 'elsewhere' };
    const keys = role === 'client' ? { executor_options: { command: ['true'] } } : {};
    await writeFile(path, JSON.stringify({ ...configuration, ...keys }));
    const refused = startProgram('mila', [role, path, '--mount']);
    programs.push(refused);
    expect(await refused.ended, refused.stderr()).toBe(3);
    expect(refused.stderr()).toContain('starting the mount at ');
    expect(refused.stderr()).toContain('error: no folder elsewhere is shared with ');
    expect(refused.stderr()).toContain('mila-sync doctor CONFIG');
    expect(refused.stderr()).not.toContain('last words');
  },
);

it('a client whose server has not made the folder yet waits for a run', async () => {
  const early = startProgram('mila', ['client', await configureClient('early'), '--mount']);
  programs.push(early);
  await eventually(() => expect(early.stderr()).toContain('waiting for a run in'), 20_000);
  expect(early.stderr()).not.toContain('about to start');
  early.process.kill('SIGINT');
  expect(await early.ended, early.stderr()).toBe(130);
});

it('a run through Box survives the death of its server, a client and their mounts, and nothing is trained twice', {
  timeout: 240_000,
}, async () => {
  const serverPath = await box.configure('server', {
    rounds_count: 3,
    minimum_clients: 2,
    maximum_clients: 2,
    client_wait_time: 0,
    heartbeat_timeout: 120,
  });
  const serverBlows: Blow[] = [
    { at: 'update-received', whom: 'mount' },
    { at: 'aggregated', whom: 'program' },
  ];
  const clientBlows: Blow[] = [
    { at: 'trained', whom: 'mount' },
    { at: 'uploaded', whom: 'program' },
    { at: 'trained', whom: 'program' },
  ];
  const [server, first, second] = await Promise.all([
    liveOn('server', serverPath, serverBlows),
    liveOn('client', await configureClient('first'), clientBlows),
    liveOn('client', await configureClient('second'), []),
  ]);
  const last = [server, first, second].map((lives) => lives.at(-1));
  expect(
    last.map((life) => life?.ended),
    last.map((life) => life?.stderr).join('\n'),
  ).toEqual([0, 0, 0]);
  expect([...serverBlows, ...clientBlows]).toEqual([]);
  expect(server.flatMap(({ events }) => events).map(({ event }) => event)).not.toContain('participant-lost');
  // It was followed on its way into Box, and delivered only once it was there.
  expect(second.flatMap(({ events }) => events).map(({ event }) => event)).toContain('uploading');
  const folder = join(box.folder, 'second', 'mount', BOX.folderName, BOX.savePath);
  const [run = '', ...others] = await readdir(folder);
  expect(others).toEqual([]);
  const final = await readStateDict(join(folder, run, 'rounds', 'round_4', 'server.agg'));
  expect(new Float32Array(new Uint8Array(final.get('w')?.bytes ?? []).buffer)[299_999]).toBe(2);
  const trainings = (await readFile(join(box.folder, 'first.log'), 'utf8')).trim().split('\n');
  expect(trainings).toHaveLength(3);
  // Whoever looks at the run afterwards sees who was cut short, and nobody else.
  const all = join(box.folder, 'server', 'mount', BOX.folderName, BOX.savePath);
  const inspected = startProgram('mila-sync', ['inspect', join(all, run), '--json']);
  expect(await inspected.ended).toBe(0);
  const { irregularities, server: told, participants } = JSON.parse(inspected.stdout()) as Inspected;
  const killed = irregularities.filter(({ code }) => code === 'was-killed').map(({ message }) => message);
  expect(killed.filter((message) => message.startsWith('the server was cut short')).length).toBe(1);
  expect(killed.filter((message) => message.startsWith('"first" was cut short')).length).toBe(
    killed.length - 1,
  );
  expect(told.absences.map(({ how }) => how)).toEqual(['killed']);
  const absencesOf = (name: string) => participants.find((each) => each.name === name)?.absences ?? [];
  expect(absencesOf('first').length).toBeGreaterThan(0);
  expect(absencesOf('second')).toEqual([]);
});
