import { join } from 'node:path';
import { participantKey } from '../round/run-folder.ts';

/** Which participant keeps its results where. */
interface ResultsOwner {
  readonly savePath: string;
  readonly name: string;
}

/** A folder of each client's own: two of them may share a save_path, and must not take each other's checkpoints. */
export function resultsFolder({ savePath, name }: ResultsOwner, run: string): string {
  return join(savePath, run, participantKey(name));
}

/** Where a client keeps what it must remember of a run. */
export function stateFilePath({ savePath, name }: ResultsOwner, run: string): string {
  return join(savePath, run, `${participantKey(name)}.client.state.json`);
}
