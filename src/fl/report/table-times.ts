import { isoTime, timeText } from './quantities.ts';

/** How a table writes its times, and what its caption says about them. */
export interface TableTimes {
  readonly note: string;
  readonly text: (atMs: number | null) => string;
}

/**
 * The shortest way to write some times in UTC: to the second and without their day where it is the same for all, else to
 * the minute, without their year where that is. Units: milliseconds since 1970.
 */
export function tableTimes(times: readonly (number | null)[]): TableTimes {
  const told = times.map(isoTime).filter((iso) => iso !== null);
  const first = told[0];
  const shared = (length: number) =>
    first !== undefined &&
    told.every((iso) => iso.length === 24 && iso.slice(0, length) === first.slice(0, length));
  const cut = (atMs: number | null, length: number) => {
    const text = timeText(atMs);
    return text.length === 19 ? text.slice(length) : text;
  };
  if (first !== undefined && shared(10))
    return { note: `times in UTC, ${first.slice(0, 10)}`, text: (atMs) => cut(atMs, 11) };
  if (first !== undefined && shared(4))
    return { note: `times in UTC, ${first.slice(0, 4)}`, text: (atMs) => cut(atMs, 5).slice(0, 11) };
  return { note: 'times in UTC', text: (atMs) => timeText(atMs).slice(0, 16) };
}
