import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MadeRun, makeGoodRun } from '../support/made-run.ts';
import { type Started, startProgram } from '../support/programs.ts';

let parent = '';
const started: Started[] = [];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'live-program-'));
  await makeGoodRun(new MadeRun(join(parent, '2023-01-16_10-11-00')), ['a', 'b'], 2);
});
afterEach(async () => {
  for (const { process: child } of started.splice(0)) child.kill('SIGKILL');
  await rm(parent, { recursive: true, force: true });
});

function inspect(...args: readonly string[]): Started {
  const program = startProgram('mila-sync', ['inspect', ...args]);
  started.push(program);
  return program;
}

it('prints its address once, serves after the end of the run, and ends at Ctrl-C with 130', async () => {
  const folder = join(parent, '2023-01-16_10-11-00');
  const program = inspect(folder, '--serve', '--json');
  const line = await eventually(() => JSON.parse(program.stdout()) as { url: string });
  expect(line).toMatchObject({ event: 'serving', folder, kind: 'run' });
  expect(line.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
  expect(await (await fetch(line.url)).text()).toContain('Finished in 2 min: 2 rounds, 2 sites');
  expect((await fetch(new URL('/', line.url))).status).toBe(404);

  const { port } = new URL(line.url);
  const second = inspect(folder, '--serve', port);
  expect(await second.ended).toBe(4);
  expect(second.stderr()).toMatch(
    new RegExp(`^error: --serve ${port} cannot be listened on: .*\\n {2}Choose another`),
  );
  expect(second.stdout()).toBe('');

  // A stream that somebody reads holds nothing up.
  const stream = await fetch(new URL('events', line.url));
  program.process.kill('SIGINT');
  expect(await program.ended).toBe(130);
  expect(program.stdout().trimEnd().split('\n')).toHaveLength(1);
  await stream.text().catch(() => '');
});

it('serves the list of a folder of runs, and refuses what holds none', async () => {
  const program = inspect(parent, '--serve');
  const url = await eventually(() => /^http:\S+/m.exec(program.stdout())?.[0] ?? expect.fail('not yet'));
  expect(await (await fetch(url)).text()).toContain('href="runs/2023-01-16_10-11-00/"');
  expect((await fetch(new URL('runs/2023-01-16_10-11-00/', url))).status).toBe(200);
  program.process.kill('SIGINT');
  expect(await program.ended).toBe(130);

  const nothing = inspect(join(parent, '2023-01-16_10-11-00', 'rounds'), '--serve');
  expect(await nothing.ended).toBe(4);
  const both = inspect(parent, '--serve', '--html', 'x.html');
  expect(await both.ended).toBe(2);
  const mistaken = inspect('--serve', parent);
  expect(await mistaken.ended).toBe(2);
  expect(mistaken.stderr()).toContain('expected a whole number');
});

it('shows the newest run of a folder of runs, and says so', async () => {
  await makeGoodRun(new MadeRun(join(parent, '2023-01-16_11-11-00')), ['a'], 1);
  const program = inspect(parent);
  expect(await program.ended).toBe(0);
  expect(program.stderr()).toContain('holds 2 runs; the newest is taken: 2023-01-16_11-11-00');
  expect(program.stdout()).toContain('run           2023-01-16_11-11-00');
  const columns = program
    .stdout()
    .split('\n')
    .map((line) => [...line].length);
  expect(Math.max(...columns)).toBeLessThanOrEqual(120);
});
