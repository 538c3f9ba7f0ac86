import { type Clock, delay } from '../../clock.ts';
import { MilaError, messageOf, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { RemoteCallLedger } from '../remote/remote-store.ts';
import { expectManyListeners, throwIfAborted } from './abort.ts';
import type { Access } from './access.ts';
import { Backoff, type RetryPolicy } from './backoff.ts';
import { classify } from './classify.ts';
import type { Dispatchers } from './dispatchers.ts';
import { endpointOf } from './endpoint.ts';
import { parseExactJson } from './exact-json.ts';
import { type ExchangeAnswer, type ExchangeTimeouts, exchange, type OutgoingBody } from './exchange.ts';
import type { Pacer } from './pacer.ts';
import { readRefusal } from './refusal.ts';
import { retryAfterMsOf } from './retry-after.ts';

/** One call to Box, in the terms of HTTP. */
export interface BoxCall {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: OutgoingBody | undefined;
  /** In whose name; absent for calls that carry their own proof. */
  readonly access?: Access | undefined;
  /** What becomes of a good answer's body. */
  readonly expect: 'json' | 'stream';
  /** False only when repeating the call blindly can do no harm. */
  readonly writes: boolean;
  /** Uploads have a limit of their own; unmetered calls are not counted by Box as API calls. */
  readonly meter: 'api' | 'upload' | 'unmetered';
  readonly signal?: AbortSignal | undefined;
  readonly timeouts?: ExchangeTimeouts;
  /** Statuses that are answers here though they are refusals elsewhere. */
  readonly answers?: readonly number[];
  /** 'none' for a caller that has its own rules for trying again. */
  readonly retries?: 'none';
  /** True when 202 means "not ready yet, ask again". */
  readonly pendingOn202?: boolean;
}

export interface BoxAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body of a 'json' call; undefined when it was empty. */
  readonly json: unknown;
  /** The unread body of a 'stream' call. */
  readonly stream: ExchangeAnswer | undefined;
}

export interface TransportDeps {
  readonly dispatchers: Dispatchers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pacer: Pacer;
  readonly retryPolicy: RetryPolicy;
  readonly timeouts: ExchangeTimeouts;
  readonly ledger?: RemoteCallLedger | undefined;
}

/** Statuses that mean too many things without Box's code. */
const DECIDED_BY_CODE = new Set([400, 403, 409]);

/** A token is renewed this often for one call before it counts as refused. */
const RENEWALS_MAX = 2;

/**
 * Every call to Box goes through here: paced, authorised, counted, retried where that is safe.
 *
 * Guarantees: a write is repeated only when it certainly had no effect; otherwise the error says
 * `effectUnknown` and the operation looks before it repeats. Waits are those that Box asks for.
 * Errors: those of the error table · TransientError · AbortError.
 */
export class Transport {
  readonly #deps: TransportDeps;

  constructor(deps: TransportDeps) {
    this.#deps = deps;
  }

