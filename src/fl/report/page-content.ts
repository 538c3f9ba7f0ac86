import type { Inspection } from '../inspection/inspection.ts';
import type { RoundAccuracy } from './accuracy-chart.ts';
import type { FinalModel } from './final-model.ts';

/** What a page about a run shows. */
export interface RunPage {
  readonly inspection: Inspection;
  /** Null while there is none. */
  readonly finalModel: FinalModel | null;
  /** Test accuracy by round, where somebody measured it. */
  readonly accuracy: readonly RoundAccuracy[] | null;
  /** Further facts about the run: label and value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** True where something beside the page says when the run was looked at. Default false. */
  readonly isServed?: boolean;
}
