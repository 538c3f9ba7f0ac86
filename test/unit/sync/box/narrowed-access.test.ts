import { describe, expect, it } from 'vitest';
import { AuthError, type MilaError, TransientError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import type { Access } from '../../../../src/sync/box/access.ts';
import { NarrowedAccess } from '../../../../src/sync/box/narrowed-access.ts';
import { FakeClock } from './fake-clock.ts';

const MINUTE_MS = 60_000;
const LIST = 'GET /2.0/folders/:id/items';
const MAKE = 'POST /2.0/folders';
const refusal = new AuthError({
  code: 'login-refused',
  message: 'subject_token provided is invalid',
  data: { refusal: { status: 400 } },
});

function accessWith() {
  const clock = new FakeClock();
  const told: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_: unknown, message: string) => told.push(message),
    info: (_: unknown, message: string) => told.push(message),
  };
  let failure: MilaError | undefined;
  let count = 1;
  const narrow: Access = {
    async token() {
      if (failure !== undefined) throw failure;
      return `narrow ${count}`;
    },
    refuse() {},
    headers: {},
  };
  const wide: Access = { token: async () => 'wide', refuse() {}, headers: {} };
  return {
    clock,
    told,
    access: new NarrowedAccess({ narrow, wide, clock, logger }),
    fail: (error: MilaError | undefined) => {
      failure = error;
    },
    renew: () => {
      count += 1;
    },
  };
}

describe('NarrowedAccess', () => {
  it('asks for narrowed tokens again after Box gave none, and says so once', async () => {
    const { access, clock, fail, told } = accessWith();
    fail(refusal);
    for (let time = 0; time < 3; time += 1) {
      expect(await access.token(undefined, LIST)).toBe('wide');
      await clock.advance(11 * MINUTE_MS);
    }
    fail(undefined);
    expect(await access.token(undefined, LIST)).toBe('narrow 1');
    expect(told).toEqual([
      'Box gives no token narrowed to the folder; going on with the full one',
      'Box gives a token narrowed to the folder again',
    ]);
  });

  it('does not ask again at every call', async () => {
    const { access, clock, fail } = accessWith();
    fail(refusal);
    await access.token(undefined, LIST);
    fail(undefined);
    await clock.advance(9 * MINUTE_MS);
    expect(await access.token(undefined, LIST)).toBe('wide');
  });

  it('does not take a network that is down for a refusal', async () => {
    const { access, fail } = accessWith();
    fail(new TransientError({ code: 'network', message: 'down' }));
    await expect(access.token(undefined, LIST)).rejects.toMatchObject({ code: 'network' });
    fail(undefined);
    expect(await access.token(undefined, LIST)).toBe('narrow 1');
  });

  it('tries a call that was refused once with a narrowed token again after an hour', async () => {
    const { access, clock, told } = accessWith();
    expect(access.widen(MAKE, await access.token(undefined, MAKE))).toBe(true);
    expect(await access.token(undefined, MAKE)).toBe('wide');
    expect(await access.token(undefined, LIST)).toBe('narrow 1');
    await clock.advance(61 * MINUTE_MS);
    const again = await access.token(undefined, MAKE);
    expect(again).toBe('narrow 1');
    expect(access.widen(MAKE, again)).toBe(true);
    expect(told).toHaveLength(1);
    await clock.advance(61 * MINUTE_MS);
    access.proved(MAKE, await access.token(undefined, MAKE));
    expect(access.widen(MAKE, 'narrow 1')).toBe(false);
  });

  it('sends each of two calls that were refused at once with the full token', async () => {
    const { access } = accessWith();
    const [one, other] = [await access.token(undefined, MAKE), await access.token(undefined, MAKE)];
    expect([access.widen(MAKE, one), access.widen(MAKE, other)]).toEqual([true, true]);
    expect(access.widen(MAKE, await access.token(undefined, MAKE))).toBe(false);
  });

  it('does not take what the full token did for a proof of the narrowed one', async () => {
    const { access, clock, fail } = accessWith();
    fail(refusal);
    access.proved(MAKE, await access.token(undefined, MAKE));
    fail(undefined);
    await clock.advance(11 * MINUTE_MS);
    expect(access.widen(MAKE, await access.token(undefined, MAKE))).toBe(true);
  });

  it('knows a narrowed token that was renewed while the call was under way', async () => {
    const { access, renew } = accessWith();
    const before = await access.token(undefined, MAKE);
    renew();
    expect(await access.token(undefined, LIST)).toBe('narrow 2');
    expect(access.widen(MAKE, before)).toBe(true);
  });
});
