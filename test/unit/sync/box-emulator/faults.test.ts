import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/random.ts';
import { Faults } from '../../../../src/sync/box-emulator/control/faults.ts';

const user = { id: 7, name: 'tester1', login: 't@x' };
const subject = (path: string, method = 'GET') => ({ method, path, user });
const any = () => true;

describe('Faults', () => {
  it('match by method, by path with stars and by user', () => {
    const faults = new Faults(seededRandom(1));
    faults.add({
      match: { method: 'get', path: '/2.0/files/*/content', user: 'tester1' },
      action: { kind: 'delay', ms: 1 },
    });
    const strikes = (path: string, method = 'GET') => faults.strike(subject(path, method), any) !== undefined;
    expect(strikes('/2.0/files/1/content')).toBe(true);
    expect(strikes('/2.0/files/1/2/content')).toBe(false);
    expect(strikes('/2.0/files/1/content', 'POST')).toBe(false);
    expect(faults.strike({ ...subject('/2.0/files/1/content'), user: undefined }, any)).toBeUndefined();
    faults.clear();
    faults.add({ match: { path: '/2.0/**' }, action: { kind: 'drop_before' } });
    expect(strikes('/2.0/files/1/2/content')).toBe(true);
  });

  it('strike by chance as often as they were told, the same for the same seed', () => {
    const run = (seed: number) => {
      const faults = new Faults(seededRandom(seed));
      faults.add({ action: { kind: 'drop_before' }, probability: 0.3 });
      return Array.from({ length: 1000 }, () => faults.strike(subject('/x'), any) !== undefined);
    };
    expect(run(5)).toEqual(run(5));
    const struck = run(5).filter(Boolean).length;
    expect(struck).toBeGreaterThan(240);
    expect(struck).toBeLessThan(360);
  });

  it('hold events apart from requests', () => {
    const faults = new Faults(seededRandom(1));
    faults.add({
      match: { user: '7' },
      action: { kind: 'events', effect: 'lose', type: 'ITEM_MOVE' },
      times: 1,
    });
    expect(faults.strike(subject('/2.0/events'), any)).toBeUndefined();
    expect(faults.tamper('ITEM_UPLOAD', user)).toBeUndefined();
    expect(faults.tamper('ITEM_MOVE', { ...user, id: 8 })).toBeUndefined();
    expect(faults.tamper('ITEM_MOVE', user)).toEqual({ kind: 'lose' });
    expect(faults.tamper('ITEM_MOVE', user)).toBeUndefined();
  });
});
