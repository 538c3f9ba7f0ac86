import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { BoxStage } from '../support/mounted-federation.ts';
import { type Started, startProgram } from '../support/programs.ts';

/** A mount tries for some twenty seconds before it gives up. */
const OUTAGE_MS = 90_000;

let box: BoxStage;
const programs: Started[] = [];
beforeEach(async () => {
  box = await BoxStage.open();
});
afterEach(async () => {
  for (const each of programs.splice(0)) each.process.kill('SIGKILL');
  await box.close();
});

function start(role: 'server' | 'client', path: string): Started {
  const started = startProgram('mila', [role, path, '--mount'], { environment: { NO_PROXY: '127.0.0.1' } });
  programs.push(started);
  return started;
}

/** Box is somewhere else for every program that starts from now on: nobody answers there. */
async function withoutBox(): Promise<void> {
  const path = join(box.folder, 'box.json');
  const { port } = new URL(box.emulator.url);
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll(`:${port}`, ':9'));
}

const CLIENT = { executor_type: 'mila.executors.Command', executor_options: { command: ['true'] } };

it('a client that starts for the first time while Box is out of reach says so, and tries again until it is told to stop', {
  timeout: 2 * OUTAGE_MS,
}, async () => {
  const path = await box.configure('first', CLIENT);
  await withoutBox();
  const client = start('client', path);
  await eventually(
    () => expect(client.stderr()).toMatch(/the mount cannot start: No answer from .*; trying again/s),
    OUTAGE_MS,
  );
  client.process.kill('SIGINT');
  expect(await client.ended, client.stderr()).toBe(130);
});

it('a client that is started again while Box is out of reach goes on with what is on its disk', {
  timeout: 3 * OUTAGE_MS,
}, async () => {
  const server = start('server', await box.configure('server', { minimum_clients: 2 }));
  const path = await box.configure('first', CLIENT);
  const before = start('client', path);
  await eventually(() => expect(before.stderr()).toContain('the server admitted first'), OUTAGE_MS);
  for (const each of [before, server]) {
    each.process.kill('SIGINT');
    expect(await each.ended, each.stderr()).toBe(130);
  }
  await withoutBox();
  const after = start('client', path);
  await eventually(() => {
    expect(after.stderr()).toContain('taking part in run');
    expect(after.stderr()).toMatch(/No answer from .*the mount is started again/s);
  }, OUTAGE_MS);
  after.process.kill('SIGINT');
  expect(await after.ended, after.stderr()).toBe(130);
});
