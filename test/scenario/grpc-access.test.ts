import { networkInterfaces } from 'node:os';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultGrpcSection } from '../../src/fl/config/grpc-section.ts';
import { clientCredentials } from '../../src/fl/transport/grpc/credentials.ts';
import { silentLogger } from '../../src/logger.ts';
import { numberExecutor, SETTINGS } from '../support/federation.ts';
import { BareLinks, GrpcPlayground } from '../support/grpc-federation.ts';

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

const never = new AbortController().signal;

it('a token is one participant’s own, and opens nothing once it was given back', async () => {
  const server = await playground.server();
  const link = linkTo(server.target);
  const [a, b] = [await link.authenticate('a', {}), await link.authenticate('b', {})];
  const [tokenA, tokenB] = [a.value?.token ?? '', b.value?.token ?? ''];
  expect(tokenA).toMatch(/^\w{32}$/);
  expect(tokenB).not.toBe(tokenA);
  expect((await link.leave(tokenA, {}, 5_000)).code).toBe(status.OK);
  for (const token of [tokenA, '', 'x'.repeat(32)]) {
    const replies = [
      await link.heartbeat(token),
      await link.requestModel(token, {}, never),
      await link.leave(token, {}, 5_000),
    ];
    for (const reply of replies)
      expect(reply).toMatchObject({
        code: status.PERMISSION_DENIED,
        details: 'Access Denied... Token is invalid...',
      });
  }
  expect((await link.heartbeat(tokenB)).code).toBe(status.OK);
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');

describe.runIf(hasIpv6)('at a server that listens to IPv4 and IPv6', () => {
  const HOSTS = ['127.0.0.1', '[::1]'];
  const both = ['::1', '127.0.0.1'];
  it.each([
    ['IPv4 that comes in over IPv6 counts as IPv4', [], ['127.0.0.0/8'], [true, false]],
    ['IPv6 is told apart', [], ['::/0'], [false, true]],
    ['a network of IPv6 can be refused', ['::/64'], both, [true, false]],
  ])('%s', async (_, blacklist, whitelist, expected) => {
    const lists = { blacklist, whitelist, useWhitelist: true };
    const server = await playground.server({ target: '[::]:0', lists });
    const codes = [];
    for (const [index, host] of HOSTS.entries())
      codes.push((await linkTo(`${host}:${server.port}`).authenticate(`site_${index}`, {})).code);
    expect(codes).toEqual(expected.map((isIn) => (isIn ? status.OK : status.UNAVAILABLE)));
  });
});

it('a client, too, warns of a connection that is not secure', async () => {
  const { warnings } = await clientCredentials(defaultGrpcSection(), Date.now());
  expect(warnings).toEqual([expect.stringContaining('not secure')]);
});

it('B16: a server that is gone is asked for more and more seldom, and found again', async () => {
  const settings = { ...SETTINGS, roundsCount: 2, minimumClients: 1, maximumClients: 1 };
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const pauses: number[] = [];
  const logger = {
    ...silentLogger,
    warn(data: object) {
      if ('pauseMs' in data) pauses.push(Number(data.pauseMs));
    },
    child: () => logger,
  };
  const first = await playground.server({ settings });
  const client = playground.client(first.target, 'a', {
    logger,
    executor: numberExecutor(1, () => gate),
  });
  await expect.poll(() => playground.ground.eventsOf('a')).toContain('training');
  first.park();
  await first.outcome;
  await expect.poll(() => pauses.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
  expect(pauses.slice(0, 4)).toEqual([50, 100, 200, 400]);
  const second = await playground.server({ settings, target: first.target });
  open();
  const [outcome, { ending }] = await Promise.all([second.outcome, client]);
  expect([outcome.ending?.kind, ending?.kind]).toEqual(['finished', 'finished']);
});
