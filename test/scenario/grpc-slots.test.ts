import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GrpcFederationServerOptions } from '../../src/fl/grpc-server.ts';
import { SETTINGS } from '../support/federation.ts';
import { BareLinks, checkpointOf, GrpcPlayground } from '../support/grpc-federation.ts';
import { frame, RawConnection, textMessage } from '../support/raw-grpc.ts';

const MEGABYTE = 1_000_000;
const PACE = { timeoutMs: 60_000, leastBytesPerSecond: 64_000, windowMs: 60_000 };

let playground: GrpcPlayground;
const links = new BareLinks();
const raws: RawConnection[] = [];
const calls: [string, status][] = [];
beforeEach(async () => {
  calls.length = 0;
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  links.close();
  await playground.close();
});

const never = new AbortController().signal;
const troubles = () =>
  playground.ground.events.flatMap((each) => (each.event === 'trouble' ? [each.message] : []));

function raw(target: string, options: { initialWindowSize?: number } = {}): RawConnection {
  const connection = new RawConnection(target, options);
  raws.push(connection);
  return connection;
}

/** A server with a start model of 8 MB, and two participants whose first round is open. */
async function opened(overrides: Partial<GrpcFederationServerOptions> = {}) {
  const startPoint = join(playground.ground.root, 'start.pt');
  await writeFile(startPoint, Buffer.alloc(8 * MEGABYTE));
  const server = await playground.server({
    settings: { ...SETTINGS, minimumClients: 2, maximumClients: 2 },
    startPoint,
    stripStartPoint: async (source, output) => writeFile(output, await readFile(source)),
    workers: 2,
    pace: PACE,
    onCall: (method, code) => void calls.push([method, code]),
    ...overrides,
  });
  const [a, b] = [links.to(server.target), links.to(server.target)];
  const tokenA = (await a.authenticate('a', {})).value?.token ?? '';
  const tokenB = (await b.authenticate('b', {})).value?.token ?? '';
  await expect
    .poll(() => playground.ground.eventsOf('server'), { timeout: 10_000 })
    .toContain('round-started');
  return { server, b, tokenA, tokenB };
}

/** Ask for the model as whoever never reads it. */
function askWithoutReading(target: string, token: string) {
  const call = raw(target, { initialWindowSize: 0 }).call('RequestModel');
  call.stream.end(frame(textMessage(token)));
  return call;
}

it('whoever never reads its model holds one slot, not the others’, and loses it', async () => {
  const { server, b, tokenA, tokenB } = await opened({ pace: { ...PACE, windowMs: 2_000 } });
  const asked = Array.from({ length: 4 }, () => askWithoutReading(server.target, tokenA));
  const startedMs = Date.now();
  await expect.poll(() => calls.filter(([, code]) => code === status.RESOURCE_EXHAUSTED).length).toBe(3);
  const model = await b.requestModel(tokenB, { have: 0 }, never);
  expect(model.code).toBe(status.OK);
  expect((await b.sendCheckpoint(checkpointOf(tokenB, MEGABYTE), {}, never)).code).toBe(status.OK);
  expect(Date.now() - startedMs).toBeLessThan(1_900);
  const statuses = await Promise.all(asked.map((call) => call.status));
  expect(statuses.filter((each) => each === undefined)).toHaveLength(1);
  expect(calls).toContainEqual(['/mila.Mila/RequestModel', status.DEADLINE_EXCEEDED]);
  expect(troubles()).toEqual([
    'a fetches its model too slowly and was cut: slower than 64000 bytes a second over 2 s (transfer_rate_minimum)',
  ]);
});

it('with a single slot, whoever does not read gives it up to whoever waits', async () => {
  const { server, b, tokenA, tokenB } = await opened({
    workers: 1,
    pace: { timeoutMs: 60_000, leastBytesPerSecond: 0, windowMs: 1_000 },
  });
  const hostile = askWithoutReading(server.target, tokenA);
  await new Promise((resolve) => hostile.stream.once('response', resolve));
  expect((await b.requestModel(tokenB, { have: 0 }, never)).code).toBe(status.OK);
  expect(await hostile.status).toBeUndefined();
  expect(troubles()).toEqual([
    'a fetches its model too slowly and was cut: 0 bytes in 1 s while others were waiting',
  ]);
});

