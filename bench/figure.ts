/** One measured figure, with what it is held against. */
export interface Figure {
  /** What was measured, in words that stay the same from run to run. */
  readonly what: string;
  /** The median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** The same thing done by another program in the same run, in the same unit. */
  readonly rival?: { readonly name: string; readonly value: number };
  /** Where the figure should be: itself, or its ratio to the rival's. */
  readonly goal?: { readonly of: 'value' | 'ratio'; readonly atMost?: number; readonly atLeast?: number };
}

/** What a benchmark is given. */
export interface BenchContext {
  /** How often each figure is measured; the median counts. */
  readonly runs: number;
  /** True for a short look: less data, so that figures are rough. */
  readonly quick: boolean;
  /** A folder of its own, removed afterwards. */
  readonly folder: string;
  /** Words of the command line that the runner did not know, for this benchmark. */
  readonly words: readonly string[];
  /** Called with each figure as soon as it is there. */
  report(figure: Figure): void;
  /** A word to the person who waits. */
  note(text: string): void;
}

/** What a file `bench/NAME.bench.ts` exports under the name `measure`. */
export type Measure = (context: BenchContext) => Promise<void>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function ratioOf({ value, rival }: Figure): number | undefined {
  return rival === undefined ? undefined : value / rival.value;
}

/** Whether a figure is where it should be; undefined where nobody said, or the rival is missing. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal } = figure;
  const judged = goal?.of === 'ratio' ? ratioOf(figure) : figure.value;
  if (goal === undefined || judged === undefined) return undefined;
  return judged <= (goal.atMost ?? Number.POSITIVE_INFINITY) && judged >= (goal.atLeast ?? 0);
}
