import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpClient, httpClient } from '../../../../src/cli/http-send.ts';
import { MetricsTail } from '../../../../src/fl/tracking/metrics-tail.ts';
import { MlflowApi } from '../../../../src/fl/tracking/mlflow-api.ts';
import { mlflowKey, mlflowParams } from '../../../../src/fl/tracking/mlflow-limits.ts';
import { MlflowTracker } from '../../../../src/fl/tracking/mlflow-tracker.ts';
import { type FakeMlflow, fakeMlflow } from '../../../support/fake-mlflow.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

let folder = '';
let mlflow: FakeMlflow;
let client: HttpClient;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlflow-'));
  mlflow = await fakeMlflow();
  client = httpClient({});
});
afterEach(async () => {
  await client.close();
  await mlflow.close();
  await rm(folder, { recursive: true, force: true });
});

const RUN = '2026-01-31_09-15-00';
const { signal } = new AbortController();

function newTracker(params: Record<string, string> = {}, token: string | null = null): MlflowTracker {
  const api = new MlflowApi({ uri: `${mlflow.uri}/`, token, send: client.send });
  return new MlflowTracker({
    api,
    uri: mlflow.uri,
    experiment: 'trial',
    folder,
    run: RUN,
    participant: 'server',
    tail: new MetricsTail(join(folder, 'metrics.jsonl')),
    clock: new FakeClock(),
    params: () => params,
  });
}

/** metrics.jsonl with some rounds of some participants. */
async function measured(rounds: number, participants = 2): Promise<void> {
  const lines = Array.from({ length: rounds * participants }, (_, index) => {
    const round = Math.floor(index / participants) + 1;
    const at = new Date(Date.UTC(2026, 0, 31) + index * 1_000).toISOString();
    return JSON.stringify({
      at,
      round,
      participant: `site_${index % participants}`,
      metrics: { loss: 1 / round },
    });
  });
  await writeFile(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
}

const logged = () => mlflow.runs.map(({ metrics }) => metrics.map(({ key, step }) => `${step} ${key}`));
const lossOf = (rounds: number) =>
  Array.from({ length: rounds }, (_, index) => [
    `${index + 1} loss/site_0`,
    `${index + 1} loss/site_1`,
  ]).flat();

describe('a run at MLflow', () => {
  it('is one run with name, parameters and every number once, over several lives', async () => {
    for (const rounds of [1, 2, 3]) {
      await measured(rounds);
      const tracker = newTracker({ run: RUN, rounds: '3', participants: 'site_0, site_1' });
      await tracker.catchUp(signal);
      await tracker.catchUp(signal);
    }
    expect(logged()).toEqual([lossOf(3)]);
    const [run] = mlflow.runs;
    expect(run?.name).toBe(RUN);
    expect(Object.fromEntries(run?.params ?? [])).toEqual({
      run: RUN,
      rounds: '3',
      participants: 'site_0, site_1',
    });
    expect(mlflow.calls.filter(({ path }) => path === 'runs/create')).toHaveLength(1);
  });

  it('holds nothing twice where an answer was lost, be it of its making or of a batch', async () => {
    await measured(2);
    mlflow.faults.set('runs/create', ['lost']);
    mlflow.faults.set('runs/log-batch', [503, 'lost']);
    const tracker = newTracker();
    for (let failures = 0; failures < 3; failures += 1)
      await expect(tracker.catchUp(signal)).rejects.toMatchObject({ name: 'TransientError' });
    await tracker.catchUp(signal);
    expect(logged()).toEqual([lossOf(2)]);
  });

  it('is gone on with after a death between a batch and its note', async () => {
    await measured(1);
    await newTracker().catchUp(signal);
    const names = (await readdir(folder)).filter((name) => name.startsWith('mlflow-'));
    const path = join(folder, names[0] ?? '');
    const before = await readFile(path, 'utf8');
    await measured(2);
    await newTracker().catchUp(signal);
    await writeFile(path, before);
    await measured(3);
    await newTracker().catchUp(signal);
    expect(names).toHaveLength(1);
    expect(logged()).toEqual([lossOf(3)]);
  });

  it('tells how it ended, and runs again where it is resumed', async () => {
    await measured(1);
    const tracker = newTracker();
    await tracker.finish('FAILED', signal);
    expect(mlflow.runs[0]?.status).toBe('FAILED');
    await newTracker().catchUp(signal);
    expect(mlflow.runs[0]?.status).toBe('RUNNING');
    await newTracker().finish('FINISHED', signal);
    expect(mlflow.runs.map(({ status }) => status)).toEqual(['FINISHED']);
  });

  it('keeps within the limits of a request', async () => {
    await measured(3, 1_500);
    const many = Object.fromEntries(
      Array.from({ length: 250 }, (_, index) => [`p${index}`, 'x'.repeat(9_000)]),
    );
    await newTracker(many).catchUp(signal);
    expect(mlflow.runs[0]?.metrics).toHaveLength(4_500);
    expect(mlflow.runs[0]?.params.size).toBe(250);
  });

  it('gets its numbers also where a parameter was told before with another value', async () => {
    await measured(1);
    await newTracker({ rounds: '3' }).catchUp(signal);
    const [name] = (await readdir(folder)).filter((each) => each.startsWith('mlflow-'));
    const path = join(folder, name ?? '');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"rounds"', ''));
    await measured(2);
    await newTracker({ rounds: '5' }).catchUp(signal);
    expect(mlflow.runs[0]?.params.get('rounds')).toBe('3');
    expect(logged()).toEqual([lossOf(2)]);
  });

  it('begins again where somebody removed it', async () => {
    await measured(2);
    await newTracker({ rounds: '3' }).catchUp(signal);
    mlflow.runs.splice(0);
    await newTracker({ rounds: '3' }).catchUp(signal);
    expect(logged()).toEqual([lossOf(2)]);
    expect(mlflow.runs[0]?.params.get('rounds')).toBe('3');
  });

  it('is asked for with the token, which no error tells', async () => {
    await measured(1);
    await newTracker({}, 'secret-token').catchUp(signal);
    expect(new Set(mlflow.calls.map(({ token }) => token))).toEqual(new Set(['Bearer secret-token']));
    mlflow.faults.set('runs/get', [401]);
    const error: unknown = await newTracker({}, 'secret-token')
      .catchUp(signal)
      .catch((caught) => caught);
    expect(error).toMatchObject({
      name: 'AuthError',
      hint: expect.stringContaining('MLFLOW_TRACKING_TOKEN'),
    });
    expect(JSON.stringify([String(error), error])).not.toContain('secret-token');
  });
});

describe('what MLflow takes', () => {
  it.each([
    ['loss/site_a', 'loss/site_a'],
    ['a//b/site', 'a/_/b/site'],
    ['../x/site', '_/x/site'],
    ['./Zoë', '_/Zoë'],
    ['a,b', 'a_b'],
  ])('has %j as the key %j', (text, key) => {
    expect(mlflowKey(text)).toBe(key);
  });

  it('has long values cut', () => {
    expect(mlflowParams({ a: 'x'.repeat(501) })[0]?.value).toBe(`${'x'.repeat(499)}…`);
  });
});
