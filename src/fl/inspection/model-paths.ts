import { join } from 'node:path';
import { runPaths } from '../round/run-folder.ts';

interface RunPlace {
  /** The run folder. */
  readonly folder: string;
}

/** Where a participant's checkpoint of a round stands in a run folder. */
export function updatePath({ folder }: RunPlace, round: number, participant: string): string {
  return join(folder, runPaths.update('.', round, participant));
}

/** Where the model stands that the updates of a round were made into. */
export function aggregatePath({ folder }: RunPlace, round: number): string {
  return join(folder, runPaths.aggregate('.', round + 1));
}
