import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import FindMyWay from 'find-my-way';
import { ZodError } from 'zod';
import { delay } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import { randomName } from '../../../random.ts';
import type { Actor } from '../auth/actor.ts';
import { authenticate } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import { type FaultAction, strikesBody } from '../control/faults.ts';
import type { RequestContext } from './context.ts';
import { damaged } from './damage.ts';
import { faultReply, withEntriesChanged } from './fault-reply.ts';
import { isLocal } from './loopback.ts';
import { Meter, metered } from './metered.ts';
import { badRequest, Refusal, refuse } from './refusal.ts';
import type { Reply } from './reply.ts';
import { refusalReply, send, toWire } from './reply-writer.ts';
import type { Route } from './route.ts';

/** Thrown to end a request without any answer. */
class Dropped extends Error {}

interface Arrival {
  readonly route: Route | undefined;
  readonly context: RequestContext;
  readonly response: ServerResponse;
}

/** Leads each request to its route, and its answer back, through limits, faults and pacing. */
export class Dispatcher {
  readonly #box: Box;
  readonly #router = FindMyWay({
    ignoreTrailingSlash: true,
    ignoreDuplicateSlashes: true,
    maxParamLength: 500,
  });
  readonly #control: boolean;

  constructor(box: Box, routes: readonly Route[], control: boolean) {
    this.#box = box;
    this.#control = control;
    // The router finds; it never calls: a request is handled here, in one place.
    for (const route of routes) this.#router.on(route.method, route.path, () => undefined, route);
  }

  /** Handle one request to its end. Guarantees: never throws; every failure is an answer or a closed connection. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    request.on('error', () => undefined);
    try {
      await this.#serve(this.#arrive(request, response));
    } catch (error) {
      if (!(error instanceof Dropped))
        this.#box.logger.error({ error: messageOf(error) }, 'a request could not be answered');
      response.destroy();
    }
  }

  #arrive(request: IncomingMessage, response: ServerResponse): Arrival {
    const url = request.url ?? '/';
    const question = url.indexOf('?');
    const rawPath = question < 0 ? url : url.slice(0, question);
    const rawQuery = question < 0 ? '' : url.slice(question + 1);
    const path = rawPath.startsWith('/api/2.0/') ? rawPath.slice('/api'.length) : rawPath;
    const found = this.#find(request.method ?? 'GET', path);
    const box = this.#box;
    let body: Meter | undefined;
    let gone: AbortSignal | undefined;
    const context: RequestContext = {
      method: request.method ?? 'GET',
      path,
      params: found?.params ?? {},
      query: new URLSearchParams(rawQuery),
      request,
      requestId: randomName(box.random, 16),
      aborted: () => {
        gone ??= abortedWhenGone(response);
        return gone;
      },
      body: () => {
        body ??= metered(
          request,
          new Meter(
            box.clock,
            () => box.settings.values.bandwidthBytesPerSecond,
            (bytes) => box.statistics.countUp(bytes),
          ),
        );
        return body;
      },
    };
    return { route: found?.store as Route | undefined, context, response };
  }

  #find(method: string, path: string) {
    try {
      return this.#router.find(method as 'GET', path);
    } catch {
      return null;
    }
  }

  async #serve(arrival: Arrival): Promise<void> {
    const { route, context, response } = arrival;
    const box = this.#box;
    response.setHeader('date', new Date(box.clock.now()).toUTCString());
    response.setHeader('box-request-id', context.requestId);
    if (box.settings.values.connectionClose) response.setHeader('connection', 'close');
    if (route?.kind === 'control') {
      await this.#serveControl(route, arrival);
      return;
    }
    const actor = this.#identify(route, context);
    const user = actor instanceof Refusal ? undefined : (actor?.user ?? this.#userOfOpenCall(context));
    if (route?.kind !== 'uncounted') box.statistics.countCall(user, endpointName(route, context));
    const content = route?.path === '/d/1/:key/download';
    const origin = content ? box.links.get(context.params['key'] ?? '')?.origin : undefined;
    const subject = { method: context.method, path: context.path, user };
    const redirecting = context.method === 'GET' && route?.path === '/2.0/files/:id/content';
    const action =
      box.faults.strike(subject, (each) => !(redirecting && strikesBody(each))) ??
      (origin === undefined ? undefined : box.faults.strike({ ...subject, path: origin }, strikesBody));
    const reply = await this.#answer(arrival, actor, action);
    await this.#deliver(arrival, reply, action);
  }

  #identify(route: Route | undefined, context: RequestContext): Actor | Refusal | undefined {
    if (route !== undefined && route.kind !== 'api') return undefined;
    try {
      return authenticate(this.#box, context);
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  #userOfOpenCall(context: RequestContext) {
    const { polls, links, store } = this.#box;
    const id =
      polls.userOf(context.query.get('channel') ?? '') ?? links.get(context.params['key'] ?? '')?.userId;
    return id === undefined ? undefined : store.users.get(id);
  }

  /** The reply to a request, with what faults do before and instead of it. */
  async #answer(
    arrival: Arrival,
    actor: Actor | Refusal | undefined,
    action: FaultAction | undefined,
  ): Promise<Reply> {
    const { context } = arrival;
    const box = this.#box;
    const waitMs = box.settings.values.latencyMs + (action?.kind === 'delay' ? action.ms : 0);
    if (waitMs > 0) await delay(box.clock, waitMs, context.aborted());
    if (action?.kind === 'drop_before') throw new Dropped();
    if (action?.kind === 'stall' && action.at === undefined) {
      const gone = context.aborted();
      await new Promise<void>((resolve) => {
        gone.addEventListener('abort', () => resolve(), { once: true });
        if (gone.aborted) resolve();
      });
      throw new Dropped();
    }
    if (action?.kind === 'status' && action.when === 'before') return faultReply(action, context.requestId);
    const reply = await this.#perform(arrival, actor);
    if (action?.kind === 'drop_after') throw new Dropped();
    if (action?.kind === 'status') return faultReply(action, context.requestId);
    return action?.kind === 'listing' ? withEntriesChanged(reply, action.effect) : reply;
  }

  async #perform({ route, context }: Arrival, actor: Actor | Refusal | undefined): Promise<Reply> {
    const box = this.#box;
    try {
      if (actor instanceof Refusal) throw actor;
      if (actor !== undefined) this.#spend(actor, route);
      if (route === undefined) throw this.#unknown(context);
      if (route.kind !== 'api') return await route.handle(context);
      if (actor === undefined) throw new TypeError('an API route was reached without an actor');
      return await route.handle({ ...context, actor });
    } catch (error) {
      if (error instanceof Refusal) return refusalReply(error, context.requestId);
      box.logger.error({ path: context.path, error: messageOf(error) }, 'a route failed');
      const failure = refuse(500, 'internal_server_error', 'Internal Server Error');
      return refusalReply(failure, context.requestId);
    }
  }

  #spend(actor: Actor, route: Route | undefined): void {
    try {
      this.#box.limits.spend(actor.user.id, route?.kind === 'api' && route.upload === true);
    } catch (error) {
      this.#box.statistics.countThrottled();
      throw error;
    }
  }

  #unknown(context: RequestContext): Refusal {
    const { method, path } = context;
    this.#box.logger.warn({ method, path: path.slice(0, 200) }, 'not emulated');
    const otherMethod = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'].some(
      (each) => this.#find(each, path) !== null,
    );
    const name = `${method} ${path.slice(0, 200)}`;
    const what = { errors: [{ reason: 'not_emulated', name, message: `${name} is not emulated` }] };
    return otherMethod
      ? refuse(405, 'method_not_allowed', 'Method Not Allowed', what)
      : refuse(404, 'not_found', 'Not Found', what);
  }

  async #serveControl(route: Route & { kind: 'control' }, { context, response }: Arrival): Promise<void> {
    const box = this.#box;
    let reply: Reply;
    try {
      if (!this.#control || !isLocal(context.request)) throw refuse(404, 'not_found', 'Not Found');
      reply = await route.handle(context);
    } catch (error) {
      const refusal =
        error instanceof ZodError
          ? badRequest(
              ...error.issues.slice(0, 20).map((issue) => ({
                reason: 'invalid_parameter' as const,
                name: issue.path.join('.'),
                message: issue.message,
              })),
            )
          : error;
      if (!(refusal instanceof Refusal)) throw error;
      reply = refusalReply(refusal, context.requestId);
    }
    await send(response, await toWire(reply, box.store.blobs, context.request));
  }

  async #deliver(
    { context, response }: Arrival,
    reply: Reply,
    action: FaultAction | undefined,
  ): Promise<void> {
    const box = this.#box;
    let wire = await toWire(reply, box.store.blobs, context.request);
    const count = (bytes: number) => box.statistics.countDown(bytes);
    const paced = box.settings.values.bandwidthBytesPerSecond > 0 || wire.body instanceof Readable;
    if (action !== undefined) wire = damaged(wire, action);
    if (!paced && !(wire.body instanceof Readable)) {
      count(wire.length ?? 0);
      await send(response, wire);
      return;
    }
    const meter = new Meter(box.clock, () => box.settings.values.bandwidthBytesPerSecond, count);
    await send(response, wire, meter);
  }
}

/** Aborted when the connection closes before the whole answer was sent. */
function abortedWhenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  response.on('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

function endpointName(route: Route | undefined, context: RequestContext): string {
  if (route !== undefined) return `${route.method} ${route.path}`;
  return `${context.method} ${context.path.slice(0, 100).replace(/\d+/g, ':id')}`;
}
