import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Settings } from '../../../../src/sync/box-emulator/settings.ts';
import { acceptedName, nameKey } from '../../../../src/sync/box-emulator/store/names.ts';

const settings = new Settings({}).values;

describe('names', () => {
  it('are unique without regard to case and to how an accent is written', () => {
    expect(nameKey('Straße.PT', 'nfc')).toBe(nameKey('straße.pt', 'nfc'));
    expect(nameKey('e\u0301', 'nfc')).toBe(nameKey('\u00e9', 'nfc'));
    expect(nameKey('e\u0301', 'none')).not.toBe(nameKey('\u00e9', 'none'));
  });

  it('never hold a separator or a control character once accepted', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.constantFrom('reject', 'sanitize'),
        (name, illegalFileNames) => {
          let accepted: string;
          try {
            accepted = acceptedName(name, 'file', { ...settings, illegalFileNames });
          } catch {
            return;
          }
          const illegal = [...accepted].filter((each) => each < ' ' || '/\\\u007f'.includes(each));
          expect(illegal).toEqual([]);
          expect(['', '.', '..']).not.toContain(accepted);
          expect(accepted.length).toBeLessThanOrEqual(255);
          expect(accepted).toBe(accepted.trimEnd());
          if (illegalFileNames === 'reject') expect(accepted).toBe(name);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('may begin with a blank or a dot, and hold what only Windows forbids', () => {
    for (const name of [' x', '.x', 'a:b*?"<>|', 'x.', 'CON'])
      expect(acceptedName(name, 'folder', settings)).toBe(name);
  });
});
