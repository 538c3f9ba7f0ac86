import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { runFederationClient } from '../../src/fl/client.ts';
import { loadClientConfiguration } from '../../src/fl/config/client-configuration.ts';
import { loadServerConfiguration } from '../../src/fl/config/server-configuration.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import { runFolderName, runPaths } from '../../src/fl/round/run-folder.ts';
import { runFederationServer } from '../../src/fl/server.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';
import { eventually } from '../support/eventually.ts';
import { copyNumber, numberAggregator, numberExecutor } from '../support/federation.ts';
import { BoxStage, type MountedSite } from '../support/mounted-federation.ts';

let stage: BoxStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const common = { clock: systemClock(), logger: silentLogger };

async function put(site: MountedSite, path: string, content: string): Promise<void> {
  const full = join(site.root, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
}

it('an account of the folder that takes no part changes nothing of a run in Box, and is told of', {
  timeout: 120_000,
}, async () => {
  const box = await BoxStage.open();
  stage = box;
  const serverPath = await box.configure('server', {
    rounds_count: 2,
    minimum_clients: 1,
    maximum_clients: 1,
    client_wait_time: 0,
    heartbeat_timeout: 120,
  });
  const server = await box.mount(serverPath);
  const clientPath = await box.configure('site', { heartbeat_frequency: 30 });
  const client = await box.mount(clientPath);
  const outsider = await box.mount(await box.configure('outsider', { heartbeat_frequency: 30 }));
  const events: (FederationEvent & { who: string })[] = [];
  const heardOf = (who: string, path: string) =>
    events.some((event) => event.who === who && event.event === 'foreign-file' && event.path === path);
  const trained: number[] = [];
  const executor = numberExecutor(1, async ({ round, configurationPath, configuration }) => {
    trained.push(round);
    expect(configuration).not.toHaveProperty('evil');
    const run = configurationPath.split('/').at(-3) ?? '';
    const lost = runPaths.lost(run, 'site');
    const forged: readonly (readonly [string, string])[] = [
      [runPaths.aggregate(run, round), '1000'],
      [runPaths.aggregate(run, round + 2), '1000'],
      [runPaths.ended(run), 'Training stop by user\n1.0'],
      [lost, 'lost connection on round 1'],
      [runPaths.task(run), '{"evil": true}'],
      [runPaths.settings(run), '{"heartbeat_timeout": 1}'],
      [runPaths.serverMeta(run, round + 1), '{"final": true}'],
      [runPaths.task('2099-01-01_00-00-00'), '{"evil": true}'],
    ];
    await eventually(() => readFile(join(outsider.root, runPaths.task(run))));
    for (const [path, content] of forged) await put(outsider, path, content);
    // The training goes on only when everybody has seen it.
    await eventually(async () => {
      expect(heardOf('site', lost)).toBe(true);
      expect(heardOf('server', runPaths.ended(run))).toBe(true);
      expect(heardOf('server', runPaths.task(run))).toBe(true);
      expect(await readFile(join(outsider.root, runPaths.task(run)), 'utf8')).not.toContain('evil');
    });
  });
  const never = new AbortController().signal;
  const { configuration: serverConfiguration } = await loadServerConfiguration(serverPath);
  const { configuration: clientConfiguration } = await loadClientConfiguration(clientPath);
  const [outcome, taken] = await Promise.all([
    runFederationServer({
      ...serverConfiguration,
      ...common,
      session: 'mounted',
      resume: 'auto',
      workdir: server.opened.workdir,
      random: systemRandom(),
      aggregator: numberAggregator,
      inspect: async () => null,
      stripStartPoint: async () => {},
      onEvent: (event) => void events.push({ ...event, who: 'server' }),
      stop: never,
      park: never,
    }),
    runFederationClient({
      ...clientConfiguration,
      ...common,
      run: null,
      serverAccount: box.emulator.serviceAccountId,
      workdir: client.opened.workdir,
      executor,
      copyModel: copyNumber,
      onEvent: (event) => void events.push({ ...event, who: 'site' }),
      signal: never,
    }),
  ]);
  expect(outcome.run <= runFolderName(Date.now())).toBe(true);
  expect(outcome.ending?.kind).toBe('finished');
  expect(taken.ending).toMatchObject({ kind: 'finished', finalRound: 3 });
  expect(trained).toEqual([1, 2]);
  expect(await readFile(outcome.finalModel ?? '', 'utf8')).toBe('2');
  expect(await readFile(join(client.root, runPaths.aggregate(outcome.run, 3)), 'utf8')).toBe('2');
  const task = JSON.parse(await readFile(join(server.root, runPaths.task(outcome.run)), 'utf8'));
  expect(task).toEqual({ epochs: 1 });
});
