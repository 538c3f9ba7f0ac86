import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SESSIONS } from '../../fixtures/recordings/sessions.ts';
import { BEGAN_AT_MS, ROOT, RUN, Stage } from '../../fixtures/recordings/stage.ts';
import { systemClock } from '../../src/clock.ts';
import { lookIntoCheckpoints } from '../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../src/fl/inspection/inspect-run.ts';
import { scanRun } from '../../src/fl/inspection/scan-run.ts';
import { inspectionDocument } from '../../src/fl/report/inspection-document.ts';
import { inspectionText } from '../../src/fl/report/inspection-text.ts';
import { contentFolder } from '../../src/sync/recording/recorder.ts';
import { readRecording, recordedContents } from '../../src/sync/recording/recording-reader.ts';
import { replay } from '../../src/sync/recording/replay.ts';
import { DirectoryTarget } from '../../src/sync/recording/replay-directory.ts';
import { INSPECTION_DOCUMENT } from '../support/inspection-schema.ts';
import { linesOf, treeOf } from '../support/recordings.ts';

const fixture = (file: string) =>
  fileURLToPath(new URL(`../../fixtures/recordings/${file}`, import.meta.url));
const recordingOf = (name: string) => fixture(`${name}.jsonl.gz`);

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recorded-sessions-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function play(name: string, into: string) {
  return replay({
    lines: readRecording(recordingOf(name)),
    target: new DirectoryTarget({ directory: into, contents: recordedContents(recordingOf(name)) }),
    clock: systemClock(),
    signal: new AbortController().signal,
    speed: 'max',
    until: null,
  });
}

async function inspectionOf(folder: string) {
  const run = await scanRun(folder);
  const findings = await lookIntoCheckpoints(run, { deep: false });
  const shown = { ...run, folder: 'RUN_DIR' };
  return inspectRun({ run: shown, facts: null, findings, nowMs: BEGAN_AT_MS + 86_400_000 });
}

describe.each(Object.keys(SESSIONS))('the recording %s', (name) => {
  it('is what its script makes', async () => {
    const again = join(directory, 'again.jsonl.gz');
    const stage = await Stage.open(again);
    await SESSIONS[name]?.(stage);
    await stage.close();
    const told = async (path: string) =>
      (await linesOf(path)).filter(({ kind }) => kind !== 'content').map(({ n: _number, ...line }) => line);
    expect(await told(again)).toEqual(await told(recordingOf(name)));
    expect(await readdir(contentFolder(again))).toEqual(await readdir(contentFolder(recordingOf(name))));
  });

  it('plays the same folder every time, with every content', async () => {
    const summaries = [await play(name, join(directory, 'a')), await play(name, join(directory, 'b'))];
    expect(summaries[0]).toEqual(summaries[1]);
    expect(summaries[0]?.unknownContents).toBe(0);
    expect(await treeOf(join(directory, 'a'))).toEqual(await treeOf(join(directory, 'b')));
  });

  it('is explained by inspect, in words and as a document', async () => {
    await play(name, directory);
    const inspection = await inspectionOf(join(directory, ...ROOT, RUN));
    const text = inspectionText(inspection, { width: 100, colour: false });
    await expect(`${text}\n`).toMatchFileSnapshot(fixture(`${name}.inspect.txt`));
    const document = JSON.parse(JSON.stringify(inspectionDocument(inspection)));
    INSPECTION_DOCUMENT.parse(document);
    await expect(`${JSON.stringify(document, undefined, 1)}\n`).toMatchFileSnapshot(
      fixture(`${name}.inspect.json`),
    );
  });
});
