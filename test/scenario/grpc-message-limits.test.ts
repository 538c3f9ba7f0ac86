import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { channelSettings } from '../../src/fl/transport/grpc/channel-options.ts';
import { numberExecutor, SETTINGS } from '../support/federation.ts';
import { BareLinks, checkpointOf, FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';

const MEGABYTE = 1_000_000;

let playground: GrpcPlayground;
const links = new BareLinks();
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  links.close();
  await playground.close();
});

const linkTo = (target: string) => links.to(target);
const eventsOf = (who: string) => playground.ground.eventsOf(who);
const never = new AbortController().signal;

it('reads no more of a call than it can need: only an upload may be large', async () => {
  const server = await playground.server();
  const link = linkTo(server.target);
  const reply = await link.authenticate('x'.repeat(MEGABYTE), {});
  expect(reply.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(reply.details).toMatch(/^Received message larger than max \(1000004 vs 65536\)$/);
  const { value } = await link.authenticate('a', {});
  expect(value?.token).toMatch(/^\w{32}$/);
});

it('says which limit a checkpoint or a model is too large for', async () => {
  const calls: string[] = [];
  const limited = (bytes: number) => ({
    ...FAST_CHANNEL,
    options: [
      ...FAST_CHANNEL.options,
      ['grpc.max_send_message_length', bytes],
      ['grpc.max_receive_message_length', bytes],
    ] as (typeof FAST_CHANNEL)['options'],
  });
  const large = {
    train: async ({ outputDirectory }: { outputDirectory: string }) => {
      const checkpointPath = join(outputDirectory, 'large.pt');
      await writeFile(checkpointPath, Buffer.alloc(3 * MEGABYTE));
      return { checkpointPath, samples: 1, metrics: {} };
    },
    evaluate: async () => ({}),
  };
  const settings = { ...SETTINGS, minimumClients: 1, maximumClients: 1, heartbeatTimeoutMs: 2_000 };
  const server = await playground.server({
    settings,
    channel: channelSettings('server', limited(2 * MEGABYTE)),
  });
  // Its own limit is smaller: known before anything is sent.
  await expect(
    playground.client(server.target, 'own', { executor: large, section: limited(1 * MEGABYTE) }),
  ).rejects.toThrow(/3000000 bytes, more than one message holds: 1000000 \(grpc\.max_send_message_length/);
  server.stop();
  await server.outcome;
  // So is the server's, which it told when it let the client in.
  const other = await playground.server({
    settings,
    channel: channelSettings('server', limited(2 * MEGABYTE)),
    resume: 'never',
    onCall: (method) => void calls.push(method),
  });
  await expect(playground.client(other.target, 'other', { executor: large })).rejects.toThrow(
    /3000000 bytes, more than one message to the server may have: 2000000 \(grpc\.max_receive_message_length of the server/,
  );
  expect(calls).not.toContain('/mila.Mila/SendCheckpoint');
  // A client that sends it nevertheless is stopped at the length that it announces.
  const bare = linkTo(other.target);
  const { value } = await bare.authenticate('other', {});
  for (let turn = 0; turn < 2; turn += 1)
    expect(
      await bare.sendCheckpoint(checkpointOf(value?.token ?? '', 3 * MEGABYTE), {}, never),
    ).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'Received message larger than max (3000039 vs 2000000)',
    });
  expect(playground.ground.events).toContainEqual({
    event: 'trouble',
    message:
      'a checkpoint from 127.0.0.1 was refused: with 3000039 bytes it is longer than one message may be, 2000000 (grpc.max_receive_message_length)',
    who: 'server',
  });
  await bare.leave(value?.token ?? '', {}, 5_000);
  other.stop();
  await other.outcome;
  const startPoint = join(playground.ground.root, 'large-start.pt');
  await writeFile(startPoint, Buffer.alloc(3 * MEGABYTE));
  const third = await playground.server({
    settings,
    channel: channelSettings('server', limited(2 * MEGABYTE)),
    resume: 'never',
    startPoint,
    stripStartPoint: async (source, output) => writeFile(output, await readFile(source)),
  });
  await expect(playground.client(third.target, 'third')).rejects.toThrow(
    /the model has 3000000 bytes, more than one message of the server holds: 2000000/,
  );
  expect(playground.ground.events).toContainEqual({
    event: 'trouble',
    message: expect.stringMatching(/the model has 3000000 bytes.*\(grpc\.max_send_message_length\)/),
    who: 'server',
  });
  // It says that it goes: nobody waits for it.
  await expect
    .poll(() => playground.ground.events)
    .toContainEqual(expect.objectContaining({ event: 'participant-left', participant: 'third' }));
  third.stop();
  await third.outcome;
  const fourth = await playground.server({
    settings,
    resume: 'never',
    startPoint,
    stripStartPoint: async (source, output) => writeFile(output, await readFile(source)),
  });
  await expect(
    playground.client(fourth.target, 'fourth', { section: limited(2 * MEGABYTE) }),
  ).rejects.toThrow(
    /larger than one message may be: Received message larger than max \(\d+ vs 2000000\) \(grpc\.max_receive_message_length of this client/,
  );
});

it('goes on under a flood of large uploads with bad tokens', async () => {
  const server = await playground.server();
  const flood = linkTo(server.target);
  const both = ['a', 'b'].map((name, index) =>
    playground.client(server.target, name, { executor: numberExecutor(index + 1) }),
  );
  const attack = async () => {
    const codes: status[] = [];
    while (!eventsOf('server').includes('ended') && codes.length < 60) {
      const reply = await flood.sendCheckpoint(checkpointOf('nobody', 2 * MEGABYTE), {}, never);
      codes.push(reply.code);
    }
    return codes;
  };
  const [outcome, , , ...codes] = await Promise.all([server.outcome, ...both, attack(), attack()]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(codes.flat()).not.toContain(status.OK);
  expect(codes.flat()).toContain(status.PERMISSION_DENIED);
});

it('cuts a sender that dribbles, and the others do not wait for it', async () => {
  const calls: [string, status][] = [];
  const server = await playground.server({
    settings: { ...SETTINGS, roundsCount: 1, minimumClients: 3, heartbeatTimeoutMs: 1_500 },
    workers: 2,
    pace: { timeoutMs: 1_000, leastBytesPerSecond: 64_000, windowMs: 60_000 },
    onCall: (method, code) => void calls.push([method, code]),
  });
  // They come first: whoever is slow is lost soon, and before three are there nothing begins.
  const others = ['a', 'b'].map((name) => playground.client(server.target, name));
  await expect
    .poll(() => eventsOf('server').filter((event) => event === 'registered').length, { timeout: 10_000 })
    .toBe(2);
  const link = linkTo(server.target);
  const { value } = await link.authenticate('slow', {});
  const session = connect(`http://${server.target}`);
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': '/mila.Mila/SendCheckpoint',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  const whole = checkpointOf(value?.token ?? '', 50 * MEGABYTE);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(whole.length, 1);
  stream.write(frame);
  const dribble = setInterval(() => stream.write(whole.subarray(0, 100)), 50);
  try {
    const [outcome] = await Promise.all([server.outcome, ...others]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(calls).toContainEqual(['/mila.Mila/SendCheckpoint', status.DEADLINE_EXCEEDED]);
  } finally {
    clearInterval(dribble);
    session.destroy();
  }
});
