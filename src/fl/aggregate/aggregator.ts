import type { ParticipantId } from '../../ids.ts';

/** One content of a file. */
export interface CheckedContent {
  readonly sha256: string;
  /** Inode, size and times, as `ByteSource.facts` tells them; null where they were not kept. */
  readonly facts: string | null;
}

/** One participant's update as the aggregator gets it. */
export interface AggregationInput {
  readonly participant: ParticipantId;
  /** A complete checkpoint on this machine's disk; opened, never changed. */
  readonly path: string;
  /** What the file was when it was checked; absent where nobody checked it. Another file in its place is refused. */
  readonly checked?: CheckedContent;
  /** Training samples behind the update; null when the participant did not tell. */
  readonly samples: number | null;
}

/** An update that was left out, and why. */
export interface RefusedUpdate {
  readonly participant: ParticipantId;
  /** Machine-readable, kebab-case: 'malformed' | 'keys-differ' | 'shape-mismatch' | 'dtype-mismatch' | 'not-finite' | ... */
  readonly reason: string;
  /** One line for a person. */
  readonly message: string;
  /** The tensor at fault, where there is one. */
  readonly tensor?: string;
}

/** What an aggregation did. */
export interface AggregationReport {
  /** Weight of each participant that took part, in aggregation order; they sum to 1 unless a compatible mode says otherwise. */
  readonly weights: ReadonlyMap<ParticipantId, number>;
  readonly refused: readonly RefusedUpdate[];
  readonly tensors: number;
  readonly sizeBytes: number;
  /** Notes for the log, such as weights that did not sum to 1. */
  readonly notes: readonly string[];
}

export interface AggregationOptions {
  readonly signal?: AbortSignal;
  /** Bytes of input consumed so far, and in all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** The aggregate that the round started from, for rules that need it (server optimisers, norms). */
  readonly previousPath?: string;
  readonly round?: number;
  /** Start of the names under which a rule keeps what it needs from round to round of this run. */
  readonly statePath?: string;
}

/**
 * The rule that turns a round's updates into the next global model.
 *
 * Guarantees: inputs are taken in the order of participant names, so the result does not depend on arrival;
 * memory does not grow with sizes or with the number of inputs; `outputPath` appears whole or not at all, and holds
 * exactly `{"model": OrderedDict}`.
 * Errors: RoundError 'no-updates' | 'too-few-updates'; CorruptError naming participant and tensor when nothing usable is left.
 */
export interface Aggregator {
  /** The names of the only participants that this rule can count; absent: anybody's. Letter case does not matter. */
  readonly participants?: readonly string[];
  aggregate(
    inputs: readonly AggregationInput[],
    outputPath: string,
    options?: AggregationOptions,
  ): Promise<AggregationReport>;
}
