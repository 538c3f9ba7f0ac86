import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MountRig } from '../support/mount-rig.ts';
import { builtProgram } from '../support/programs.ts';

/** Each of these tests starts several programs, one after the other. */
const TIMEOUT_MS = 120_000;

let rig: MountRig;
let key: string;
let secret: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  rig = await MountRig.create();
  key = await readFile(join(rig.folder, 'box.json'), 'utf8');
  // Nothing must find the key where it usually is.
  await rm(join(rig.folder, 'box.json'));
  secret = (JSON.parse(key) as { boxAppSettings: { clientSecret: string } }).boxAppSettings.clientSecret;
  expect(secret.length).toBeGreaterThan(8);
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    const gone = new Promise((resolve) => child.once('close', resolve));
    if (isRunning && child.kill('SIGTERM')) await gone;
  }
  await rig.destroy();
});

/** The configuration of a participant whose key is at `place`. */
async function configure(name: string, place: string, more: object = {}): Promise<void> {
  await rig.configure(name);
  const path = join(rig.folder, `${name}.json`);
  const document = JSON.parse(await readFile(path, 'utf8')) as { box_configuration: object };
  const box_configuration = { ...document.box_configuration, box_configuration_path: place };
  await writeFile(path, JSON.stringify({ ...document, box_configuration, ...more }));
}

interface Running {
  readonly said: () => string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

function run(
  program: 'mila' | 'mila-sync',
  args: readonly string[],
  { input, environment = {} }: { input?: string; environment?: Record<string, string> } = {},
): Running {
  const child = spawn(process.execPath, [builtProgram(program), ...args], {
    cwd: rig.folder,
    env: rig.environment(environment),
  });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  // The pipe stays open, as that of `docker run -i` does.
  if (input === undefined) child.stdin.end();
  else child.stdin.write(input);
  return { said: () => said, child, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** Every file below the test's folder that holds the secret. */
async function filesWithSecret(): Promise<readonly string[]> {
  const entries = await readdir(rig.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) =>
      (await readFile(file, 'latin1').catch(() => '')).includes(secret) ? [file] : [],
    ),
  );
  return found.flat();
}

it('mounts with a key from a variable, and writes it nowhere', { timeout: TIMEOUT_MS }, async () => {
  await configure('server', 'env:BOX_CONFIG_JSON');
  const mount = run('mila-sync', ['mount', 'server.json', '--json', '--verbose'], {
    environment: { BOX_CONFIG_JSON: key },
  });
  await eventually(() => expect(mount.said()).toContain('"event":"ready"'), 60_000);
  mount.child.kill('SIGTERM');
  expect(await mount.ended).toBe(130);
  expect(await filesWithSecret()).toEqual([]);
  expect(mount.said()).not.toContain(secret);
});

it('mounts with a key from a pipe that stays open, and writes it nowhere', {
  timeout: TIMEOUT_MS,
}, async () => {
  await configure('server', '-');
  const piped = run('mila-sync', ['mount', 'server.json', '--json', '--once'], { input: key });
  expect([await piped.ended, piped.said()]).toEqual([0, expect.stringContaining('"event":"ready"')]);
  expect(await filesWithSecret()).toEqual([]);
  expect(piped.said()).not.toContain(secret);
});

it('hands a key from a pipe to a mount in the background', { timeout: TIMEOUT_MS }, async () => {
  await configure('server', '-');
  const detaching = run('mila-sync', ['mount', 'server.json', '--json', '--detach'], { input: key });
  expect([await detaching.ended, detaching.said()]).toEqual([0, expect.stringContaining('"event":"ready"')]);
  const unmounted = await rig.run('unmount', join(rig.folder, 'm-server'));
  expect(unmounted.code).toBe(0);
  expect(await filesWithSecret()).toEqual([]);
  expect(detaching.said()).not.toContain(secret);
});

it('a server hands the key to the mount that it starts, from either place', {
  timeout: TIMEOUT_MS,
}, async () => {
  await writeFile(join(rig.folder, 'task.json'), '{}');
  for (const [place, given] of [
    ['-', { input: key }],
    ['env:BOX_CONFIG_JSON', { environment: { BOX_CONFIG_JSON: key } }],
  ] as const) {
    await configure('server', place, { save_path: 'results' });
    const server = run('mila', ['server', 'server.json', '--mount', '--json'], given);
    await eventually(() => expect(server.said()).toMatch(/"event":"run-(created|resumed)"/), 60_000);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(130);
    expect(server.said()).not.toContain(secret);
  }
  expect(await filesWithSecret()).toEqual([]);
});

it('doctor and setup take the key from a variable, and say in one line that it is missing', {
  timeout: TIMEOUT_MS,
}, async () => {
  await configure('server', 'env:BOX_CONFIG_JSON');
  const environment = { BOX_CONFIG_JSON: key };
  const doctor = run('mila-sync', ['doctor', 'server.json', '--no-write'], { environment });
  await doctor.ended;
  expect(doctor.said()).toMatch(/env:BOX_CONFIG_JSON/);
  expect(doctor.said()).not.toContain(secret);
  for (const command of ['doctor', 'setup', 'mount']) {
    const refused = run('mila-sync', [command, 'server.json']);
    expect([command, await refused.ended]).toEqual([command, 2]);
    expect(refused.said()).toMatch(
      /^error: box_configuration\.box_configuration_path is env:BOX_CONFIG_JSON, but the variable BOX_CONFIG_JSON is not set$/m,
    );
  }
});

it('no training program inherits the variable', { timeout: TIMEOUT_MS }, async () => {
  await mkdir(join(rig.folder, 'shared-drive'));
  await writeFile(join(rig.folder, 'task.json'), '{}');
  const environment = { BOX_CONFIG_JSON: key, OTHER: 'kept' };
  await configure('server', 'env:BOX_CONFIG_JSON', {
    save_path: 'results',
    minimum_clients: 1,
    client_wait_time: 0,
  });
  const seen = join(rig.folder, 'environment.txt');
  await configure('site_a', 'env:BOX_CONFIG_JSON', {
    save_path: 'own',
    executor_type: 'mila.executors.Command',
    executor_options: {
      command: ['sh', '-c', `env > '${seen}.part' && mv '${seen}.part' '${seen}' && exit 1`],
    },
  });
  const [dir, flag] = ['--dir', 'shared-drive'];
  run('mila', ['server', 'server.json', dir, flag, '--json'], { environment });
  const client = run('mila', ['client', 'site_a.json', dir, flag, '--json'], { environment });
  await eventually(() => expect(existsSync(seen), client.said()).toBe(true), 60_000);
  const variables = await readFile(seen, 'utf8');
  expect(variables).toContain('OTHER=kept');
  expect(variables).not.toContain('BOX_CONFIG_JSON');
  expect(variables).not.toContain(secret);
});
