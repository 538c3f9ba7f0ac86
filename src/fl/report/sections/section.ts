import type { Markup } from '../html.ts';
import { NO_VALUE } from '../page-table.ts';

/** What a page holds before it becomes a burden; `--json` has everything. */
export const ROWS_MAX = 2000;
export const PARTICIPANTS_MAX = 100;

/** A part of a page, with its name in the list of contents. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

/** A value as text, or a dash where there is none. */
export function orDash<Value>(value: Value | null, text: (value: Value) => string): string {
  return value === null ? NO_VALUE : text(value);
}
