import { describe, expect, it } from 'vitest';
import { AuthError, TransientError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { TokenKeeper } from '../../../../src/sync/box/token-keeper.ts';
import { FakeClock } from './fake-clock.ts';

const HOUR_MS = 3_600_000;

function keeperOf(lifetimeMs = HOUR_MS) {
  const clock = new FakeClock();
  let issued = 0;
  let failure: Error | undefined;
  let release: () => void = () => {};
  let hold = false;
  const grant = {
    async issue() {
      issued += 1;
      const token = `t${issued}`;
      if (hold) await new Promise<void>((resolve) => (release = resolve));
      if (failure !== undefined) throw failure;
      return { token, lifetimeMs };
    },
  };
  return {
    clock,
    keeper: new TokenKeeper({ grant, clock, logger: silentLogger }),
    issued: () => issued,
    fail: (error: Error | undefined) => {
      failure = error;
    },
    hold: () => {
      hold = true;
    },
    release: () => release(),
  };
}

describe('TokenKeeper', () => {
  it('asks once for any number of callers at once', async () => {
    const { keeper, issued } = keeperOf();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => keeper.token()));
    expect(new Set(tokens)).toEqual(new Set(['t1']));
    expect(issued()).toBe(1);
  });

  it('renews before the token ends, by the life that Box named', async () => {
    const { keeper, clock } = keeperOf(10 * 60_000);
    expect(await keeper.token()).toBe('t1');
    await clock.advance(7 * 60_000);
    expect(await keeper.token()).toBe('t1');
    await clock.advance(2 * 60_000);
    expect(await keeper.token()).toBe('t2');
  });

  it('does not renew for ever when the life is short', async () => {
    const { keeper, issued } = keeperOf(5_000);
    await keeper.token();
    await keeper.token();
    expect(issued()).toBe(1);
  });

  it('goes on with the old token while it lives when renewing fails', async () => {
    const { keeper, clock, fail } = keeperOf();
    await keeper.token();
    await clock.advance(HOUR_MS - 60_000);
    fail(new TransientError({ code: 'network', message: 'down' }));
    expect(await keeper.token()).toBe('t1');
    await clock.advance(60_000);
    await expect(keeper.token()).rejects.toMatchObject({ code: 'network' });
  });

  it('drops a refused token once, however many callers report it', async () => {
    const { keeper, issued } = keeperOf();
    const first = await keeper.token();
    keeper.refuse(first);
    expect(await keeper.token()).toBe('t2');
    keeper.refuse(first);
    expect(await keeper.token()).toBe('t2');
    expect(issued()).toBe(2);
  });

  it('asks again after a failure', async () => {
    const { keeper, fail } = keeperOf();
    fail(new AuthError({ code: 'x', message: 'no' }));
    await expect(keeper.token()).rejects.toThrow('no');
    fail(undefined);
    expect(await keeper.token()).toBe('t2');
  });

  it('lets one caller give up without disturbing the others', async () => {
    const { keeper, hold, release } = keeperOf();
    hold();
    const giveUp = new AbortController();
    const impatient = keeper.token(giveUp.signal);
    const patient = keeper.token();
    giveUp.abort();
    await expect(impatient).rejects.toMatchObject({ name: 'AbortError' });
    release();
    expect(await patient).toBe('t1');
  });
});
