import { afterEach, describe, expect, it } from 'vitest';
import { AuthError, TransientError } from '../../../../src/errors.ts';
import { LongPoll } from '../../../../src/sync/box/long-poll.ts';
import { json, type Reply, rawServer } from './raw-server.ts';
import { testSession } from './test-session.ts';

describe('LongPoll', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());

  /** A Box whose realtime server gives these messages, one for each subscription. */
  const boxWith = async (messages: readonly (string | Reply)[], announced: Record<string, unknown> = {}) => {
    const paths: string[] = [];
    let next = 0;
    const server = await rawServer([
      (request, response, raw) => {
        paths.push(`${request.method} ${request.path.split('?')[0]}`);
        if (request.method === 'OPTIONS') {
          const entry = {
            type: 'realtime_server',
            url: `http://${request.headers.host}/subscribe?channel=abc&stream_type=all`,
            ttl: '10',
            max_retries: '10',
            retry_timeout: 610,
            ...announced,
          };
          return json(200, { chunk_size: 1, entries: [entry] })(request, response, raw);
        }
        expect(new URL(request.path, 'http://x').searchParams.get('stream_position')).toBe('77');
        const message = messages[Math.min(next, messages.length - 1)];
        next += 1;
        if (typeof message === 'function') return message(request, response, raw);
        return json(200, { version: 1, message })(request, response, raw);
      },
    ]);
    close = server.close;
    const { session, clock, calls } = testSession(server.url);
    return { poll: new LongPoll(session, clock), paths, calls };
  };
  const never = () => AbortSignal.timeout(20_000);
  const OPTIONS = 'OPTIONS /2.0/events';
  const SUBSCRIBE = 'GET /subscribe';

  it('returns on a change and keeps its server for the next wait', async () => {
    const { poll, paths, calls } = await boxWith(['new_change']);
    await poll.wait('77', never());
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE]);
    expect(calls).toHaveLength(1);
  });

  it('asks for another server when told to reconnect', async () => {
    const { poll, paths } = await boxWith(['reconnect', 'new_change']);
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it('asks for another server after as many subscriptions as Box allows, without a pause', async () => {
    const { poll, paths } = await boxWith(['new_change'], { max_retries: '2' });
    const startedMs = performance.now();
    for (let count = 0; count < 3; count += 1) await poll.wait('77', never());
    expect(performance.now() - startedMs).toBeLessThan(900);
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it('subscribes again after the silence that Box announced', async () => {
    const { poll, paths } = await boxWith([() => {}, 'new_change'], { retry_timeout: 1 });
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE]);
  });

  it('asks for another server when this one refuses or breaks', async () => {
    const cut: Reply = (_request, response) => response.destroy();
    const { poll, paths } = await boxWith([json(404, ''), cut, 'new_change']);
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it('gives up after a number of tries, slowly', async () => {
    const { poll, paths } = await boxWith([json(403, '')]);
    const startedMs = performance.now();
    await expect(poll.wait('77', never())).rejects.toBeInstanceOf(TransientError);
    expect(performance.now() - startedMs).toBeGreaterThan(2_900);
    expect(paths.length).toBeLessThanOrEqual(8);
  });

  it('does not hide that the account may not log in any more', async () => {
    const { poll } = await boxWith([json(401, '')]);
    await expect(poll.wait('77', never())).rejects.toBeInstanceOf(AuthError);
  });

  it('returns at once when the caller gives up', async () => {
    const { poll } = await boxWith([() => {}]);
    const startedMs = performance.now();
    await poll.wait('77', AbortSignal.timeout(50));
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('does not spin when the server answers nonsense', async () => {
    const { poll, paths } = await boxWith(['what']);
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE]);
  });
});
