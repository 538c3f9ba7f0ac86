import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { silentLogger } from '../../src/logger.ts';
import { CONTENT_MAX_BYTES, Recorder, type RecorderOptions } from '../../src/sync/recording/recorder.ts';
import type { RecordingLine } from '../../src/sync/recording/recording-line.ts';
import { readRecording } from '../../src/sync/recording/recording-reader.ts';

/** A recorder of a folder `shared/runs`. */
export function openTestRecorder(path: string, options: Partial<RecorderOptions> = {}): Promise<Recorder> {
  return Recorder.open({
    path,
    root: ['shared', 'runs'],
    clock: systemClock(),
    logger: silentLogger,
    contentMaxBytes: CONTENT_MAX_BYTES,
    totalMaxBytes: 1 << 30,
    ...options,
  });
}

export async function linesOf(path: string): Promise<readonly RecordingLine[]> {
  const lines: RecordingLine[] = [];
  for await (const line of readRecording(path)) lines.push(line);
  return lines;
}

/** Every file below a folder with its content, and every folder. */
export async function treeOf(folder: string): Promise<Readonly<Record<string, string>>> {
  await mkdir(folder, { recursive: true });
  const tree: Record<string, string> = {};
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    const facts = await stat(join(folder, path));
    tree[path] = facts.isDirectory() ? 'folder' : await readFile(join(folder, path), 'latin1');
  }
  return tree;
}
