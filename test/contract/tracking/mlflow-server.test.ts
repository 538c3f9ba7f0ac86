import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpClient } from '../../../src/cli/http-send.ts';
import { systemClock } from '../../../src/clock.ts';
import { MetricsTail } from '../../../src/fl/tracking/metrics-tail.ts';
import { MlflowApi } from '../../../src/fl/tracking/mlflow-api.ts';
import { MlflowTracker } from '../../../src/fl/tracking/mlflow-tracker.ts';
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
