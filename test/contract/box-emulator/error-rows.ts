import { AUTHENTICATION_ROWS } from './error-rows-authentication.ts';
import { CONDITION_ROWS } from './error-rows-conditions.ts';
import { CONFLICT_ROWS } from './error-rows-conflicts.ts';
import { CONTENT_ROWS } from './error-rows-content.ts';
import { FAULT_ROWS } from './error-rows-faults.ts';
import { GRANT_ROWS } from './error-rows-grants.ts';
import { ITEM_ROWS } from './error-rows-items.ts';
import { LISTING_ROWS } from './error-rows-listings.ts';
import { PEOPLE_ROWS } from './error-rows-people.ts';
import { SESSION_ROWS } from './error-rows-sessions.ts';
import { TOKEN_ROWS } from './error-rows-tokens.ts';
import { TRASH_ROWS } from './error-rows-trash.ts';
import type { ErrorRow } from './world.ts';

/** Every kind of refusal that the emulator knows. */
export const ERROR_ROWS: readonly ErrorRow[] = [
  ...TOKEN_ROWS,
  ...GRANT_ROWS,
  ...AUTHENTICATION_ROWS,
  ...ITEM_ROWS,
  ...CONFLICT_ROWS,
  ...CONDITION_ROWS,
  ...TRASH_ROWS,
  ...LISTING_ROWS,
  ...CONTENT_ROWS,
  ...SESSION_ROWS,
  ...PEOPLE_ROWS,
  ...FAULT_ROWS,
];
