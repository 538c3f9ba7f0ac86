import { statSync } from 'node:fs';
import { CorruptError, RoundError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { Logger } from '../../logger.ts';
import type { AggregationInput, AggregationOptions, AggregationReport } from './aggregator.ts';
import { assertUndamaged } from './damaged-inputs.ts';
import { refuseUnlike } from './guards.ts';
import { InputSet, type OpenUpdate } from './input-set.ts';
import { JobPool } from './job-pool.ts';
import type { TensorFindings, TensorTask } from './stream-jobs.ts';
import { type PassSurroundings, type StreamEnvironment, type StreamOutput, StreamPass } from './streaming.ts';
import type { Column, CommonTensor } from './tensor-columns.ts';
import { FaultyUpdates, nonFiniteFault, refusalFor, type UpdateFault } from './update-fault.ts';

/** What a rule decided for the updates at hand. */
export interface RuleDecision {
  /** Weight of each update, in order. */
  readonly weights: readonly number[];
  /** What is done to each tensor. */
  readonly taskFor: (tensor: CommonTensor) => TensorTask;
  /** Columns after the updates (the previous aggregate, a state); they are never at fault. */
  readonly extra?: readonly Column[];
  /** Outputs beside the aggregate (a state). */
  readonly extraOutputs?: readonly StreamOutput[];
  readonly notes?: readonly string[];
}

/** The updates that are left, and the ways to look at them. */
export interface RuleContext extends PassSurroundings {
  readonly updates: readonly OpenUpdate[];
  /** Keep a checkpoint open until the aggregation ends. */
  readonly adopt: (column: Column) => void;
}

/** Decides how the updates are combined. May throw FaultyUpdates to have some left out and be asked again. */
export type DecideRule = (context: RuleContext) => Promise<RuleDecision>;

export interface AggregationRequest {
  readonly inputs: readonly AggregationInput[];
  readonly outputPath: string;
  readonly options: AggregationOptions;
  readonly environment: StreamEnvironment;
  readonly logger: Logger;
  readonly decide: DecideRule;
  /** Fewest updates that the rule makes sense with. Default 1. */
  readonly updatesMin?: number;
}

/**
 * Combine updates by a rule: refuse those that cannot take part, and publish the result.
 *
 * Guarantees: values are looked at while they are combined, in one pass; only when something is wrong are the inputs
 * read again to find whose fault it is; then the rest is combined anew. Ends after at most one attempt per update.
 * Errors: RoundError 'no-updates' | 'too-few-updates', naming every refusal.
 */
export async function runAggregation(request: AggregationRequest): Promise<AggregationReport> {
  const pool = new JobPool(request.environment);
  try {
    pool.expect(sizeOf(request.inputs));
    return await withInputs(request, pool);
  } finally {
    await pool.close();
  }
}

/** The bytes of all inputs, as far as they can be looked at: what is missing is told when it is opened. */
function sizeOf(inputs: readonly AggregationInput[]): number {
  return inputs.reduce((sum, { path }) => sum + sizeAt(path), 0);
}

function sizeAt(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

async function withInputs(request: AggregationRequest, pool: JobPool): Promise<AggregationReport> {
  const set = await InputSet.open(request.inputs);
  const adopted: Column[] = [];
  try {
    await refuseUnlike(set, request.options.previousPath);
    for (;;) {
      set.assertAtLeast(request.updatesMin ?? 1);
      try {
        return await attempt(set, { ...request, pool }, adopted);
      } catch (error) {
        if (!(error instanceof FaultyUpdates)) throw error;
        for (const fault of error.faults) leaveOut(set, fault, request.logger);
      }
    }
  } finally {
    set.close();
    for (const { checkpoint } of adopted) checkpoint.close();
  }
}

function leaveOut(set: InputSet, fault: UpdateFault, logger: Logger): void {
  const refusal = refusalFor(fault);
  logger.warn({ component: 'aggregate', ...refusal }, 'an update was refused');
  set.refuse(fault.update, refusal);
}

async function attempt(
  set: InputSet,
  request: AggregationRequest & { readonly pool: JobPool },
  adopted: Column[],
): Promise<AggregationReport> {
  const { outputPath, options, environment, pool } = request;
  const { updates } = set;
  const adopt = (column: Column) => void adopted.push(column);
  const decision = await request.decide({ updates, options, environment, pool, outputPath, adopt });
  const columns = [...updates, ...(decision.extra ?? [])];
  const pass = await openPass(columns, updates, request);
  try {
    const output: StreamOutput = { path: outputPath, tensors: (all) => all };
    await pass.combine({
      outputs: [output, ...(decision.extraOutputs ?? [])],
      taskFor: decision.taskFor,
      check: (findings) => checkFindings(pass, updates, findings),
    });
    const weights = updates.map(
      ({ input }, index) => [input.participant, decision.weights[index] ?? 0] as const,
    );
    return {
      weights: new Map(weights),
      refused: set.refused,
      tensors: pass.tensors.length,
      sizeBytes: pass.tensors.reduce((sum, { bytes }) => sum + bytes, 0),
      notes: decision.notes ?? [],
    };
  } finally {
    await pass.close();
  }
}

/** Open a pass; a storage that turns out damaged or missing is its update's fault. */
export async function openPass(
  columns: readonly Column[],
  updates: readonly OpenUpdate[],
  rest: PassSurroundings,
): Promise<StreamPass> {
  try {
    const [lead] = updates;
    invariant(lead !== undefined, 'a pass has at least one update');
    return await StreamPass.open(columns, lead.model, rest);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    throw new FaultyUpdates(await unreadable(updates, error));
  }
}

/** Which updates have a storage that cannot be read. */
async function unreadable(updates: readonly OpenUpdate[], cause: CorruptError): Promise<UpdateFault[]> {
  const faults: UpdateFault[] = [];
  for (const update of updates)
    for (const [tensor, layout] of update.model.tensors) {
      try {
        await update.checkpoint.place(layout);
        await update.checkpoint.verify(layout);
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        faults.push({ update, reason: error.code, message: error.message, tensor });
        break;
      }
    }
  if (faults.length === 0) throw cause;
  return faults;
}

/** Errors: FaultyUpdates naming who sent damaged or non-finite values. */
export async function checkFindings(
  pass: StreamPass,
  updates: readonly OpenUpdate[],
  findings: readonly TensorFindings[],
): Promise<void> {
  await assertUndamaged(pass.columns, updates, findings);
  const suspects = new Set(
    findings.filter(({ results }) => results.some(({ nonFinite }) => nonFinite)).map(({ tensor }) => tensor),
  );
  if (suspects.size > 0) await findNonFinite(pass, updates, suspects);
}

async function findNonFinite(
  pass: StreamPass,
  updates: readonly OpenUpdate[],
  suspects: ReadonlySet<CommonTensor>,
): Promise<never> {
  const findings = await pass.inspect((tensor) =>
    suspects.has(tensor) ? { operation: { kind: 'finiteness' } } : null,
  );
  const faults = new Map<OpenUpdate, UpdateFault>();
  for (const { tensor, columns, results } of findings)
    for (const [position, column] of columns.entries()) {
      const update = updates[column];
      const isFaulty = results.some(({ nonFiniteInputs }) => nonFiniteInputs[position]);
      if (update !== undefined && isFaulty && !faults.has(update))
        faults.set(update, nonFiniteFault(update, tensor.name));
    }
  if (faults.size > 0) throw new FaultyUpdates([...faults.values()]);
  const [tensor] = suspects;
  throw new RoundError({
    code: 'overflow',
    message: `the aggregate of ${tensor?.name ?? 'a tensor'} is beyond its type's range although every update is finite`,
    data: { tensor: tensor?.name },
  });
}
