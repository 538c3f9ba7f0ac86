import { type Tint, tinted } from '../terminal-text.ts';
import { dateHere, timeOfDay } from './time-stamps.ts';

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
  return `${dateHere(atMs)} ${timeOfDay(atMs)}`;
}
