import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { httpClient } from '../../src/cli/http-send.ts';
import { lookAtRun } from '../../src/cli/look-at-run.ts';
import { systemClock } from '../../src/clock.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import { inspectedMeasurements } from '../../src/fl/tracking/inspected-measurements.ts';
import { MetricsTail } from '../../src/fl/tracking/metrics-tail.ts';
import { Points, type TimedMeasurement } from '../../src/fl/tracking/point.ts';
import { eventFileOf } from '../../src/fl/tracking/tensorboard-tracker.ts';
import { startTracking, type Tracking } from '../../src/fl/tracking/tracking.ts';
import { type FakeMlflow, fakeMlflow } from '../support/fake-mlflow.ts';
import { Playground } from '../support/federation.ts';

let ground: Playground;
let mlflow: FakeMlflow;
const client = httpClient({});
beforeEach(async () => {
  ground = await Playground.open();
  mlflow = await fakeMlflow();
});
afterEach(async () => {
  await mlflow.close();
  await ground.close();
});

const trackingOf = (name: string | null, savePath: string): Tracking =>
  startTracking({
    targets: [
      { type: 'tensorboard', directory: null },
      { type: 'mlflow', uri: mlflow.uri, experiment: 'trial' },
    ],
    savePath,
    name,
    settings: {},
    clock: systemClock(),
    send: client.send,
    token: null,
    notify: (_, text) => expect(text).toBeUndefined(),
  });

async function readAll(path: string): Promise<readonly TimedMeasurement[]> {
  const part = await new MetricsTail(path).next();
  return part?.measurements ?? [];
}

function pointsOf(measurements: readonly TimedMeasurement[], self: string): readonly string[] {
  const points = new Points(self);
  return measurements
    .flatMap((each) => points.of(each))
    .map(({ tag, step, value }) => `${step} ${tag} ${value}`)
    .sort();
}

/** Everybody with a tracking of their own; the server is started anew in the middle. */
async function trackedRun(): Promise<string> {
  const park = new AbortController();
  const serverPath = join(ground.root, 'server-results');
  const server = async (signal?: AbortSignal) => {
    const tracking = trackingOf(null, serverPath);
    const onEvent = (event: FederationEvent) => {
      tracking.observe(event);
      if (event.event === 'aggregated' && event.round === 1) park.abort();
    };
    const outcome = await ground.server({ onEvent, ...(signal === undefined ? {} : { park: signal }) });
    await tracking.close();
    return outcome;
  };
  const site = async (name: string) => {
    const tracking = trackingOf(name, join(ground.root, `client-${name}`));
    await ground.client(name, { onEvent: (event) => tracking.observe(event) });
    await tracking.close();
  };
  const sites = [site('site_a'), site('Zoë')];
  await server(park.signal);
  const { run } = await server();
  await Promise.all(sites);
  return run;
}

it('a federation’s numbers stand once at every place, over a restart of the server, and an export has the same', async () => {
  const run = await trackedRun();
  const homes: readonly (readonly [self: string, folder: string])[] = [
    ['server', join(ground.root, 'server-results', run)],
    ['site_a', join(ground.root, 'client-site_a', run, 'site_a')],
    ['Zoë', join(ground.root, 'client-Zoë', run, 'zoë')],
  ];
  for (const [self, folder] of homes) {
    const kept = await readAll(join(folder, 'metrics.jsonl'));
    expect(kept.length).toBeGreaterThan(2);
    const names = await readdir(join(folder, 'tensorboard'));
    expect(names).toHaveLength(1);
    const bytes = await readFile(join(folder, 'tensorboard', names[0] ?? ''));
    expect(bytes.equals(eventFileOf(kept, self))).toBe(true);
    const name = self === 'server' ? run : `${run} ${self}`;
    const there = mlflow.runs.filter((each) => each.name === name);
    expect(there.map(({ status }) => status)).toEqual(['FINISHED']);
    const sent = there.flatMap(({ metrics }) =>
      metrics.map(({ key, step, value }) => `${step} ${key} ${value}`),
    );
    expect([...sent].sort()).toEqual(pointsOf(kept, self));
  }
  const shared = join(ground.shared, run);
  const { inspection } = await lookAtRun(shared, { clock: systemClock(), checkpoints: 'none' });
  const serverKept = await readAll(join(ground.root, 'server-results', run, 'metrics.jsonl'));
  // A site's own time of training stands beside its update, and is none of the server's numbers.
  const exported = pointsOf(inspectedMeasurements(inspection), 'server').filter(
    (point) => !point.includes('training_seconds'),
  );
  expect(exported).toEqual(pointsOf(serverKept, 'server'));
}, 60_000);
