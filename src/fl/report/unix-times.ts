import { isoTime } from './quantities.ts';

/** Ten digits and their fraction at the end of a line: a time from 2001 to 2065 as kMoL's programs print one. */
const AT_LINE_END = /(?<=^|[ \t,;:(])([12]\d{9}(?:\.\d{1,9})?)(?=[).]?[ \t]*$)/gm;
/** Later than this nobody wrote a run's file. Units: seconds since 1970. */
const LATEST_S = 3_000_000_000;

/**
 * Words of a run's files with each Unix time at the end of a line as a time that people read, in UTC.
 *
 * Guarantees: a number in the middle of a line is left alone: it may count bytes.
 */
export function withoutUnixTimes(text: string): string {
  return text.replaceAll(AT_LINE_END, (number) => {
    const seconds = Number(number);
    const iso = seconds < LATEST_S ? isoTime(seconds * 1000) : null;
    return iso === null ? number : `${iso.slice(0, 19).replace('T', ' ')} UTC`;
  });
}
