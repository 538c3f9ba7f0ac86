import type { FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { Clock, Timer } from '../../clock.ts';

/** How often a program's output is looked at. Units: milliseconds. */
const LOOK_MS = 500;
/** With more than this since the last look, only its end is read. Units: bytes. */
const READ_MAX_BYTES = 65_536;
/** What goes on for longer is cut. Units: characters. */
const LINE_MAX = 4_096;

/**
 * Cuts a stream of bytes into lines.
 *
 * Guarantees: characters that lie across two pieces stay whole; a line that a progress bar draws anew (`\r`) is a line;
 * memory stays flat, whatever the lines are.
 */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8');
  #open = '';

  /** The lines that are complete now, without those that are empty. */
  push(bytes: Uint8Array): readonly string[] {
    const parts = (this.#open + this.#decoder.write(Buffer.from(bytes))).split(/[\r\n]/u);
    this.#open = (parts.pop() ?? '').slice(0, LINE_MAX);
    return parts.map((part) => part.slice(0, LINE_MAX).trim()).filter((part) => part !== '');
  }
}

interface OutputWatch {
  readonly clock: Clock;
  /** Where the output begins in the file. Units: bytes. */
  readonly from: number;
  readonly onLines: (lines: readonly string[]) => void;
}

/**
 * Tell the lines that a program adds to a file, until stopped.
 *
 * Guarantees: costs little, however much is written: of what is more than 64 KiB between two looks, the beginning is
 * passed over; a file that cannot be read costs nothing but the lines.
 */
export function watchOutput(
  log: FileHandle,
  { clock, from, onLines }: OutputWatch,
): { stop(): Promise<void> } {
  const lines = new OutputLines();
  const buffer = Buffer.alloc(READ_MAX_BYTES);
  let position = from;
  let timer: Timer | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    try {
      const { size } = await log.stat();
      position = Math.max(Math.min(position, size), size - READ_MAX_BYTES);
      const { bytesRead } = await log.read(buffer, 0, READ_MAX_BYTES, position);
      position += bytesRead;
      const told = lines.push(buffer.subarray(0, bytesRead));
      if (told.length > 0) onLines(told);
    } catch {
      // The training goes on without its lines.
    }
    if (!isStopped) timer = clock.after(LOOK_MS, next);
  };
  let looking = Promise.resolve();
  const next = () => {
    looking = look();
  };
  timer = clock.after(LOOK_MS, next);
  return {
    async stop() {
      isStopped = true;
      timer?.cancel();
      await looking;
      await look();
    },
  };
}
