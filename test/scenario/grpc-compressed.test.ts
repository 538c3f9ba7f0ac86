import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BareLinks, GrpcPlayground } from '../support/grpc-federation.ts';
import { frame, RawConnection, textMessage } from '../support/raw-grpc.ts';

/** What each call would inflate to. Units: bytes. */
const BOMB_BYTES = 60_000_000;
const UNIMPLEMENTED = String(status.UNIMPLEMENTED);

let playground: GrpcPlayground;
const links = new BareLinks();
const raws: RawConnection[] = [];
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  links.close();
  await playground.close();
});

function raw(target: string): RawConnection {
  const connection = new RawConnection(target);
  raws.push(connection);
  return connection;
}

it.each(['Authenticate', 'Heartbeat', 'Close', 'RequestModel', 'SendCheckpoint'])(
  '%s: a compressed message is refused, by its first byte and by the header',
  async (method) => {
    const server = await playground.server();
    const token = (await links.to(server.target).authenticate('a', {})).value?.token ?? '';
    const packed = frame(gzipSync(textMessage(token)), 1);
    const connection = raw(server.target);
    for (const encoding of ['gzip', 'deflate', 'br', 'identity', '']) {
      const call = connection.call(method, encoding === '' ? {} : { 'grpc-encoding': encoding });
      call.stream.end(packed);
      expect(await call.status, encoding).toBe(UNIMPLEMENTED);
    }
    // The header alone, before a byte was sent.
    const announced = connection.call(method, { 'grpc-encoding': 'gzip' });
    expect(await announced.status).toBe(UNIMPLEMENTED);
  },
);

it('other services refuse it as well, and the server says that it takes no compression', async () => {
  const server = await playground.server();
  const connection = raw(server.target);
  const health = connection.session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    'grpc-encoding': 'gzip',
    te: 'trailers',
  });
  const answer = await new Promise<Record<string, unknown>>((resolve) => health.once('response', resolve));
  expect(answer['grpc-status']).toBe(UNIMPLEMENTED);
  const call = connection.call('Authenticate');
  call.stream.end(frame(textMessage('a')));
  const headers = await new Promise<Record<string, unknown>>((resolve) =>
    call.stream.once('response', resolve),
  );
  expect(headers['grpc-accept-encoding']).toBe('identity');
  expect(await call.status).toBe(String(status.OK));
});

it('a hundred bombs leave memory as it is', async () => {
  const server = await playground.server();
  const bomb = frame(gzipSync(Buffer.alloc(BOMB_BYTES)), 1);
  const before = process.memoryUsage().rss;
  let peak = before;
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  try {
    const calls = Array.from({ length: 100 }, (_, index) => {
      const call = raw(server.target).call(
        'Authenticate',
        index % 2 === 0 ? { 'grpc-encoding': 'gzip' } : {},
      );
      call.stream.end(bomb);
      return call.status;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set([UNIMPLEMENTED]));
  } finally {
    clearInterval(look);
  }
  // Connections of both sides are in this process; one bomb that inflates is 60 MB, and twice that in pieces.
  expect(peak - before).toBeLessThan(100_000_000);
});
