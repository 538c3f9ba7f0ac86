import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { Client, credentials, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { STATUS_FILE } from '../../src/fl/round/run-folder.ts';
import { openBlackholeProxy } from '../support/blackhole-proxy.ts';
import { numberExecutor, SETTINGS } from '../support/federation.ts';
import { BareLinks, checkpointOf, FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';

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

it.each(['', '../outside', 'a/b', 'a\\b', '.', 'a.b', 'server', 'x'.repeat(65), 'nul\u0000', ' a'])(
  'refuses the name %j and makes no file of it',
  async (name) => {
    const server = await playground.server();
    const reply = await linkTo(server.target).authenticate(name, {});
    expect(reply.code).toBe(status.PERMISSION_DENIED);
    expect(await readdir(playground.ground.root)).toEqual(['server-results', 'task.json']);
    const [run = ''] = await readdir(playground.runs);
    // The server's sign of life comes when its first look is over.
    const names = (await readdir(join(playground.runs, run))).filter((name) => name !== STATUS_FILE);
    expect(names.sort()).toEqual(['authentications', 'cfg.json', 'heartbeats', 'server.settings.json']);
    expect(await readdir(join(playground.runs, run, 'authentications'))).toEqual([]);
  },
);

it('B8: takes "Lab" and "lab" for one name', async () => {
  const server = await playground.server();
  const link = linkTo(server.target);
  const [first, second] = [await link.authenticate('Lab', {}), await link.authenticate('lab', {})];
  expect([first.code, second.code]).toEqual([status.OK, status.PERMISSION_DENIED]);
});

it('B7: lets no more in than the maximum, however many come at once', async () => {
  const server = await playground.server({ settings: { ...SETTINGS, maximumClients: 3 } });
  const replies = await Promise.all(
    Array.from({ length: 12 }, (_, index) => linkTo(server.target).authenticate(`site_${index}`, {})),
  );
  expect(replies.filter(({ code }) => code === status.OK)).toHaveLength(3);
  expect(replies.filter(({ code }) => code === status.PERMISSION_DENIED)).toHaveLength(9);
});

it('B1, B14: a client that comes late, or again, lives from then on', async () => {
  const heartbeatTimeoutMs = 800;
  const server = await playground.server({ settings: { ...SETTINGS, heartbeatTimeoutMs } });
  const link = linkTo(server.target);
  const first = await link.authenticate('late', {});
  await expect.poll(() => eventsOf('server'), { timeout: 5_000 }).toContain('participant-lost');
  const again = await link.authenticate('late', {});
  expect(again.value?.token).toBe(first.value?.token);
  await expect.poll(() => eventsOf('server'), { timeout: 5_000 }).toContain('participant-back');
  expect((await link.heartbeat(first.value?.token ?? '')).code).toBe(status.OK);
});

it('a client that would beat more slowly than its server waits is told so, and gives its place back', async () => {
  const server = await playground.server({ settings: { ...SETTINGS, heartbeatTimeoutMs: 30_000 } });
  await expect(playground.client(server.target, 'a', { heartbeatFrequencyMs: 30_000 })).rejects.toMatchObject(
    {
      code: 'heartbeat-too-slow',
      message: 'heartbeat_frequency is 30 s, but the server counts a client as lost after 30 s of silence',
      hint: 'Set heartbeat_frequency to 10 or less.',
    },
  );
  await expect.poll(() => eventsOf('server')).toContain('participant-left');
});

it('B12: a client of kMoL that beats too slowly learns why it was cut off, and the server says who it is', async () => {
  const heartbeatTimeoutMs = 800;
  const lostOf = () => eventsOf('server').filter((event) => event === 'participant-lost').length;
  for (const rejoin of [true, false]) {
    const server = await playground.server({
      settings: { ...SETTINGS, minimumClients: 1, heartbeatTimeoutMs, rejoin },
      resume: 'never',
    });
    const link = linkTo(server.target);
    const { value } = await link.authenticate('slow', {});
    const token = value?.token ?? '';
    expect((await link.heartbeat(token)).code).toBe(status.OK);
    const lostBefore = lostOf();
    await expect.poll(lostOf, { timeout: 5_000 }).toBeGreaterThan(lostBefore);
    const late = await link.heartbeat(token);
    const cut = {
      code: status.PERMISSION_DENIED,
      details:
        'Access Denied... Token is invalid... Nothing was heard for longer than heartbeat_timeout: 0.8 s.',
    };
    expect(late).toMatchObject(rejoin ? { code: status.OK } : cut);
    server.park();
    await server.outcome;
  }
  expect(playground.ground.events).toContainEqual({
    event: 'trouble',
    message: expect.stringMatching(
      /^two heartbeats of slow came \d+ s apart, and heartbeat_timeout is 0\.8 s: .*heartbeat_frequency is too long$/,
    ),
    who: 'server',
  });
});

it('sends a stranger away before it has sent a byte of its upload', async () => {
  const server = await playground.server();
  const session = connect(`http://${server.target}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/mila.Mila/SendCheckpoint',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    expect(headers['grpc-status']).toBe(String(status.PERMISSION_DENIED));
  } finally {
    session.destroy();
  }
});

it('drops a client whose connection is dead but open, and takes it back when it connects anew', async () => {
  const server = await playground.server({
    settings: { ...SETTINGS, roundsCount: 2, heartbeatTimeoutMs: 1_000 },
  });
  const proxy = await openBlackholeProxy(server.port);
  let release: () => void = () => {};
  const back = new Promise<void>((resolve) => {
    release = resolve;
  });
  try {
    const section = {
      ...FAST_CHANNEL,
      options: [
        ...FAST_CHANNEL.options,
        ['grpc.keepalive_time_ms', 300],
        ['grpc.keepalive_timeout_ms', 300],
      ] as (typeof FAST_CHANNEL)['options'],
    };
    const far = playground.client(`127.0.0.1:${proxy.port}`, 'far', { section, heartbeatFrequencyMs: 200 });
    const near = playground.client(server.target, 'near', {
      heartbeatFrequencyMs: 200,
      executor: numberExecutor(1, async ({ round }) => {
        if (round === 2) await back;
      }),
    });
    await expect.poll(() => eventsOf('far'), { timeout: 10_000 }).toContain('uploaded');
    proxy.cut();
    await expect.poll(() => eventsOf('server'), { timeout: 10_000 }).toContain('participant-lost');
    proxy.restore();
    await expect.poll(() => eventsOf('server'), { timeout: 10_000 }).toContain('participant-back');
    release();
    const [outcome, ending] = await Promise.all([server.outcome, far, near]);
    expect([outcome.ending?.kind, ending.ending?.kind]).toEqual(['finished', 'finished']);
  } finally {
    await proxy.close();
  }
});

it('keeps the first usable checkpoint of a round, and takes none for a round that is not open', async () => {
  const server = await playground.server();
  const [a, b] = [linkTo(server.target), linkTo(server.target)];
  const tokens = await Promise.all([a.authenticate('a', {}), b.authenticate('b', {})]);
  const token = tokens[0].value?.token ?? '';
  const early = await a.sendCheckpoint(checkpointOf(token, 10), {}, never);
  expect(early.code).toBe(status.FAILED_PRECONDITION);
  await expect
    .poll(async () => (await a.requestModel(token, {}, never)).code, { timeout: 5_000 })
    .toBe(status.OK);
  expect((await a.requestModel(token, {}, never)).code).toBe(status.RESOURCE_EXHAUSTED);
  expect((await a.sendCheckpoint(checkpointOf(token, 10), {}, never)).code).toBe(status.OK);
  expect((await a.sendCheckpoint(checkpointOf(token, 12), {}, never)).code).toBe(status.OK);
  const [run = ''] = await readdir(playground.runs);
  expect(await readFile(join(playground.runs, run, 'rounds', 'round_1', 'a.pt'))).toHaveLength(10);
});

it('answers health checks and lists its service by reflection', async () => {
  const server = await playground.server();
  const client = new Client(server.target, credentials.createInsecure());
  const check = healthService['Check']!;
  const health = await new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: 'mila.Mila' },
      (error, value) => (error === null ? resolve(value) : reject(error)),
    );
  });
  expect(health).toMatchObject({ status: 'SERVING' });
  const reflected = await new Promise<Buffer>((resolve, reject) => {
    const stream = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    stream.on('data', resolve);
    stream.on('error', reject);
    // list_services, field 7.
    stream.write(Buffer.from([0x3a, 0x00]));
  });
  expect(reflected.toString('latin1')).toContain('mila.Mila');
  client.close();
});

it.each([10, 50])('%i clients share one server', { timeout: 90_000 }, async (count) => {
  const settings = { ...SETTINGS, roundsCount: 2, minimumClients: count, clientWaitTimeMs: 0 };
  const server = await playground.server({ settings, workers: 2 });
  const clients = Array.from({ length: count }, (_, index) =>
    playground.client(server.target, `site_${index}`, {
      executor: numberExecutor(index),
      heartbeatFrequencyMs: 10_000,
      retryTimeoutMs: 500,
    }),
  );
  const [outcome, ...endings] = await Promise.all([server.outcome, ...clients]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(endings.every(({ ending }) => ending?.kind === 'finished')).toBe(true);
  expect(await readFile(outcome.finalModel ?? '', 'utf8')).toBe(String(count - 1));
});
