import { z } from 'zod';
import { AuthError, MilaError, RejectedError, TransientError } from '../../errors.ts';
import { printable, shortened } from '../../printable.ts';
import type { HttpSend } from './http-send.ts';
import type { LatestMetrics, MlflowMetric, MlflowParam } from './mlflow-limits.ts';
import type { FinalStatus } from './tracker.ts';

interface MlflowAddress {
  /** Where the server is, such as http://127.0.0.1:5000. */
  readonly uri: string;
  /** Sent with every request; null for a server that asks for none. */
  readonly token: string | null;
  readonly send: HttpSend;
}

interface Tag {
  readonly key: string;
  readonly value: string;
}

interface NewRun {
  readonly experimentId: string;
  readonly name: string;
  readonly startTimeMs: number;
  readonly tags: readonly Tag[];
}

const id = z.union([z.string(), z.number()]).transform(String);
const EXPERIMENT = z.object({ experiment: z.object({ experiment_id: id }) });
const NEW_EXPERIMENT = z.object({ experiment_id: id });
const wholeNumber = z.coerce.number().int();
const METRIC = z.object({ key: z.string(), step: wholeNumber.default(0), timestamp: wholeNumber });
const RUN = z.object({
  info: z.object({ run_id: id, status: z.string().optional(), lifecycle_stage: z.string().optional() }),
  data: z.object({ metrics: z.array(METRIC).default([]) }).default({ metrics: [] }),
});
const ONE_RUN = z.object({ run: RUN });
const RUNS = z.object({ runs: z.array(RUN).default([]) });
const FAULT = z.object({ error_code: z.string().default(''), message: z.string().default('') });

/** How much of a server's words is told. Units: characters. */
const WORDS_MAX = 200;
/** Answers that ask to come again: timeout, too early, too many. */
const LATER = [408, 425, 429];

/** A run as MLflow knows it. */
export interface MlflowRun {
  readonly runId: string;
  readonly isDeleted: boolean;
  readonly latest: LatestMetrics;
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function runOf({ info, data }: z.infer<typeof RUN>): MlflowRun {
  const latest = new Map(data.metrics.map(({ key, step, timestamp }) => [key, { step, timestamp }]));
  return { runId: info.run_id, isDeleted: info.lifecycle_stage === 'deleted', latest };
}

/**
 * The calls of MLflow's REST API that tracking needs.
 *
 * Errors: TransientError where the server cannot be reached or asks to come again; AuthError where it wants a token;
 * RejectedError where it refuses, its own `error_code` as `data.errorCode`.
 * Source: https://mlflow.org/docs/latest/rest-api.html
 */
export class MlflowApi {
  readonly #address: MlflowAddress;
  readonly host: string;

  constructor(address: MlflowAddress) {
    this.#address = address;
    this.host = new URL(address.uri).host;
  }

  /** The id of an experiment; it is made where there is none of the name. */
  async experimentId(name: string, signal: AbortSignal): Promise<string> {
    const known = await this.#experimentNamed(name, signal);
    if (known !== undefined) return known;
    try {
      const made = await this.#post('experiments/create', { name }, NEW_EXPERIMENT, signal);
      return made.experiment_id;
    } catch (error) {
      // Somebody else made it meanwhile.
      if (!hasCode(error, 'RESOURCE_ALREADY_EXISTS')) throw error;
      return (await this.#experimentNamed(name, signal)) ?? Promise.reject(error);
    }
  }

  async #experimentNamed(name: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
      return (await this.#call('GET', query, undefined, EXPERIMENT, signal)).experiment.experiment_id;
    } catch (error) {
      if (hasCode(error, 'RESOURCE_DOES_NOT_EXIST')) return undefined;
      throw error;
    }
  }

  async createRun({ experimentId, name, startTimeMs, tags }: NewRun, signal: AbortSignal): Promise<string> {
    const body = {
      experiment_id: experimentId,
      run_name: name,
      start_time: startTimeMs,
      // Servers before 2.0 know the name by its tag only.
      tags: [{ key: 'mlflow.runName', value: name }, ...tags],
    };
    return (await this.#post('runs/create', body, ONE_RUN, signal)).run.info.run_id;
  }

  /** The run of an experiment that bears a tag; undefined when none does. Units: `value` without quotes. */
  async findRun(
    experimentId: string,
    { key, value }: Tag,
    signal: AbortSignal,
  ): Promise<MlflowRun | undefined> {
    const filter = `tags."${key}" = '${value}'`;
    const body = { experiment_ids: [experimentId], filter, max_results: 1 };
    const [run] = (await this.#post('runs/search', body, RUNS, signal)).runs;
    return run === undefined ? undefined : runOf(run);
  }

  /** A run with the last number of each of its metrics; undefined when there is none of this id. */
  async run(runId: string, signal: AbortSignal): Promise<MlflowRun | undefined> {
    try {
      const query = `runs/get?run_id=${encodeURIComponent(runId)}`;
      return runOf((await this.#call('GET', query, undefined, ONE_RUN, signal)).run);
    } catch (error) {
      if (hasCode(error, 'RESOURCE_DOES_NOT_EXIST')) return undefined;
      throw error;
    }
  }

  /** Errors: as all; partly written where it is refused. */
  async logBatch(
    runId: string,
    { metrics = [], params = [] }: { metrics?: readonly MlflowMetric[]; params?: readonly MlflowParam[] },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#post('runs/log-batch', { run_id: runId, metrics, params, tags: [] }, z.unknown(), signal);
  }

  /** Units: `endTimeMs` milliseconds since 1970. */
  async updateRun(
    runId: string,
    { status, endTimeMs }: { status: FinalStatus | 'RUNNING'; endTimeMs?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const body = { run_id: runId, status, ...(endTimeMs === undefined ? {} : { end_time: endTimeMs }) };
    await this.#post('runs/update', body, z.unknown(), signal);
  }

  #post<Answer>(call: string, body: object, schema: z.ZodType<Answer>, signal: AbortSignal): Promise<Answer> {
    return this.#call('POST', call, JSON.stringify(body), schema, signal);
  }

  async #call<Answer>(
    method: 'GET' | 'POST',
    call: string,
    body: string | undefined,
    schema: z.ZodType<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { uri, token, send } = this.#address;
    const { status, text } = await send({
      method,
      url: new URL(`${uri.replace(/\/+$/, '')}/api/2.0/mlflow/${call}`),
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    const document = documentOf(text);
    if (status < 200 || status > 299) throw this.#fault(status, document);
    const { data, success } = schema.safeParse(document);
    if (success) return data;
    throw new RejectedError({
      code: 'mlflow-answer',
      message: `what answers at ${this.host} is not MLflow's REST API`,
    });
  }

  #fault(status: number, document: unknown): MilaError {
    const { data } = FAULT.safeParse(document);
    const words = shortened(printable((data?.message ?? '').split('\n')[0] ?? ''), WORDS_MAX);
    const message = `${this.host} answers with status ${status}${words === '' ? '' : `: ${words}`}`;
    if (status >= 500 || LATER.includes(status))
      return new TransientError({ code: 'mlflow-unavailable', message });
    const hint = 'A token is read from the variable MLFLOW_TRACKING_TOKEN.';
    if (status === 401 || status === 403) return new AuthError({ code: 'mlflow-token', message, hint });
    const errorCode = data?.error_code ?? '';
    return new RejectedError({ code: 'mlflow-refused', message, data: { errorCode } });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof MilaError && error.data['errorCode'] === code;
}
