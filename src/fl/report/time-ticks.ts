import { haveRoom, textWidth } from './label-room.ts';

/** A mark on an axis of time. Units: milliseconds since 1970. */
export interface TimeTick {
  readonly atMs: number;
  readonly label: string;
}

interface TicksRequest {
  /** Units: milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The axis' length. Units: CSS pixels. */
  readonly width: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Steps that divide a day, so that midnight has a mark of its own. Units: milliseconds. */
const CLOCK_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
];
const DAY_STEPS = [1, 2, 7, 14];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120, 1200];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
/** More marks than these are in nobody's way to be refused by their labels. */
const TICKS_MAX = 60;
/** Between two labels. Units: CSS pixels. */
const GAP = 22;
/** How far a label may reach beyond the axis' end. Units: CSS pixels. */
const OVERHANG = 20;

/** A day as charts name it, in UTC: "26 Nov". */
export function dayText(atMs: number): string {
  const date = new Date(atMs);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
}

function clockLabel(atMs: number, stepMs: number): string {
  if (atMs % DAY === 0) return dayText(atMs);
  return new Date(atMs).toISOString().slice(11, stepMs < MINUTE ? 19 : 16);
}

function even(fromMs: number, toMs: number, stepMs: number, label: (atMs: number) => string): TimeTick[] {
  const first = Math.ceil(fromMs / stepMs) * stepMs;
  const count = Math.max(0, Math.floor((toMs - first) / stepMs) + 1);
  if (count > TICKS_MAX) return [];
  return Array.from({ length: count }, (_, index) => {
    const atMs = first + index * stepMs;
    return { atMs, label: label(atMs) };
  });
}

function monthly(fromMs: number, toMs: number, months: number): TimeTick[] {
  const start = new Date(fromMs);
  const first = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
  const ticks: TimeTick[] = [];
  for (let month = first; ticks.length <= TICKS_MAX; month += months) {
    const atMs = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (!(atMs <= toMs)) break;
    const name = `${MONTHS[month % 12] ?? ''} ${Math.floor(month / 12)}`;
    if (atMs >= fromMs) ticks.push({ atMs, label: months % 12 === 0 ? name.slice(4) : name });
  }
  return ticks;
}

/** Every way to divide a stretch of time, the finest first. */
function* waysToDivide({ fromMs, toMs }: TicksRequest): Generator<readonly TimeTick[]> {
  for (const stepMs of CLOCK_STEPS) yield even(fromMs, toMs, stepMs, (atMs) => clockLabel(atMs, stepMs));
  for (const days of DAY_STEPS) yield even(fromMs, toMs, days * DAY, dayText);
  for (const months of MONTH_STEPS) yield monthly(fromMs, toMs, months);
}

/**
 * Marks for an axis of time in UTC, with as many labels as have room beside each other.
 *
 * Guarantees: labels do not touch and do not leave the axis by more than a margin; a stretch that is too short for
 * marks has one at its beginning.
 */
export function timeTicks(request: TicksRequest): readonly TimeTick[] {
  const { fromMs, toMs, width } = request;
  const middleOf = (atMs: number) => ((atMs - fromMs) / (toMs - fromMs)) * width;
  for (const ticks of waysToDivide(request)) {
    const inside = ticks.filter(
      ({ atMs, label }) => middleOf(atMs) + textWidth(label) / 2 <= width + OVERHANG,
    );
    const placed = inside.map(({ atMs, label }) => ({ text: label, middle: middleOf(atMs) }));
    if (inside.length > 0 && haveRoom(placed, GAP)) return inside;
  }
  return [{ atMs: fromMs, label: clockLabel(fromMs, 1000) }];
}
