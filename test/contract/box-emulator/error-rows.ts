import { CONTENT_ROWS } from './error-rows-content.ts';
import { ITEM_ROWS } from './error-rows-items.ts';
import { PEOPLE_ROWS } from './error-rows-people.ts';
import { AUTHENTICATION_ROWS, TOKEN_ROWS } from './error-rows-tokens.ts';
import type { ErrorRow } from './world.ts';

/** Every kind of refusal that the emulator knows. */
export const ERROR_ROWS: readonly ErrorRow[] = [
  ...TOKEN_ROWS,
  ...AUTHENTICATION_ROWS,
  ...ITEM_ROWS,
  ...CONTENT_ROWS,
  ...PEOPLE_ROWS,
];
