import type { Call } from './calls.ts';

interface Telling {
  /** Units: milliseconds since 1970. */
  readonly fromMs: number;
  readonly speed: number;
}

/** One line a call, in their order: when, by whom, what, where in Box. */
export function storyOf(calls: readonly Call[], { fromMs, speed }: Telling): readonly string[] {
  return calls
    .filter(({ atMs }) => atMs >= fromMs)
    .sort((one, other) => one.atMs - other.atMs)
    .map(({ atMs, user, endpoint, place, bytesUp }) => {
      const seconds = (((atMs - fromMs) * speed) / 1000).toFixed(1).padStart(8);
      const bytes = bytesUp > 0 ? `${bytesUp} bytes` : '';
      return `${seconds}  ${user.padEnd(9)}${endpoint.padEnd(32)}${place} ${bytes}`.trimEnd();
    });
}
