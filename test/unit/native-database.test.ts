import { expect, it } from 'vitest';
import { StateError } from '../../src/errors.ts';
import { databaseNotBuilt } from '../../src/native-database.ts';

it('a database without its compiled part is told with the line that makes it', () => {
  const error = databaseNotBuilt(new Error('Could not locate the bindings file. Tried:\n → /x/y.node'));
  expect(error).toBeInstanceOf(StateError);
  expect(error?.message).not.toContain('\n');
  expect(error?.hint).toMatch(/^\(cd .*better-sqlite3 && npm run install\)$/);
});

it('a compiled part for another Node is told with the same line', () => {
  const mismatch = Object.assign(new Error('was compiled against a different Node.js version'), {
    code: 'ERR_DLOPEN_FAILED',
  });
  expect(databaseNotBuilt(mismatch)?.message).toContain(process.version);
});

it('every other error of the database stays what it is', () => {
  expect(databaseNotBuilt(new Error('database is locked'))).toBeUndefined();
});
