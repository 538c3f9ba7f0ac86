import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { GrpcSection } from '../../src/fl/config/grpc-section.ts';
import type { GrpcFederationServerOptions } from '../../src/fl/grpc-server.ts';
import { clientCredentials, serverCredentials } from '../../src/fl/transport/grpc/credentials.ts';
import { SETTINGS } from '../support/federation.ts';
import { TestCertificates } from '../support/grpc-certificates.ts';
import { BareLinks, GrpcPlayground } from '../support/grpc-federation.ts';

let certificates: TestCertificates;
let playground: GrpcPlayground;
let serverSection: GrpcSection;
const links = new BareLinks();
beforeAll(async () => {
  certificates = await TestCertificates.open();
  serverSection = await certificates.server('localhost', '127.0.0.1');
});
afterAll(() => certificates.close());
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  links.close();
  await playground.close();
});

const serve = async (overrides: Partial<GrpcFederationServerOptions> = {}) =>
  playground.server({
    target: 'localhost:0',
    credentials: (await serverCredentials(serverSection, Date.now())).credentials,
    ...overrides,
  });

const linkWith = async (target: string, section: GrpcSection) =>
  links.to(target, await clientCredentials(section, Date.now()));

it('a certificate stands for one name: it registers under no other one', async () => {
  const server = await serve();
  const a = await linkWith(server.target, await certificates.client('site_a'));
  const b = await linkWith(server.target, await certificates.client('site_b'));
  for (const name of ['evil_one', 'site_b', 'Site_Ä'])
    expect(await a.authenticate(name, {})).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: `Authentication failed... The certificate of this client is for the name site_a, not for ${name}.`,
    });
  await a.authenticate('evil_one', {});
  const told = playground.ground.events.flatMap((each) => (each.event === 'trouble' ? [each.message] : []));
  expect(told).toHaveLength(3);
  expect(told[0]).toMatch(
    /^evil_one was refused \(from .*\): The certificate of this client is for the name site_a/,
  );
  expect((await a.authenticate('site_a', {})).code).toBe(status.OK);
  expect((await b.authenticate('site_b', {})).code).toBe(status.OK);
});

it('names of certificates are compared as names are: in lower case and composed', async () => {
  const server = await serve();
  const a = await linkWith(server.target, await certificates.client('Zu\u0308rich_A'));
  expect((await a.authenticate('z\u00fcrich_a', {})).code).toBe(status.OK);
  expect((await a.authenticate('ZÜRICH_A', {})).details).toContain('The name ZÜRICH_A is taken.');
});

it('a certificate of another kind is told what it is for, and which setting takes it', async () => {
  const section = await certificates.client('client 7.pharma.example.org');
  const server = await serve();
  const link = await linkWith(server.target, section);
  const reply = await link.authenticate('site_a', {});
  expect(reply.code).toBe(status.PERMISSION_DENIED);
  expect(reply.details).toContain(
    'is for "client 7.pharma.example.org", which is no participant\'s name; with certificates of another kind the server sets "names": "any" in grpc_configuration.',
  );
  server.park();
  await server.outcome;
  const open = await serve({ names: 'any', resume: 'never' });
  expect((await (await linkWith(open.target, section)).authenticate('site_a', {})).code).toBe(status.OK);
});

it('one certificate has one seat, also where names are free, at once or later, left or not', async () => {
  const settings = { ...SETTINGS, minimumClients: 10 };
  const server = await serve({ names: 'any', settings });
  const section = await certificates.client('shared');
  const [one, two] = [await linkWith(server.target, section), await linkWith(server.target, section)];
  const replies = await Promise.all([one.authenticate('x1', {}), two.authenticate('x2', {})]);
  expect(replies.map(({ code }) => code).sort()).toEqual([status.OK, status.PERMISSION_DENIED]);
  const holder = replies[0].value === undefined ? 'x2' : 'x1';
  const token = replies.find(({ value }) => value !== undefined)?.value?.token ?? '';
  const taken = `The certificate of this client takes part as ${holder} already.`;
  expect((await two.authenticate('x3', {})).details).toContain(taken);
  expect((await one.leave(token, {}, 5_000)).code).toBe(status.OK);
  expect((await two.authenticate('x3', {})).details).toContain(taken);
  // What sharing means, as docs/grpc.md says: the same certificate is the same participant.
  expect((await two.authenticate(holder, {})).value?.token).toBe(token);
});

it('a renewed certificate keeps its name, and the one before it loses its token', async () => {
  const server = await serve();
  const before = await linkWith(server.target, await certificates.client('site_a'));
  const first = await before.authenticate('site_a', {});
  const renewed = await linkWith(server.target, await certificates.client('site_a'));
  const second = await renewed.authenticate('site_a', {});
  expect(second.code).toBe(status.OK);
  expect(second.value?.token).not.toBe(first.value?.token);
  expect((await before.heartbeat(first.value?.token ?? '')).code).toBe(status.PERMISSION_DENIED);
  expect((await renewed.heartbeat(second.value?.token ?? '')).code).toBe(status.OK);
});

it('where names are free, they belong to the certificate that took them', async () => {
  const server = await serve({ names: 'any' });
  const a = await linkWith(server.target, await certificates.client('a'));
  const b = await linkWith(server.target, await certificates.client('b'));
  expect((await a.authenticate('site', {})).code).toBe(status.OK);
  expect((await b.authenticate('site', {})).details).toContain('The name site is taken.');
});
