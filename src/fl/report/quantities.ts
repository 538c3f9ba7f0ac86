const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A number of bytes as people read it. */
export function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${SIZE_UNITS[power]}`;
}

/** A speed as people read it. */
export function speedText(bytesPerSecond: number): string {
  return `${sizeText(Math.round(bytesPerSecond))}/s`;
}

/** A duration as people read it. */
export function durationText(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 9.95) return `${sign}${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${sign}${whole} s`;
  if (whole < 3600) return `${sign}${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 2880) return `${sign}${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${sign}${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A duration in one or two words, for a sentence: "42 s", "42 min", "3 h 20 min", "3 d 4 h". */
export function roughDurationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (ms < 60_000) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  const [large, small, per] = minutes < 2880 ? ['h', 'min', 60] : ['d', 'h', 24];
  const units = minutes < 2880 ? minutes : Math.floor(minutes / 60);
  const [whole, rest] = [Math.floor(units / Number(per)), units % Number(per)];
  return [whole > 0 ? `${whole} ${large}` : '', rest > 0 ? `${rest} ${small}` : ''].filter(Boolean).join(' ');
}

/** A number of things: "1 round", "3 rounds". */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A number in three digits that tell something: "0.0981", "12.3", "1234". */
export function shortNumberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  if (Math.abs(value) >= 1000 && Math.abs(value) < 1e6) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** A moment as ISO 8601 in UTC; null for what no calendar holds. */
export function isoTime(atMs: number | null): string | null {
  return atMs === null || !(Math.abs(atMs) <= 8.64e15) ? null : new Date(atMs).toISOString();
}

/** A moment as people read it, in UTC. */
export function timeText(atMs: number | null): string {
  return isoTime(atMs)?.replace('T', ' ').slice(0, 19) ?? '–';
}

/** A number of a metric, in as many digits as tell something. */
export function metricText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6 ? value.toFixed(4) : value.toExponential(3);
}
