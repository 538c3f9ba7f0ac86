import { SingleBar } from 'cli-progress';
import type { Clock } from '../clock.ts';
import { terminalLine } from '../terminal-text.ts';
import { barStream, type Output } from './output.ts';

/** How far a piece of work is, told to the person who waits for it. */
export interface ByteProgress {
  /** Units: bytes. */
  update(doneBytes: number, totalBytes: number): void;
  /** Clear the bar; idempotent. */
  stop(): void;
}

const MEGABYTE = 1e6;
/** How often a line is written where no bar can be drawn. */
const LINE_EVERY_MS = 5000;

/** A bar on a terminal; elsewhere a line now and then, so that short work stays silent in a log. */
export function byteProgress(
  work: string,
  output: Output,
  options: { quiet: boolean; clock: Clock },
): ByteProgress {
  if (options.quiet) return { update: () => undefined, stop: () => undefined };
  return output.interactive ? barOn(work) : linesOn(work, output, options.clock);
}

function barOn(work: string): ByteProgress {
  const bar = new SingleBar({
    format: `${terminalLine(work)} [{bar}] {value}/{total} MB, {eta_formatted} left`,
    stream: barStream(),
    clearOnComplete: true,
  });
  let started = false;
  return {
    update: (doneBytes, totalBytes) => {
      const total = Math.ceil(totalBytes / MEGABYTE);
      if (!started) bar.start(total, 0);
      started = true;
      bar.setTotal(total);
      bar.update(Math.ceil(doneBytes / MEGABYTE));
    },
    stop: () => bar.stop(),
  };
}

function linesOn(work: string, output: Output, clock: Clock): ByteProgress {
  const startedMs = clock.monotonic();
  let toldMs = startedMs;
  return {
    update: (doneBytes, totalBytes) => {
      const nowMs = clock.monotonic();
      if (nowMs - toldMs < LINE_EVERY_MS || doneBytes === 0) return;
      toldMs = nowMs;
      const leftS = Math.ceil(((nowMs - startedMs) / 1000) * (totalBytes / doneBytes - 1));
      const [done, total] = [doneBytes, totalBytes].map((bytes) => Math.ceil(bytes / MEGABYTE));
      output.note(`${work}: ${done} of ${total} MB, ${leftS} s left`);
    },
    stop: () => undefined,
  };
}
