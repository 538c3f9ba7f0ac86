import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TransientError } from '../../../../src/errors.ts';
import type { FederationEvent } from '../../../../src/fl/round/event.ts';
import type { HttpSend } from '../../../../src/fl/tracking/http-send.ts';
import { startTracking } from '../../../../src/fl/tracking/tracking.ts';
import { History } from '../../../../src/fl/transport/history.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { eventually } from '../../../support/eventually.ts';
import { type FakeMlflow, fakeMlflow } from '../../../support/fake-mlflow.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

let savePath = '';
let mlflow: FakeMlflow;
beforeEach(async () => {
  savePath = await mkdtemp(join(tmpdir(), 'tracking-'));
  mlflow = await fakeMlflow();
});
afterEach(async () => {
  await mlflow.close();
  await rm(savePath, { recursive: true, force: true });
});

const RUN = '2026-01-31_09-15-00';

/** A server's life with its history and its tracking, at a place that may be away. */
function life(name: string | null = null) {
  const clock = new FakeClock();
  const notices: (readonly [string, string | undefined])[] = [];
  const place = { isAway: false, asked: 0 };
  const send: HttpSend = async ({ method, url, headers, body, signal }) => {
    place.asked += 1;
    if (place.isAway) throw new TransientError({ code: 'unreachable', message: 'it is away' });
    const init = { method, headers, signal, ...(body === undefined ? {} : { body }) };
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  };
  const tracking = startTracking({
    targets: [{ type: 'mlflow', uri: mlflow.uri, experiment: 'trial' }],
    savePath,
    name,
    settings: { rounds: '3', aggregator: 'plain' },
    clock,
    send,
    token: null,
    notify: (key, text) => void notices.push([key, text]),
  });
  const folder = join(savePath, RUN, ...(name === null ? [] : [name]));
  const history = new History({ folder, clock, logger: silentLogger });
  const happens = (event: FederationEvent) => {
    history.record(event);
    tracking.observe(event);
  };
  const updated = (round: number) =>
    happens({
      event: 'update-received',
      round,
      participant: 'site_a',
      samples: null,
      metrics: { loss: 1 / round },
      size_bytes: 1,
    });
  const ended = (reason: string, success = false) =>
    happens({ event: 'ended', reason, success, message: '', final_model: null });
  const close = async () => {
    await history.close();
    await tracking.close();
  };
  return { clock, notices, place, happens, updated, ended, close };
}
type Life = ReturnType<typeof life>;

const created: FederationEvent = { event: 'run-created', run: RUN, folder: '' };
const stepsOf = () => mlflow.runs.flatMap(({ metrics }) => metrics.map(({ step }) => step));

/** Move the clock until something holds. */
const untilTrue = ({ clock }: Life, byMs: number, check: () => void) =>
  eventually(async () => {
    await clock.advance(byMs);
    check();
  });

it('brings numbers there while the run goes on, with run, settings and participants', async () => {
  const server = life();
  server.happens(created);
  server.happens({ event: 'registration-closed', participants: ['site_a', 'site_b'] });
  server.updated(1);
  await untilTrue(server, 500, () => expect(stepsOf()).toEqual([1]));
  server.updated(2);
  server.ended('finished', true);
  await server.close();
  expect(stepsOf()).toEqual([1, 2]);
  const [run] = mlflow.runs;
  expect(run?.status).toBe('FINISHED');
  expect(Object.fromEntries(run?.params ?? [])).toEqual({
    run: RUN,
    rounds: '3',
    aggregator: 'plain',
    participants: 'site_a, site_b',
  });
});

it('tells once that a place is away, asks it ever more rarely, and brings all there when it is back', async () => {
  const server = life();
  server.place.isAway = true;
  server.happens(created);
  for (const round of [1, 2, 3]) {
    server.updated(round);
    await untilTrue(server, 60_000, () => expect(server.place.asked).toBeGreaterThanOrEqual(round));
  }
  const askedBefore = server.place.asked;
  await server.clock.advance(600_000);
  expect(server.place.asked - askedBefore).toBeLessThan(8);
  expect(server.notices).toHaveLength(1);
  expect(server.notices[0]?.[1]).toMatch(/numbers do not reach MLflow: it is away/);
  server.place.isAway = false;
  await untilTrue(server, 60_000, () => expect(stepsOf()).toEqual([1, 2, 3]));
  await untilTrue(server, 0, () => expect(server.notices[1]).toEqual(['tracking.0', undefined]));
  await server.close();
  expect(mlflow.runs).toHaveLength(1);
});

it('goes on in the same run at MLflow after a restart, and that run stays open until then', async () => {
  const first = life();
  first.happens(created);
  first.updated(1);
  await first.close();
  expect(mlflow.runs[0]?.status).toBe('RUNNING');
  const second = life();
  second.happens({ event: 'run-resumed', run: RUN, folder: '' });
  second.updated(2);
  second.ended('stopped-by-user');
  await second.close();
  expect(stepsOf()).toEqual([1, 2]);
  expect(mlflow.runs.map(({ status }) => status)).toEqual(['KILLED']);
});

it('leaves a place that is away after ten seconds at the end, and says so', async () => {
  const server = life();
  server.place.isAway = true;
  server.happens(created);
  server.updated(1);
  server.ended('failed');
  let isClosed = false;
  const closing = server.close().then(() => {
    isClosed = true;
  });
  await untilTrue(server, 1_000, () => expect(server.place.asked).toBeGreaterThan(2));
  await untilTrue(server, 1_000, () => expect(isClosed).toBe(true));
  await closing;
  expect(server.notices.at(-1)?.[1]).toMatch(/not all numbers of run .* reached MLflow.*mila-sync export/);
});

it('does not wait for a place that is away where the run goes on later', async () => {
  const server = life();
  server.place.isAway = true;
  server.happens(created);
  server.updated(1);
  await server.close();
  expect(server.notices.at(-1)?.[1]).toMatch(/the next start brings them there/);
});

it('tracks a client by its own name, and closes a run that it left for a newer one', async () => {
  const client = life('site_a');
  client.happens({ event: 'run-joined', run: RUN, folder: '' });
  client.happens({ event: 'trained', round: 1, samples: 10, metrics: { loss: 0.5 }, seconds: 2 });
  await untilTrue(client, 500, () => expect(stepsOf()).toHaveLength(3));
  client.happens({ event: 'run-joined', run: '2026-02-01_00-00-00', folder: '' });
  await client.close();
  expect(mlflow.runs.map(({ name, status }) => [name, status])).toEqual([
    [`${RUN} site_a`, 'KILLED'],
    ['2026-02-01_00-00-00 site_a', 'RUNNING'],
  ]);
  expect(mlflow.runs[0]?.metrics.map(({ key }) => key).sort()).toEqual([
    'loss/site_a',
    'samples/site_a',
    'training_seconds/site_a',
  ]);
});
