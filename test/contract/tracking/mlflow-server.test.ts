import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpClient } from '../../../src/cli/http-send.ts';
import { lookAtRun } from '../../../src/cli/look-at-run.ts';
import { systemClock } from '../../../src/clock.ts';
import { inspectedMeasurements } from '../../../src/fl/tracking/inspected-measurements.ts';
import { MetricsTail } from '../../../src/fl/tracking/metrics-tail.ts';
import { MlflowApi } from '../../../src/fl/tracking/mlflow-api.ts';
import { exportToMlflow } from '../../../src/fl/tracking/mlflow-export.ts';
import { MlflowTracker } from '../../../src/fl/tracking/mlflow-tracker.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../support/made-run.ts';
import { hasTracker, type MlflowServer, startMlflow } from '../../support/tracking-peers.ts';

const { signal } = new AbortController();
const START_MAX_MS = 150_000;

describe.skipIf(!hasTracker('mlflow'))(
  'a real MLflow server (skipped where it is not installed: npm run python-peers)',
  () => {
    const client = httpClient({});
    let folder = '';
    let server: MlflowServer;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mlflow-real-'));
      server = await startMlflow(folder);
    }, START_MAX_MS);
    afterAll(async () => {
      await server?.close();
      await client.close();
      await rm(folder, { recursive: true, force: true });
    });

    const line = (round: number, metrics: object) =>
      `${JSON.stringify({ at: new Date(Date.UTC(2026, 0, 31, 9, round)), round, participant: 'Zoë 1', metrics })}\n`;
    const newTracker = (params: Record<string, string>) => {
      const api = new MlflowApi({ uri: server.uri, token: null, send: client.send });
      const tail = new MetricsTail(join(folder, 'metrics.jsonl'));
      const clock = systemClock();
      const place = { api, uri: server.uri, experiment: "trial's", folder, tail, clock };
      return new MlflowTracker({ ...place, run: 'a run', participant: 'server', params: () => params });
    };

    it('takes run, parameters, odd names of metrics and the end, each number once over several lives', async () => {
      const params = { run: 'a run', participants: 'x'.repeat(20_000) };
      const lines = [1, 2, 3].map((round) =>
        line(round, { loss: 1 / round, 'a//b': round, '../c:d': 1e300 }),
      );
      for (const count of [1, 2, 3]) {
        await writeFile(join(folder, 'metrics.jsonl'), lines.slice(0, count).join(''));
        const tracker = newTracker(params);
        await (count === 3 ? tracker.finish('FINISHED', signal) : tracker.finish('KILLED', signal));
      }
      const { experiment } = await server.ask("experiments/get-by-name?experiment_name=trial's");
      const { experiment_id } = experiment as { experiment_id: string };
      const { runs } = await server.ask('runs/search', { experiment_ids: [experiment_id] });
      expect(runs).toHaveLength(1);
      const [run] = runs as {
        info: Record<string, unknown>;
        data: Record<string, { key: string; value: unknown }[]>;
      }[];
      expect(run?.info).toMatchObject({ run_name: 'a run', status: 'FINISHED' });
      expect(run?.data['params']?.map(({ key }) => key).sort()).toEqual(['participants', 'run']);
      for (const key of ['loss/Zoë 1', 'a/_/b/Zoë 1', '_/c:d/Zoë 1']) {
        const query = `run_id=${run?.info['run_id']}&metric_key=${encodeURIComponent(key)}`;
        const { metrics } = await server.ask(`metrics/get-history?${query}`);
        expect(metrics, key).toHaveLength(3);
        expect((metrics as { step: number }[]).map(({ step }) => Number(step)).sort()).toEqual([1, 2, 3]);
      }
    });

    it('takes an export of a run folder once, whatever the times of its files', async () => {
      const run = join(folder, '2026-01-31_09-15-00');
      await makeGoodRun(new MadeRun(run), ['site_a', 'Zoë'], 2);
      const seconds = MADE_AT_MS / 1000 + 70.1234567;
      await utimes(join(run, 'rounds/round_1/site_a.pt'), seconds, seconds);
      const { inspection } = await lookAtRun(run, { clock: systemClock(), checkpoints: 'none' });
      const measurements = inspectedMeasurements(inspection);
      const api = new MlflowApi({ uri: server.uri, token: null, send: client.send });
      const exported = () => exportToMlflow({ api, experiment: 'exports', inspection, measurements, signal });
      const first = await exported();
      expect(first.sent).toBe(20);
      expect(await exported()).toEqual({ runId: first.runId, sent: 0 });
      const { latest } = (await api.run(first.runId, signal)) ?? {};
      expect([...(latest ?? [])].map(([key, { step }]) => [key, step])).toHaveLength(10);
      expect(latest?.get('loss/aggregate')?.step).toBe(2);
    });

    it('says what it refuses, and takes over a thousand numbers', async () => {
      const metrics = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`m${index}`, index]));
      await writeFile(
        join(folder, 'metrics.jsonl'),
        Array.from({ length: 30 }, (_, index) => line(index + 1, metrics)).join(''),
      );
      const api = new MlflowApi({ uri: server.uri, token: null, send: client.send });
      await newTracker({}).catchUp(signal);
      await expect(api.updateRun('no such run', { status: 'FINISHED' }, signal)).rejects.toMatchObject({
        name: 'RejectedError',
        data: { errorCode: 'RESOURCE_DOES_NOT_EXIST' },
      });
    });
  },
);
