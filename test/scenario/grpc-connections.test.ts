import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectSecure } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionLimits } from '../../src/fl/transport/grpc/connections.ts';
import { clientCredentials, serverCredentials } from '../../src/fl/transport/grpc/credentials.ts';
import { SETTINGS } from '../support/federation.ts';
import { TestCertificates } from '../support/grpc-certificates.ts';
import { BareLinks, GrpcPlayground } from '../support/grpc-federation.ts';
import { frame, RawConnection, textMessage } from '../support/raw-grpc.ts';

const LIMITS: ConnectionLimits = {
  total: 100,
  perAddress: 100,
  firstCallMs: 30_000,
  strangerIdleMs: 30_000,
  participantIdleMs: 30_000,
};
const NOBODY = { blacklist: ['127.0.0.0/8', '::1'], whitelist: [], useWhitelist: false };

let playground: GrpcPlayground;
const links = new BareLinks();
const sockets: Socket[] = [];
const raws: RawConnection[] = [];
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const raw of raws.splice(0)) raw.close();
  links.close();
  await playground.close();
});

/** A connection that says nothing by itself. */
function bare(port: number, host = '127.0.0.1') {
  const socket = connect(port, host);
  sockets.push(socket);
  socket.on('error', () => {});
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
  });
  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(received)));
  return { socket, closed, isOpen: () => !socket.closed };
}

function raw(target: string): RawConnection {
  const connection = new RawConnection(target);
  raws.push(connection);
  return connection;
}

const troubles = () =>
  playground.ground.events.flatMap((each) => (each.event === 'trouble' ? [each.message] : []));

async function securely() {
  const certificates = await TestCertificates.open();
  const section = await certificates.server('localhost', '127.0.0.1');
  const { credentials } = await serverCredentials(section, Date.now());
  return { certificates, credentials };
}

it('whom the lists do not allow is cut before anything is read or said', async () => {
  const calls: string[] = [];
  const server = await playground.server({ lists: NOBODY, onCall: (method) => void calls.push(method) });
  expect(await bare(server.port).closed).toBe(0);
  const reply = await links.to(server.target).authenticate('a', {});
  expect(reply.code).toBe(status.UNAVAILABLE);
  expect(calls).toEqual([]);
  expect(troubles()).toEqual([
    'a connection from 127.0.0.1 was refused: its address is not allowed (whitelist, blacklist)',
  ]);
});

