import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ConfigError, MilaError, messageOf, RoundError } from '../../errors.ts';
import { participantId } from '../../ids.ts';
import { schemaErrorText } from '../../issue-words.ts';
import type { AggregationReport, Aggregator } from './aggregator.ts';

/** Where a user's aggregator stands: a module's file and the name under which it exports it. */
export interface UserAggregatorPlace {
  readonly file: string;
  readonly exported: string;
}

/** `rules/mine.mjs:createAggregator` */
const FILE_FORM = /^(?<path>.+\.[cm]?js):(?<name>[A-Za-z_$][\w$]*)$/u;
/** `rules.mine.MyAggregator` */
const DOTTED_FORM = /^(?<path>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)\.(?<name>[A-Za-z_$][\w$]*)$/u;
const MODULE_ENDINGS = ['.mjs', '.js', '.cjs'];

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Find what a name means: `folder/file.mjs:export`, or dotted as in Python, `folder.file.export`.
 *
 * Guarantees: relative to `baseDirectory`; a dotted name stands for a file only where that file exists.
 */
export async function findUserAggregator(
  type: string,
  baseDirectory: string,
): Promise<UserAggregatorPlace | undefined> {
  const direct = FILE_FORM.exec(type)?.groups;
  if (direct?.['path'] !== undefined && direct['name'] !== undefined)
    return { file: resolve(baseDirectory, direct['path']), exported: direct['name'] };
  const dotted = DOTTED_FORM.exec(type)?.groups;
  if (dotted?.['path'] === undefined || dotted['name'] === undefined) return undefined;
  for (const ending of MODULE_ENDINGS) {
    const file = resolve(baseDirectory, `${dotted['path'].replaceAll('.', '/')}${ending}`);
    if (await isFile(file)) return { file, exported: dotted['name'] };
  }
  return undefined;
}

function unusable(message: string, options: { hint?: string; cause?: unknown } = {}): ConfigError {
  return new ConfigError({
    code: 'unknown-aggregator',
    message: `aggregator_type names ${message}`,
    ...options,
  });
}

function isAggregator(value: unknown): value is Aggregator {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aggregate' in value &&
    typeof value.aggregate === 'function'
  );
}

/** A class is constructed, a function is called: Python's aggregators are classes, JavaScript's often functions. */
function isAggregatorClass(exported: object): exported is new (...given: unknown[]) => unknown {
  return 'prototype' in exported && isAggregator(exported.prototype);
}

const PARTICIPANTS = z.array(z.string()).optional();
const participant = z.string().transform((name) => participantId(name));
const REPORT = z.object({
  weights: z.map(participant, z.number()).default(() => new Map()),
  refused: z
    .array(
      z.object({ participant, reason: z.string(), message: z.string(), tensor: z.string().exactOptional() }),
    )
    .default([]),
  tensors: z.number().default(0),
  sizeBytes: z.number().default(0),
  notes: z.array(z.string()).default([]),
});

/** Nobody but its author has checked what a user's code returns. Errors: RoundError 'bad-report'. */
function reportOf(value: unknown, { file, exported }: UserAggregatorPlace): AggregationReport {
  const parsed = REPORT.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw new RoundError({
    code: 'bad-report',
    message: `${exported} of ${file} returned a report that is wrong: ${schemaErrorText(parsed.error)}`,
    hint: 'docs/aggregators.md says what an aggregator of your own returns.',
  });
}

/**
 * Load a user's aggregator: a class, or a function that makes one.
 *
 * Guarantees: what it reports is checked; parts that it leaves out are empty.
 * Errors: ConfigError 'unknown-aggregator', naming the module and what is wrong with it; RoundError 'aggregator-failed' |
 * 'bad-report' from what it does.
 */
export async function loadUserAggregator(
  place: UserAggregatorPlace,
  options: Readonly<Record<string, unknown>>,
  dependencies: object,
): Promise<Aggregator> {
  const { file, exported: name } = place;
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw unusable(`the module ${file}, which cannot be loaded: ${messageOf(cause)}`, { cause });
  }
  const exported = loaded[name];
  if (typeof exported !== 'function')
    throw unusable(`${name} of ${file}, which is not a function or class that it exports`, {
      hint: `It exports ${Object.keys(loaded).join(', ') || 'nothing'}.`,
    });
  const made = await make(exported, options, dependencies).catch((cause: unknown) => {
    if (cause instanceof MilaError) throw cause;
    throw unusable(`${name} of ${file}, which cannot be made: ${messageOf(cause)}`, { cause });
  });
  if (!isAggregator(made))
    throw unusable(`${name} of ${file}, which gives nothing with a method "aggregate"`);
  const participants = PARTICIPANTS.safeParse(made.participants);
  if (!participants.success) throw unusable(`${name} of ${file}, whose "participants" is no list of names`);
  return {
    ...(participants.data === undefined ? {} : { participants: participants.data }),
    aggregate: async (inputs, outputPath, given) => {
      const work = async () => made.aggregate(inputs, outputPath, given);
      const reported = await work().catch((cause: unknown) => {
        if (cause instanceof MilaError || given?.signal?.aborted === true) throw cause;
        throw failed(`${name} of ${file} failed: ${messageOf(cause)}`, cause);
      });
      if (!(await isFile(outputPath))) throw failed(`${name} of ${file} wrote no aggregate`);
      return reportOf(reported, place);
    },
  };
}

async function make(exported: object, ...given: unknown[]): Promise<unknown> {
  return isAggregatorClass(exported)
    ? new exported(...given)
    : (exported as (...given: unknown[]) => unknown)(...given);
}

/** A fault of foreign code ends the round's attempt, not the program. */
function failed(message: string, cause?: unknown): RoundError {
  return new RoundError({
    code: 'aggregator-failed',
    message,
    ...(cause === undefined ? {} : { cause }),
  });
}
