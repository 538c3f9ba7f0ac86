import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelSettings } from '../../src/fl/transport/grpc/channel-options.ts';
import { numberExecutor, SETTINGS } from '../support/federation.ts';
import { FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';
import type { PythonPeer } from '../support/python-grpc.ts';
import { hasPythonGrpc, pythonPeer } from '../support/python-grpc.ts';

const ready = hasPythonGrpc();
if (!ready) console.warn('skipped: tests with Python peers want python3-grpcio and python3-protobuf');

let playground: GrpcPlayground;
const peers: PythonPeer[] = [];
const start = (...given: Parameters<typeof pythonPeer>): PythonPeer => {
  const peer = pythonPeer(...given);
  peers.push(peer);
  return peer;
};
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.kill();
  await playground.close();
});

describe.skipIf(!ready)('clients of kMoL at our server', () => {
  it('train beside our own ones, and are sent home when all rounds are over', async () => {
    const server = await playground.server();
    const python = start('client', [server.target, 'py', '3']);
    const [outcome, , lines] = await Promise.all([
      server.outcome,
      playground.client(server.target, 'ours', { executor: numberExecutor(1) }),
      python.done,
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(lines.filter((line) => 'model' in line).map((line) => line['model'])).toEqual(['', '2', '4']);
    expect(lines.find((line) => 'model' in line)?.['configuration']).toBe(
      '{"model": {"type": "number"}, "epochs": 3}\n',
    );
    expect(lines).toContainEqual({ waiting: 'Waiting for more clients to join.' });
    expect(lines).toContainEqual({ waiting: 'Next round is not available yet.' });
    expect(lines.at(-1)).toEqual({
      ended: 'PERMISSION_DENIED',
      details: 'All rounds have been completed. Closing session.',
    });
  });

  it('are refused once the registration is closed', async () => {
    const server = await playground.server({ settings: { ...SETTINGS, maximumClients: 2 } });
    let open: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    const hold = async () => held;
    const both = [
      playground.client(server.target, 'a', { executor: numberExecutor(1, hold) }),
      playground.client(server.target, 'b', { executor: numberExecutor(1, hold) }),
    ];
    const python = start('client', [server.target, 'late', '1']);
    await start('client', [server.target, '../late', '1']).done.then((lines) =>
      expect(lines[0]).toMatchObject({ ended: 'PERMISSION_DENIED' }),
    );
    // Whoever of the three came first; the third is refused.
    const refused = await Promise.race([
      python.done.then((lines) => lines.at(-1)?.['details']),
      both[0]?.catch((error: Error) => error.message),
      both[1]?.catch((error: Error) => error.message),
    ]);
    expect(refused).toContain('Authentication failed... Registration is closed.');
    open();
    server.stop();
    await Promise.allSettled([...both, python.done, server.outcome]);
  });

  it('B13: may close, and the round goes on without them', async () => {
    const server = await playground.server();
    const python = start('client', [server.target, 'py', '3'], { rounds: 1, close: true });
    const [outcome] = await Promise.all([
      server.outcome,
      playground.client(server.target, 'ours', { executor: numberExecutor(1) }),
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect((await python.done).at(-1)).toEqual({ closed: true });
    expect(playground.ground.eventsOf('server')).toContain('participant-left');
    expect(playground.ground.eventsOf('server')).not.toContain('participant-lost');
  });

  it('send a checkpoint that is too large for ever, and the server says so to its person', async () => {
    const small: [string, number][] = [['grpc.max_receive_message_length', 10_000]];
    const server = await playground.server({
      settings: { ...SETTINGS, minimumClients: 1 },
      channel: channelSettings('server', { ...FAST_CHANNEL, options: small }),
    });
    const python = start('client', [server.target, 'py', '3'], { copies: 20_000 });
    const told = 'Received message larger than max (60038 vs 10000)';
    await expect
      .poll(() => python.lines.filter((line) => line['waiting'] === told).length, { timeout: 10_000 })
      .toBeGreaterThan(2);
    const troubles = playground.ground.events.filter(({ event }) => event === 'trouble');
    expect(troubles).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/with 60038 bytes .* 10000 \(grpc\.max_receive_message_length\)$/),
      }),
    ]);
  });

  it('B12: may die, and the round goes on without them', async () => {
    const server = await playground.server({ settings: { ...SETTINGS, heartbeatTimeoutMs: 1_500 } });
    const python = start('client', [server.target, 'py', '3'], { rounds: 1, heartbeat: 0.3 });
    const [outcome] = await Promise.all([
      server.outcome,
      playground.client(server.target, 'ours', { executor: numberExecutor(1) }),
      python.done,
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(playground.ground.eventsOf('server')).toContain('participant-lost');
  });
});

describe.skipIf(!ready)('our client at a server of kMoL', () => {
  it('trains every round once, beside a client of kMoL, and ends when the server says so', async () => {
    const server = start('server', ['-', '3', '2'], { task: { epochs: 7 } });
    const target = `127.0.0.1:${String((await server.first('port'))['port'])}`;
    const python = start('client', [target, 'py', '3']);
    const [{ run, ending }, , lines] = await Promise.all([
      playground.client(target, 'ours', { executor: numberExecutor(1) }),
      python.done,
      server.done,
    ]);
    expect(run).toMatch(/^\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}$/);
    expect(ending).toMatchObject({ kind: 'finished', finalRound: null });
    // kMoL's server leaves at once after the last update, at times before it has answered it.
    const answered = playground.ground.eventsOf('ours').filter((event) => event === 'uploaded').length;
    expect([2, 3]).toContain(answered);
    expect(lines.filter((line) => 'round' in line).map((line) => line['aggregate'])).toEqual([
      '2.0',
      '4.0',
      '6.0',
    ]);
  });

  it('sends a checkpoint again that did not arrive', async () => {
    const server = start('server', ['-', '2', '1'], { fail_first: 'ours' });
    const target = `127.0.0.1:${String((await server.first('port'))['port'])}`;
    const [{ ending }, lines] = await Promise.all([playground.client(target, 'ours'), server.done]);
    expect(ending?.kind).toBe('finished');
    expect(lines.filter((line) => 'round' in line)).toHaveLength(2);
  });
});
