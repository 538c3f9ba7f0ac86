import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TASK_FILE } from '../fl/round/run-folder.ts';
import { runNamesIn } from './live-page/run-list.ts';

/** The folder itself, or the newest run of those that it holds. */
export async function newestRunIn(folder: string, tell: (text: string) => void): Promise<string> {
  // Who holds runs may hold other things, too; who is a run holds one of these.
  if ([TASK_FILE, 'rounds'].some((name) => existsSync(join(folder, name)))) return folder;
  const [newest, ...older] = await runNamesIn(folder).catch((): readonly string[] => []);
  if (newest === undefined) return folder;
  if (older.length > 0) tell(`${folder} holds ${older.length + 1} runs; the newest is taken: ${newest}`);
  return join(folder, newest);
}