it('transfer_timeout ends a model that is fetched too slowly, too', async () => {
  const { server, tokenA } = await opened({
    pace: { timeoutMs: 500, leastBytesPerSecond: 0, windowMs: 60_000 },
  });
  expect(await askWithoutReading(server.target, tokenA).status).toBeUndefined();
  expect(calls).toContainEqual(['/mila.Mila/RequestModel', status.DEADLINE_EXCEEDED]);
});

it('sending and fetching have slots apart', async () => {
  const { server, b, tokenA, tokenB } = await opened({ workers: 1 });
  const hostile = askWithoutReading(server.target, tokenA);
  await new Promise((resolve) => hostile.stream.once('response', resolve));
  const update = { round: 1, samples: 1, metrics: {}, sha256: '0'.repeat(64) };
  const reply = await b.sendCheckpoint(
    checkpointOf(tokenB, MEGABYTE),
    { token: tokenB, update },
    AbortSignal.timeout(5_000),
  );
  expect(reply.code).toBe(status.OK);
});

it('a participant sends one checkpoint at a time, with its token ahead or not, and not too slowly', async () => {
  const { server, b, tokenA, tokenB } = await opened({ pace: { ...PACE, windowMs: 1_500 } });
  const message = checkpointOf(tokenA, 5 * MEGABYTE);
  const begin = (headers = {}) => {
    const call = raw(server.target).call('SendCheckpoint', headers);
    call.stream.write(frame(message).subarray(0, 1_000));
    return call;
  };
  const note = Buffer.from(JSON.stringify({ token: tokenA })).toString('base64');
  const [first, second, third] = [begin(), begin(), begin({ 'mila-request-bin': note })];
  const ends = await Promise.all([first.status, second.status, third.status]);
  const codes = [status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED];
  expect(ends.map(Number).sort()).toEqual(codes.sort());
  expect((await b.requestModel(tokenB, { have: 0 }, never)).code).toBe(status.OK);
  expect((await b.sendCheckpoint(checkpointOf(tokenB, MEGABYTE), {}, never)).code).toBe(status.OK);
  expect(troubles()).toEqual([
    'a sends its checkpoint too slowly and was cut: slower than 64000 bytes a second over 1.5 s (transfer_rate_minimum)',
  ]);
});

it('whoever shows no token takes nobody’s slot', async () => {
  const { server, b, tokenB } = await opened({ workers: 1 });
  const strangers = Array.from({ length: 20 }, () => {
    const call = raw(server.target).call('SendCheckpoint');
    // A head that announces 100 MB, and a token that does not come to its end.
    const head = Buffer.alloc(5);
    head.writeUInt32BE(100 * MEGABYTE, 1);
    call.stream.write(head);
    call.stream.write(Buffer.from([0x0a, 32, 65, 66]));
    return call;
  });
  expect((await b.requestModel(tokenB, { have: 0 }, never)).code).toBe(status.OK);
  const reply = await b.sendCheckpoint(checkpointOf(tokenB, MEGABYTE), {}, AbortSignal.timeout(5_000));
  expect(reply.code).toBe(status.OK);
  for (const { stream } of strangers) stream.write(Buffer.alloc(30, 67));
  const codes = await Promise.all(strangers.map((call) => call.status));
  expect(new Set(codes)).toEqual(new Set([String(status.PERMISSION_DENIED)]));
});

it('an upload is one message, and begins with its token', async () => {
  const { server, tokenA } = await opened();
  const second = raw(server.target).call('SendCheckpoint');
  second.stream.write(frame(checkpointOf(tokenA, 10)));
  second.stream.write(frame(checkpointOf(tokenA, MEGABYTE)));
  expect(await second.status).toBe(String(status.RESOURCE_EXHAUSTED));
  for (const start of [Buffer.from([0x12, 3, 1, 2, 3]), Buffer.alloc(0), Buffer.from([0x0a, 0])]) {
    const call = raw(server.target).call('SendCheckpoint');
    call.stream.write(frame(start));
    expect(await call.status).toBe(String(status.PERMISSION_DENIED));
  }
});