  /** A fresh account of waits, for an operation that repeats calls by itself. */
  backoff(): Backoff {
    return new Backoff(this.#deps.retryPolicy, this.#deps.random);
  }

  get timeouts(): ExchangeTimeouts {
    return this.#deps.timeouts;
  }

  get clock(): Clock {
    return this.#deps.clock;
  }

  async call(call: BoxCall): Promise<BoxAnswer> {
    const backoff = this.backoff();
    expectManyListeners(call.signal);
    const endpoint = endpointOf(call.method, call.url);
    let renewals = 0;
    for (;;) {
      throwIfAborted(call.signal);
      const token = await call.access?.token(call.signal, endpoint);
      try {
        const answer = await this.#attempt(call, token);
        proveToken(call, endpoint, token);
        return answer;
      } catch (error) {
        if (token !== undefined && isTokenRefused(error) && renewals < RENEWALS_MAX) {
          renewals += 1;
          call.access?.refuse(token);
          continue;
        }
        if (isBeyondScope(error) && widenToken(call, endpoint, token)) continue;
        if (call.retries === 'none') throw error;
        await this.pause(error, { backoff, writes: call.writes, signal: call.signal });
      }
    }
  }

  /** Wait before repeating, or throw the error on when repeating is not safe or not promising. */
  async pause(
    error: unknown,
    options: {
      readonly backoff: Backoff;
      readonly writes: boolean;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void> {
    throwIfAborted(options.signal);
    if (!(error instanceof TransientError) || error.code === 'certificate') throw error;
    if (options.writes && error.effectUnknown) throw error;
    const waitMs = options.backoff.next(error.retryAfterMs ?? 0);
    if (waitMs === undefined) throw error;
    this.#deps.logger.debug({ waitMs: Math.round(waitMs), code: error.code }, 'waiting before the next try');
    await delay(this.#deps.clock, waitMs, options.signal);
    throwIfAborted(options.signal);
  }

  async #attempt(call: BoxCall, token: string | undefined): Promise<BoxAnswer> {
    const { clock, dispatchers, pacer, timeouts } = this.#deps;
    const endpoint = endpointOf(call.method, call.url);
    await pacer.admit(call.meter, call.signal);
    const startedMs = clock.monotonic();
    const settle = (status: number) => this.#settle(call, { endpoint, status, startedMs });
    let answer: ExchangeAnswer;
    try {
      answer = await exchange(dispatchers, clock, {
        method: call.method,
        url: call.url,
        headers: {
          accept: 'application/json',
          ...call.headers,
          ...call.access?.headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: call.body,
        signal: call.signal,
        timeouts: call.timeouts ?? timeouts,
      });
    } catch (error) {
      settle(0);
      throw error;
    }
    settle(answer.status);
    return await this.#read(call, endpoint, answer);
  }

  async #read(call: BoxCall, endpoint: string, answer: ExchangeAnswer): Promise<BoxAnswer> {
    const { status, headers } = answer;
    const retryAfterMs = retryAfterMsOf(headers, this.#deps.clock.now());
    if (status === 202 && call.pendingOn202 === true) {
      answer.discard();
      throw new TransientError({
        code: 'not-ready',
        message: `${endpoint}: Box is still preparing the answer (202)`,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    }
    const good = (status >= 200 && status < 300) || call.answers?.includes(status) === true;
    if (good && call.expect === 'stream') return { status, headers, json: undefined, stream: answer };
    if (good) return { status, headers, json: await this.#json(call, answer), stream: undefined };
    const text = await answer.text().catch((error: unknown) => {
      if (call.signal?.aborted) throw error;
      // A refusal whose code got lost cannot be told apart from others, but it did refuse: ask again.
      if (DECIDED_BY_CODE.has(status)) throw unreadRefusal(endpoint, status, error);
      return '';
    });
    if (status === 429) this.#deps.pacer.throttled(call.meter, retryAfterMs ?? 0);
    throw classify(readRefusal(status, headers, text), { endpoint, retryAfterMs, writes: call.writes });
  }

  async #json(call: BoxCall, answer: ExchangeAnswer): Promise<unknown> {
    const text = await answer.text();
    if (text === '') return undefined;
    try {
      return parseExactJson(text);
    } catch (error) {
      throw new TransientError({
        code: 'answer-malformed',
        message: `${call.url.host} answered ${answer.status} with something that is not JSON: ${messageOf(error)}`,
        hint: 'A proxy or a captive portal may stand between this machine and Box.',
        effectUnknown: true,
        cause: error,
      });
    }
  }

  #settle(call: BoxCall, facts: { endpoint: string; status: number; startedMs: number }): void {
    const durationMs = this.#deps.clock.monotonic() - facts.startedMs;
    const { endpoint, status } = facts;
    this.#deps.logger.trace({ endpoint, status, durationMs: Math.round(durationMs) }, 'called box');
    const user = call.access?.user ?? 'application';
    if (call.meter !== 'unmetered') this.#deps.ledger?.({ user, endpoint, status, durationMs });
  }
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof MilaError && error.code === 'token-refused';
}

function proveToken({ access }: BoxCall, endpoint: string, token: string | undefined): void {
  if (token !== undefined) access?.proved?.(endpoint, token);
}

function widenToken({ access }: BoxCall, endpoint: string, token: string | undefined): boolean {
  return token !== undefined && access?.widen?.(endpoint, token) === true;
}

function isBeyondScope(error: unknown): boolean {
  return error instanceof MilaError && error.code === 'scope-missing';
}

function unreadRefusal(endpoint: string, status: number, cause: unknown): TransientError {
  return new TransientError({
    code: 'network',
    message: `${endpoint}: Box refused (${status}), but its reason got lost on the way`,
    data: { status },
    cause,
  });
}
