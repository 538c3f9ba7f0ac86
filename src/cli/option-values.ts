import { InvalidArgumentError } from 'commander';

const KIBI = 1024;
const PER_SECOND: Readonly<Record<string, number>> = { '': 1, K: KIBI, M: KIBI ** 2, G: KIBI ** 3 };

/** A parser of whole numbers within bounds. */
export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/** "1000" and "1000/min" mean the same. */
export function perMinute(value: string): number {
  return wholeNumber(0, Number.MAX_SAFE_INTEGER)(value.replace(/\/min$/, ''));
}

/** Bytes a second: "500000", "500K", "10M", also with "B" or "B/s" behind. */
export function bandwidth(value: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)([KMG]?)(?:i?B)?(?:\/s)?$/i.exec(value);
  if (match === null) throw new InvalidArgumentError('expected bytes a second, such as 500K or 10M');
  return Math.round(Number(match[1]) * (PER_SECOND[(match[2] ?? '').toUpperCase()] ?? 1));
}
