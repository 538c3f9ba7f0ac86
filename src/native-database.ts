import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { errnoOf, messageOf, StateError } from './errors.ts';

/** Where better-sqlite3 stands, whose compiled part is made when it is installed. */
function folderOfDatabase(): string {
  return dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
}

/**
 * What is wrong when the database's compiled part does not load; undefined for every other error.
 *
 * An installation that ran no install scripts has none, as newer versions of npm do unless they are told otherwise;
 * and after a change of Node's version there is one for the former.
 */
export function databaseNotBuilt(error: unknown): StateError | undefined {
  const isMissing = messageOf(error).startsWith('Could not locate the bindings file');
  if (!isMissing && errnoOf(error) !== 'ERR_DLOPEN_FAILED') return undefined;
  return new StateError({
    code: 'database-not-built',
    message: isMissing
      ? 'the database (better-sqlite3) was installed without its compiled part, because no install script ran'
      : `the database (better-sqlite3) does not fit this Node, ${process.version}`,
    hint: `(cd ${folderOfDatabase()} && npm run install)`,
    cause: error,
  });
}
