import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { runFederationClient } from '../../src/fl/client.ts';
import { loadClientConfiguration } from '../../src/fl/config/client-configuration.ts';
import { loadServerConfiguration } from '../../src/fl/config/server-configuration.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import { runFederationServer } from '../../src/fl/server.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';
import { copyNumber, numberAggregator, numberExecutor } from '../support/federation.ts';
import { BoxStage, type MountedSite } from '../support/mounted-federation.ts';

const ROUNDS = 2;

let stage: BoxStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const common = { clock: systemClock(), logger: silentLogger };

async function serve(path: string, site: MountedSite, onEvent: (event: FederationEvent) => void) {
  const { configuration } = await loadServerConfiguration(path);
  const never = new AbortController().signal;
  return runFederationServer({
    ...configuration,
    ...common,
    session: 'mounted',
    resume: 'auto',
    workdir: site.opened.workdir,
    random: systemRandom(),
    aggregator: numberAggregator,
    inspect: async () => null,
    stripStartPoint: async () => {},
    onEvent,
    stop: never,
    park: never,
  });
}

async function takePart(path: string, site: MountedSite, step: number) {
  const { configuration } = await loadClientConfiguration(path);
  return runFederationClient({
    ...configuration,
    ...common,
    run: null,
    workdir: site.opened.workdir,
    executor: numberExecutor(step),
    copyModel: copyNumber,
    onEvent: () => {},
    signal: new AbortController().signal,
  });
}

it.each([2, 5, 20])(
  '%i clients, each on a mount of its own, take part in one run through Box',
  {
    timeout: 180_000,
  },
  async (count) => {
    const box = await BoxStage.open();
    stage = box;
    const events: FederationEvent[] = [];
    const serverPath = await box.configure('server', {
      rounds_count: ROUNDS,
      minimum_clients: count,
      maximum_clients: count,
      client_wait_time: 0,
      heartbeat_timeout: 120,
    });
    const server = await box.mount(serverPath);
    const names = Array.from({ length: count }, (_, index) => `site_${index}`);
    const paths = await Promise.all(names.map((name) => box.configure(name, { heartbeat_frequency: 30 })));
    const sites = await Promise.all(paths.map((path) => box.mount(path)));
    const [outcome, ...clients] = await Promise.all([
      serve(serverPath, server, (event) => void events.push(event)),
      ...sites.map((site, index) => takePart(paths[index] ?? '', site, index)),
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(clients.map(({ ending }) => ending?.kind)).toEqual(names.map(() => 'finished'));
    // Each adds its number to the mean of all: after two rounds that is twice the mean.
    const mean = (count - 1) / 2;
    for (const site of sites) {
      const final = join(site.root, outcome.run, 'rounds', `round_${ROUNDS + 1}`, 'server.agg');
      expect(Number(await readFile(final, 'utf8'))).toBe(ROUNDS * mean);
    }
    // Box told whose each file is: nobody was mistaken for anybody else.
    expect(events.filter(({ event }) => event === 'foreign-file' || event === 'participant-lost')).toEqual(
      [],
    );
  },
);