it('nor does the server show it a certificate', async () => {
  const { certificates, credentials } = await securely();
  try {
    const server = await playground.server({ lists: NOBODY, credentials });
    const socket = connectSecure({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    sockets.push(socket);
    let isShown = false;
    socket.once('secureConnect', () => {
      isShown = true;
    });
    await new Promise<void>((resolve) => {
      socket.once('error', () => resolve());
      socket.once('close', () => resolve());
    });
    expect(isShown).toBe(false);
  } finally {
    await certificates.close();
  }
});

it('bare connections and half handshakes are closed in time', async () => {
  const { certificates, credentials } = await securely();
  try {
    const connections = { ...LIMITS, firstCallMs: 300 };
    const server = await playground.server({ connections });
    const secure = await playground.server({ connections, credentials, resume: 'never' });
    const [silent, half, preface] = [bare(server.port), bare(secure.port), bare(server.port)];
    // The beginning of a TLS hello, and of HTTP/2.
    half.socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
    preface.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await Promise.all([silent.closed, half.closed, preface.closed]);
  } finally {
    await certificates.close();
  }
});

it('connections without calls are closed: those of strangers sooner', async () => {
  const connections = { ...LIMITS, strangerIdleMs: 200, participantIdleMs: 60_000 };
  const server = await playground.server({ connections });
  const call = async (connection: RawConnection, method: string, text: string) => {
    const { stream, status: code } = connection.call(method);
    stream.end(frame(textMessage(text)));
    return code;
  };
  const [stranger, participant] = [raw(server.target), raw(server.target)];
  const isClosed = new Promise((resolve) => stranger.session.once('close', resolve));
  expect(await call(participant, 'Authenticate', 'a')).toBe(String(status.OK));
  expect(await call(stranger, 'Heartbeat', 'x'.repeat(32))).toBe(String(status.PERMISSION_DENIED));
  await isClosed;
  expect(participant.session.closed || participant.session.destroyed).toBe(false);
});

it('an open call keeps its connection', async () => {
  const connections = { ...LIMITS, firstCallMs: 200, strangerIdleMs: 200, participantIdleMs: 200 };
  const server = await playground.server({ connections });
  const watching = raw(server.target);
  const watch = watching.session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  watch.on('error', () => {});
  watch.end(frame(Buffer.alloc(0)));
  const other = bare(server.port);
  await other.closed;
  expect(watching.session.destroyed).toBe(false);
  const isClosed = new Promise((resolve) => watching.session.once('close', resolve));
  watch.close();
  await isClosed;
});

it.each(['total', 'perAddress'] as const)('the %s limit holds, and strangers make way', async (which) => {
  const server = await playground.server({ connections: { ...LIMITS, [which]: 5 } });
  const strangers = Array.from({ length: 5 }, () => bare(server.port));
  await Promise.all(strangers.map(({ socket }) => new Promise((done) => socket.once('connect', done))));
  const link = links.to(server.target);
  const { value } = await link.authenticate('a', {});
  expect(value?.token).toMatch(/^\w{32}$/);
  await expect.poll(() => strangers.filter(({ isOpen }) => isOpen()).length).toBe(4);
  // However many come, the participant's own connection stays.
  const many = Array.from({ length: 50 }, () => bare(server.port));
  await expect.poll(() => [...strangers, ...many].filter(({ isOpen }) => isOpen()).length).toBe(4);
  expect((await link.heartbeat(value?.token ?? '')).code).toBe(status.OK);
});

it('where everybody takes part, the limit turns newcomers away and says so', async () => {
  const server = await playground.server({ connections: { ...LIMITS, perAddress: 2 } });
  for (const name of ['a', 'b'])
    expect((await links.to(server.target).authenticate(name, {})).code).toBe(status.OK);
  expect((await links.to(server.target).authenticate('c', {})).code).toBe(status.UNAVAILABLE);
  expect(troubles()).toContain(
    'a connection from 127.0.0.1 was refused: there are 100 connections, or 2 from there',
  );
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');

describe.runIf(hasIpv6)('over IPv6', () => {
  it('a secure server answers at every address, and counts each by itself', async () => {
    const { certificates, credentials } = await securely();
    try {
      const server = await playground.server({
        credentials,
        target: '[::]:0',
        connections: { ...LIMITS, perAddress: 1 },
        settings: { ...SETTINGS, minimumClients: 3 },
      });
      const names = ['a', 'b'] as const;
      const section = await Promise.all(names.map((name) => certificates.client(name)));
      const override = { optionsFor: () => ({ 'grpc.ssl_target_name_override': 'localhost' }) };
      const codes = [];
      for (const [index, host] of ['127.0.0.1', '[::1]'].entries()) {
        const security = { ...(await clientCredentials(section[index]!, Date.now())), ...override };
        const reply = await links.to(`${host}:${server.port}`, security).authenticate(names[index]!, {});
        codes.push(reply.code);
      }
      expect(codes).toEqual([status.OK, status.OK]);
    } finally {
      await certificates.close();
    }
  });
});

describe('says why it cannot listen, and what helps:', () => {
  it('the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      for (const host of ['127.0.0.1', 'localhost'])
        await expect(playground.server({ target: `${host}:${port}` })).rejects.toMatchObject({
          code: 'cannot-listen',
          hint: expect.stringMatching(/^Another program holds the port/),
        });
    } finally {
      other.close();
    }
  });

  it('the address is not one of this machine', async () => {
    await expect(playground.server({ target: '203.0.113.7:0' })).rejects.toMatchObject({
      code: 'cannot-listen',
      hint: expect.stringMatching(/^The address is not one of this machine/),
    });
  });

  it('the host is unknown', async () => {
    await expect(playground.server({ target: 'nowhere.invalid:0' })).rejects.toMatchObject({
      code: 'cannot-listen',
      hint: expect.stringMatching(/^No name server knows the host/),
    });
  });

  it('the target is none', async () => {
    await expect(playground.server({ target: 'http://localhost:1' })).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'target-malformed',
    });
  });
});
