import { z } from 'zod';
import { didYouMean } from '../../nearest-name.ts';

/** A number of seconds in a file, milliseconds inside. */
export const seconds = (fallback: number) =>
  z
    .number()
    .positive()
    .max(31_536_000)
    .default(fallback)
    .transform((value) => value * 1000);

/** The other side's half of the heartbeat, for files that describe both. */
export const heartbeatSeconds = z
  .number()
  .positive()
  .transform((value) => value * 1000)
  .optional();

/** A client that beats more slowly than the server waits would be lost between two beats. Units: milliseconds. */
export function heartbeatFaults(frequencyMs: number, timeoutMs: number): readonly string[] {
  if (frequencyMs < timeoutMs) return [];
  return [
    `heartbeat_frequency ${frequencyMs / 1000} s is not below heartbeat_timeout ${timeoutMs / 1000} s: every client would count as lost between two heartbeats`,
  ];
}

/** Names of modules as kMoL writes them: the last two parts say which it is, whatever stands before. */
export const className = z
  .string()
  .regex(/^[A-Za-z_][\w.]*$/, 'a dotted name such as mila.services.clients.BoxClient');

/** As `className`, a short name such as trimmed-mean, or a module of the user's own as folder/file.mjs:export. */
export const aggregatorName = z
  .string()
  .regex(
    /^([A-Za-z_$][\w.$-]*|.+\.[cm]?js:[A-Za-z_$][\w$]*)$/,
    'a dotted name such as mila.aggregators.PlainTorchAggregator, a short one such as median, or folder/file.mjs:export',
  );

/** What belongs to a program, an executor or a rule, and is judged by it. */
export const options = z.record(z.string(), z.unknown()).nullable().default(null);

export type TransportKind = 'box' | 'grpc';

/** Which transport a class name of kMoL's stands for; undefined for one that nobody knows. */
export function transportOf(typeName: string): TransportKind | undefined {
  const last = typeName.split('.').at(-1)?.toLowerCase() ?? '';
  if (last.startsWith('box')) return 'box';
  return last.startsWith('grpc') ? 'grpc' : undefined;
}

/** The class names of each transport, as a pattern of JSON Schema, which knows no flag for letter case. */
export const TRANSPORT_PATTERNS: Readonly<Record<TransportKind, string>> = {
  box: '^([\\w.]*\\.)?[Bb][Oo][Xx]\\w*$',
  grpc: '^([\\w.]*\\.)?[Gg][Rr][Pp][Cc]\\w*$',
};

/** A class name that nobody knows, with the known ones. */
export function unknownType(key: string, typeName: string, known: readonly string[]): string {
  return `${key} is "${typeName}": known are ${known.join(' and ')}${didYouMean(typeName, known)}`;
}
