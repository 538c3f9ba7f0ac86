import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SETTINGS } from '../support/federation.ts';
import { BareLinks, GrpcPlayground } from '../support/grpc-federation.ts';
import { frame, RawConnection, textMessage } from '../support/raw-grpc.ts';

let playground: GrpcPlayground;
const links = new BareLinks();
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  links.close();
  await playground.close();
});

const eventsOf = (who: string) => playground.ground.eventsOf(who);

async function runFolder(): Promise<string> {
  const [run = ''] = await readdir(playground.runs);
  return join(playground.runs, run);
}

async function filesOfRun(): Promise<readonly string[]> {
  return ((await readdir(await runFolder(), { recursive: true })) as string[]).sort();
}

/** A server whose first round is open, and one of its two participants. */
async function opened() {
  const server = await playground.server({
    settings: { ...SETTINGS, minimumClients: 2, maximumClients: 2 },
  });
  const link = links.to(server.target);
  const token = (await link.authenticate('a', {})).value?.token ?? '';
  const other = links.to(server.target);
  const otherToken = (await other.authenticate('b', {})).value?.token ?? '';
  await expect.poll(() => eventsOf('server')).toContain('round-started');
  return { server, link, token, other, otherToken };
}

it('a failure of any round but the open one is not noted, however often it is said, and makes no folder', async () => {
  const { link, token } = await opened();
  const known = new Set(await filesOfRun());
  let current = token;
  for (const round of [9_000_000, 2, 7, Number.MAX_SAFE_INTEGER, 123, 3, 4, 5]) {
    const reply = await link.leave(current, { failure: { round, message: 'x' } }, 5_000);
    expect(reply).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: `you have left, but the failure is not noted: round 1 is open, and it is said to be of round ${round}`,
    });
    current = (await link.authenticate('a', {})).value?.token ?? '';
  }
  const added = (await filesOfRun()).filter((file) => !known.has(file));
  expect(
    added.filter((file) => !/^(heartbeats\/a_heartbeat\.txt|a\.(departed|lost_connection))$/.test(file)),
  ).toEqual([]);
});

it('a failure of the open round is noted, its text cut to what a person reads', async () => {
  const { server, token } = await opened();
  const raw = new RawConnection(server.target);
  try {
    const note = { failure: { round: 1, message: 'out of memory '.repeat(1_000) } };
    const header = Buffer.from(JSON.stringify(note)).toString('base64');
    const call = raw.call('Close', { 'mila-request-bin': header });
    call.stream.end(frame(textMessage(token)));
    expect(await call.status).toBe(String(status.OK));
  } finally {
    raw.close();
  }
  const path = join(await runFolder(), 'rounds', 'round_1', 'a.failed.json');
  const noted = JSON.parse(await readFile(path, 'utf8')) as { message: string };
  expect(noted.message).toHaveLength(1_000);
  await expect.poll(() => eventsOf('server')).toContain('participant-left');
});

it('before the first round there is none to fail in', async () => {
  const server = await playground.server();
  const link = links.to(server.target);
  const token = (await link.authenticate('a', {})).value?.token ?? '';
  const reply = await link.leave(token, { failure: { round: 1, message: 'x' } }, 5_000);
  expect(reply.code).toBe(status.FAILED_PRECONDITION);
  expect(reply.details).toContain('no round is open');
  expect(await filesOfRun()).not.toContain('rounds/round_1');
});

it('the end does not wait for somebody who has been silent for longer than heartbeat_timeout', async () => {
  const heartbeatTimeoutMs = 1_000;
  const server = await playground.server({
    settings: { ...SETTINGS, roundsCount: 1, minimumClients: 2, maximumClients: 2, heartbeatTimeoutMs },
  });
  const silent = links.to(server.target);
  const [joined] = [await silent.authenticate('silent', {})];
  expect(joined.code).toBe(status.OK);
  const startedMs = Date.now();
  const { ending } = await playground.client(server.target, 'a', { heartbeatFrequencyMs: 200 });
  expect(ending?.kind).toBe('finished');
  await server.outcome;
  expect(Date.now() - startedMs).toBeLessThan(10_000);
});

it('nor for one that fell silent while the end was told', async () => {
  const server = await playground.server({
    settings: { ...SETTINGS, minimumClients: 2, maximumClients: 2, heartbeatTimeoutMs: 1_500 },
  });
  const silent = links.to(server.target);
  expect((await silent.authenticate('silent', {})).code).toBe(status.OK);
  // Heard of, not lost yet, and never again: a run that is stopped now owes it ten seconds by the clock alone.
  server.stop();
  const startedMs = Date.now();
  await server.outcome;
  expect(Date.now() - startedMs).toBeLessThan(5_000);
});
