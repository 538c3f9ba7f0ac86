import { copyFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { channelSettings } from '../../src/fl/transport/grpc/channel-options.ts';
import { ClientLink } from '../../src/fl/transport/grpc/client-link.ts';
import { encodeFileMessage } from '../../src/fl/transport/grpc/file-message.ts';
import { SETTINGS } from '../support/federation.ts';
import { FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';

/** One way. Units: milliseconds. */
const DELAY_MS = 25;
const CHECKPOINT_BYTES = 16_000_000;

const never = new AbortController().signal;

let playground: GrpcPlayground;
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(() => playground.close());

/** A line to a port that carries everything, later. */
async function openDistantLine(port: number) {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => setTimeout(() => to.write(bytes), DELAY_MS));
      from.on('error', () => {});
      from.on('close', () => setTimeout(() => to.destroy(), DELAY_MS));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => server.close(),
  };
}

it('a model and a checkpoint over a distance do not wait for every 64 KiB to be acknowledged', async () => {
  const startPoint = join(playground.ground.root, 'start.pt');
  await writeFile(startPoint, Buffer.alloc(CHECKPOINT_BYTES, 1));
  const server = await playground.server({
    settings: { ...SETTINGS, minimumClients: 1, maximumClients: 1 },
    startPoint,
    stripStartPoint: (from, to) => copyFile(from, to),
  });
  const line = await openDistantLine(server.port);
  const link = new ClientLink({
    target: `127.0.0.1:${line.port}`,
    credentials: credentials.createInsecure(),
    channel: channelSettings('client', FAST_CHANNEL),
    clock: systemClock(),
    transferTimeoutMs: 60_000,
  });
  try {
    const token = (await link.authenticate('a', {})).value?.token ?? '';
    await expect.poll(() => playground.ground.eventsOf('server')).toContain('round-started');
    const beganAtMs = performance.now();
    expect((await link.requestModel(token, {}, never)).code).toBe(status.OK);
    const fetchedAtMs = performance.now();
    const message = await encodeFileMessage({ first: Buffer.from(token), path: startPoint });
    expect((await link.sendCheckpoint(message, {}, never)).code).toBe(status.OK);
    const sentAtMs = performance.now();
    // What no connection with HTTP/2's own window could do, however fast its line.
    const leastMs = (CHECKPOINT_BYTES / 65_536) * 2 * DELAY_MS;
    expect(fetchedAtMs - beganAtMs).toBeLessThan(leastMs);
    expect(sentAtMs - fetchedAtMs).toBeLessThan(leastMs);
  } finally {
    link.close();
    line.close();
  }
});
