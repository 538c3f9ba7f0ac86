import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthError, TransientError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import type { BoxCall } from '../../../../src/sync/box/transport.ts';
import { json, type Reply, rawServer, testTransport } from './raw-server.ts';

const cut: Reply = (_request, response) => response.destroy();
const silent: Reply = () => {};

describe('Transport', () => {
  const kit = testTransport();
  let close: () => Promise<void> = async () => {};
  let calls = kit.calls;
  let transport = kit.transport;

  beforeEach(() => {
    ({ transport, calls } = testTransport());
  });
  afterEach(() => close());

  const serve = async (...replies: Reply[]) => {
    const server = await rawServer(replies);
    close = server.close;
    return server;
  };
  const callOf = (url: string, more: Partial<BoxCall> = {}): BoxCall => ({
    method: 'GET',
    url: new URL(url),
    expect: 'json',
    writes: false,
    meter: 'api',
    ...more,
  });
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('expected a rejection'),
      (error: unknown) => error,
    );

  it('waits as long as Retry-After says', async () => {
    const server = await serve(json(429, {}, { 'Retry-After': '1' }), json(200, { ok: true }));
    const startedMs = performance.now();
    expect((await transport.call(callOf(server.url))).json).toEqual({ ok: true });
    expect(performance.now() - startedMs).toBeGreaterThan(990);
  });

  it('does not wait longer than its budget, but says what Box asked for', async () => {
    const server = await serve(json(429, {}, { 'retry-after': '3600' }));
    const error = await failureOf(transport.call(callOf(server.url)));
    expect(error).toMatchObject({ code: 'rate-limited', retryAfterMs: 3_600_000 });
    expect(server.received).toHaveLength(1);
  });

  it('repeats a read after faults and broken connections, within its attempts', async () => {
    const server = await serve(json(503, {}), cut, json(200, { ok: true }));
    expect((await transport.call(callOf(server.url))).status).toBe(200);
    const down = await rawServer([json(500, {})]);
    expect(await failureOf(transport.call(callOf(down.url)))).toMatchObject({ code: 'box-unavailable' });
    expect(down.received).toHaveLength(4);
    await down.close();
  });

  it.each([
    ['a broken connection', cut],
    ['a fault', json(502, '<html>bad gateway</html>')],
    ['silence', silent],
    ['an answer that is no JSON', json(200, '<html>')],
  ])('does not repeat a write after %s, and says that the effect is unknown', async (_what, reply) => {
    const server = await serve(reply);
    const error = await failureOf(transport.call(callOf(server.url, { method: 'POST', writes: true })));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ effectUnknown: true });
    expect(server.received).toHaveLength(1);
  });

  it('repeats a write that certainly had no effect', async () => {
    const blocked = { type: 'error', status: 409, code: 'operation_blocked_temporary' };
    const server = await serve(json(409, blocked), json(429, {}), json(201, { id: '1' }));
    const answer = await transport.call(callOf(server.url, { method: 'POST', writes: true }));
    expect(answer.status).toBe(201);
  });

  it('knows that nothing was sent where nobody listens', async () => {
    const server = await serve(silent);
    await server.close();
    close = async () => {};
    const error = await failureOf(
      transport.call(callOf(server.url, { method: 'POST', writes: true, retries: 'none' })),
    );
    expect(error).toMatchObject({ code: 'network', effectUnknown: false });
  });

  it('gives up at once when its caller does, with AbortError', async () => {
    const server = await serve(silent);
    const giveUp = new AbortController();
    const call = failureOf(transport.call(callOf(server.url, { signal: giveUp.signal })));
    const startedMs = performance.now();
    setTimeout(() => giveUp.abort(), 20);
    expect(await call).toMatchObject({ name: 'AbortError' });
    expect(performance.now() - startedMs).toBeLessThan(250);
    expect(server.received.length).toBeLessThanOrEqual(1);
  });

  it('gives up at once while it waits to try again', async () => {
    const server = await serve(json(429, {}, { 'retry-after': '4' }));
    const signal = AbortSignal.timeout(50);
    const startedMs = performance.now();
    const error = await failureOf(transport.call(callOf(server.url, { signal })));
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('ends an answer whose body stalls', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":');
    });
    const error = await failureOf(transport.call(callOf(server.url, { retries: 'none' })));
    expect(error).toMatchObject({ code: 'stalled' });
  });

  it('keeps the code, the message and the request id of every refusal, deletions and downloads too', async () => {
    const body = {
      type: 'error',
      status: 403,
      code: 'access_denied_item_locked',
      message: 'locked',
      request_id: 'r1',
    };
    const server = await serve(json(403, body));
    for (const more of [{ method: 'DELETE' }, { expect: 'stream' as const }]) {
      const error = await failureOf(transport.call(callOf(server.url, more)));
      expect(error).toMatchObject({ code: 'locked', data: { status: 403, requestId: 'r1' } });
    }
  });

  it('lets no token into errors or logs', async () => {
    const server = await serve(json(500, {}), cut, json(403, { code: 'forbidden', message: 'no' }));
    const lines: unknown[] = [];
    const note = (fields: unknown, message: string) => lines.push([fields, message]);
    const logger = { ...silentLogger, trace: note, debug: note, info: note, warn: note, error: note };
    const loud = testTransport({ logger }).transport;
    const access = { headers: {}, token: async () => 'T0K3N', refuse() {} };
    const error = await failureOf(loud.call(callOf(server.url, { access })));
    expect(server.received[0]?.headers.authorization).toBe('Bearer T0K3N');
    expect(lines.length).toBeGreaterThan(3);
    expect(inspect([error, lines], { depth: 20 })).not.toContain('T0K3N');
  });

  it('asks again when the reason of a refusal got lost on the way', async () => {
    const half: Reply = (_request, response) => {
      response.writeHead(409, { 'content-length': '100' });
      response.write('{"code":', () => response.destroy());
    };
    const taken = { type: 'error', status: 409, code: 'item_name_in_use' };
    const server = await serve(half, json(409, taken));
    const error = await failureOf(transport.call(callOf(server.url, { method: 'POST', writes: true })));
    expect(error).toMatchObject({ code: 'name-taken' });
  });

  it('renews a refused token once per refusal and gives up when that does not help', async () => {
    const server = await serve(json(401, ''));
    const refused: string[] = [];
    let issued = 0;
    const access = {
      headers: {},
      token: async () => `t${++issued}`,
      refuse: (token: string) => refused.push(token),
    };
    const error = await failureOf(transport.call(callOf(server.url, { access })));
    expect(error).toBeInstanceOf(AuthError);
    expect(refused).toEqual(['t1', 't2']);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
      'Bearer t3',
    ]);
  });

  it('writes every call into the ledger, with ids replaced', async () => {
    const server = await serve(json(503, {}), json(200, {}));
    await transport.call(callOf(`${server.url}/2.0/folders/12345/items?limit=5`));
    await transport.call(callOf(`${server.url}/api/2.0/files/content`));
    await transport.call(callOf(`${server.url}/subscribe`, { meter: 'unmetered' }));
    expect(calls.map(({ endpoint, status }) => [endpoint, status])).toEqual([
      ['GET /2.0/folders/:id/items', 503],
      ['GET /2.0/folders/:id/items', 200],
      ['GET /2.0/files/content', 200],
    ]);
  });

  it('keeps connections for calls that follow each other', async () => {
    const ports = new Set<number | undefined>();
    const server = await serve((_request, response, raw) => {
      ports.add(raw.socket.remotePort);
      response.end('{}');
    });
    for (let count = 0; count < 10; count += 1) await transport.call(callOf(server.url));
    // A connection is free a moment after its answer was read, so that a second one may be opened meanwhile.
    expect(ports.size).toBeLessThanOrEqual(2);
  });
});
