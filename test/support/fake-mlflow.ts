import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakeRun {
  readonly id: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly metrics: { key: string; value: number; timestamp: number; step: number }[];
  readonly params: Map<string, string>;
  readonly name: string;
  status: string;
}

/** What answers in the place of an MLflow server; as strict as one where tracking could be wrong. */
export interface FakeMlflow {
  readonly uri: string;
  readonly runs: FakeRun[];
  /** Every call, in order. */
  readonly calls: { readonly path: string; readonly token: string | undefined; readonly body: unknown }[];
  /** What becomes of the next calls of a path: no answer although it took effect, or this status. */
  readonly faults: Map<string, ('lost' | number)[]>;
  close(): Promise<void>;
}

type Body = Record<string, unknown>;
type Answer = readonly [status: number, body: unknown];

const refusal = (code: string, status = 400): Answer => [
  status,
  { error_code: code, message: `fake: ${code}` },
];

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Body);
}

/** Start one, over HTTP on this machine. */
export async function fakeMlflow(): Promise<FakeMlflow> {
  const runs: FakeRun[] = [];
  const experiments = new Map<string, string>();
  const calls: FakeMlflow['calls'] = [];
  const faults: FakeMlflow['faults'] = new Map();
  const runOf = (id: unknown) => runs.find((run) => run.id === id);
  const shown = (run: FakeRun) => {
    const latest = new Map(run.metrics.map((metric) => [metric.key, metric]));
    return { info: { run_id: run.id, status: run.status }, data: { metrics: [...latest.values()] } };
  };
  const logBatch = (body: Body): Answer => {
    const run = runOf(body['run_id']);
    if (run === undefined) return refusal('RESOURCE_DOES_NOT_EXIST', 404);
    const metrics = body['metrics'] as FakeRun['metrics'];
    const params = body['params'] as { key: string; value: string }[];
    if (metrics.length > 1_000 || params.length > 100) return refusal('INVALID_PARAMETER_VALUE');
    // A real one takes the batch, and drops what stands behind such a moment.
    if (metrics.some(({ step, timestamp }) => !Number.isInteger(step) || !Number.isInteger(timestamp)))
      return refusal('INVALID_PARAMETER_VALUE');
    for (const { key, value } of params) {
      if ((run.params.get(key) ?? value) !== value) return refusal('INVALID_PARAMETER_VALUE');
      run.params.set(key, value);
    }
    run.metrics.push(...metrics);
    return [200, {}];
  };
  const answers: Readonly<Record<string, (body: Body, query: URLSearchParams) => Answer>> = {
    'experiments/get-by-name': (_, query) => {
      const id = experiments.get(query.get('experiment_name') ?? '');
      if (id === undefined) return refusal('RESOURCE_DOES_NOT_EXIST', 404);
      return [200, { experiment: { experiment_id: id } }];
    },
    'experiments/create': ({ name }) => {
      experiments.set(String(name), String(experiments.size + 1));
      return [200, { experiment_id: experiments.get(String(name)) }];
    },
    'runs/create': ({ run_name, tags }) => {
      const made: FakeRun = {
        id: `run${runs.length + 1}`,
        name: String(run_name),
        tags: tags as FakeRun['tags'],
        metrics: [],
        params: new Map(),
        status: 'RUNNING',
      };
      runs.push(made);
      return [200, { run: shown(made) }];
    },
    'runs/search': ({ filter }) => {
      const wanted = /^tags\."(.+)" = '(.+)'$/.exec(String(filter));
      const found = runs.filter(({ tags }) =>
        tags.some(({ key, value }) => key === wanted?.[1] && value === wanted[2]),
      );
      return [200, { runs: found.map(shown) }];
    },
    'runs/get': (_, query) => {
      const run = runOf(query.get('run_id'));
      return run === undefined ? refusal('RESOURCE_DOES_NOT_EXIST', 404) : [200, { run: shown(run) }];
    },
    'runs/log-batch': (body) => logBatch(body),
    'runs/update': ({ run_id, status }) => {
      const run = runOf(run_id);
      if (run !== undefined) run.status = String(status);
      return [200, {}];
    },
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://fake');
    const path = url.pathname.replace('/api/2.0/mlflow/', '');
    bodyOf(request)
      .then((body) => {
        calls.push({ path, token: request.headers.authorization, body });
        const fault = faults.get(path)?.shift();
        if (typeof fault === 'number') return response.writeHead(fault).end('{"message": "fault"}');
        const [status, answer] =
          answers[path]?.(body, url.searchParams) ?? refusal('ENDPOINT_NOT_FOUND', 404);
        if (fault === 'lost') return request.socket.destroy();
        return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://127.0.0.1:${port}`,
    runs,
    calls,
    faults,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
