import { type Tint, tinted } from '../terminal-text.ts';

/** Gives words of a result a colour, where there are colours. */
export type Paint = (colour: Tint, text: string) => string;

/** Colours for standard output: on a terminal only, and never against `NO_COLOR` or `--no-color`. */
export function resultPaint(flags: { readonly color?: boolean }): Paint {
  const coloured = process.stdout.isTTY === true && flags.color !== false && !process.env['NO_COLOR'];
  return coloured ? tinted : (_colour, text) => text;
}

const KIB = 1024;

/** A number of bytes as people read it. */
export function readableBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log(bytes) / Math.log(KIB)));
  return `${(bytes / KIB ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

/** A time as people read it, in their own time zone. */
export function readableTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
