import type { Clock, Timer } from '../../clock.ts';
import type { Settings } from './settings.ts';

const SLOT_MS = 900_000;
const SLOTS_MAX = 10_000;
const MINUTE_MS = 60_000;

/** Box's own clock: this machine's, moved by the offset setting, and written in Box's time zone. */
export class BoxClock {
  readonly #clock: Clock;
  readonly #settings: Settings;
  readonly #offsets = new Map<string, number>();

  constructor(clock: Clock, settings: Settings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Units: milliseconds since 1970, on Box's clock. */
  now(): number {
    return Math.round(this.#clock.now() + this.#settings.values.clockOffsetMs);
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#clock.after(delayMs, callback);
  }

  /** Write a time as Box does: RFC 3339, whole seconds, with the zone's offset of that day. */
  format(ms: number): string {
    const minutes = this.#offsetMinutes(ms);
    const local = new Date(Math.floor(ms / 1000) * 1000 + minutes * MINUTE_MS).toISOString().slice(0, 19);
    const sign = minutes < 0 ? '-' : '+';
    const size = Math.abs(minutes);
    return `${local}${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
  }

  formatOrNull(ms: number | null): string | null {
    return ms === null ? null : this.format(ms);
  }

  #offsetMinutes(ms: number): number {
    const zone = this.#settings.values.timeZone;
    const key = `${zone}/${Math.floor(ms / SLOT_MS)}`;
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const minutes = offsetMinutesOf(zone, ms);
    if (this.#offsets.size >= SLOTS_MAX) this.#offsets.clear();
    this.#offsets.set(key, minutes);
    return minutes;
  }
}

function offsetMinutesOf(zone: string, ms: number): number {
  if (zone === 'UTC') return 0;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    timeZoneName: 'longOffset',
  }).formatToParts(ms);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name);
  if (match === null) return 0;
  const size = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -size : size;
}
