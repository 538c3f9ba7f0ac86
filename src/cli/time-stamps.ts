const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
const MINUTES_PER_HOUR = 60;

/** The time of day here, on 24 hours, such as "13:05:09". Units: milliseconds since 1970. */
export function timeOfDay(timeMs: number): string {
  const time = new Date(timeMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
}

/** The date here, such as "2026-11-28". Units: milliseconds since 1970. */
export function dateHere(timeMs: number): string {
  const time = new Date(timeMs);
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join('-');
}

/** A time as somebody reads it at `nowMs`: with its date where that is another one. */
export function timeHere(timeMs: number, nowMs: number): string {
  const [date, today] = [dateHere(timeMs), dateHere(nowMs)];
  return date === today ? timeOfDay(timeMs) : `${date} ${timeOfDay(timeMs)}`;
}

/** How far this place's time is from UTC at a time, such as "UTC+05:30". */
function zone(timeMs: number): string {
  const minutes = -new Date(timeMs).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${two(size / MINUTES_PER_HOUR)}:${two(size % MINUTES_PER_HOUR)}`;
}

/** What stands before a line that tells when it was written. */
export interface Lead {
  /** A line of its own, where the date or the zone is another than the line before said. */
  readonly date: string | undefined;
  readonly time: string;
}

/** Gives every line its time, and tells the date when it changes: runs last days, at sites in several zones. */
export class TimeStamps {
  #date: string | undefined;

  lead(nowMs: number): Lead {
    const date = `${dateHere(nowMs)} ${zone(nowMs)}`;
    const isNew = date !== this.#date;
    this.#date = date;
    return { date: isNew ? date : undefined, time: timeOfDay(nowMs) };
  }
}
