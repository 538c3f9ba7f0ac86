import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { CorruptError, errnoOf, messageOf, StateError } from '../../errors.ts';
import { contentFolder } from './recorder.ts';
import { parseLine, type RecordingLine } from './recording-line.ts';

/** A line longer than this is none of ours. Units: characters. */
const LINE_MAX_CHARACTERS = 16 * 1024 * 1024;

function damaged(path: string, message: string, cause?: unknown): CorruptError {
  return new CorruptError({
    code: 'recording-damaged',
    message: `${path} is no recording, or damaged: ${message}`,
    data: { path },
    cause,
  });
}

/** The text of a recording, as far as it goes: what a power cut left of the last member is left out. */
async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const file = createReadStream(path);
  const gunzip = createGunzip();
  // An error of the file ends the reading too; `pipe` alone would let it wait for ever.
  file.on('error', (error) => gunzip.destroy(error));
  let isAny = false;
  try {
    for await (const chunk of file.pipe(gunzip)) {
      isAny = true;
      yield decoder.decode(chunk as Buffer, { stream: true });
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'EISDIR' || errno === 'EACCES')
      throw new StateError({
        code: 'no-recording',
        message: `${path} cannot be read (${errno})`,
        cause: error,
      });
    if (!isAny || !errno?.startsWith('Z_')) throw damaged(path, messageOf(error), error);
  } finally {
    file.destroy();
  }
}

/**
 * The lines of a recording, in order.
 *
 * Guarantees: memory does not grow with its length; a recording that was cut off gives the lines before the cut.
 * Errors: StateError 'no-recording'; CorruptError 'recording-damaged' naming the line.
 */
export async function* readRecording(path: string): AsyncGenerator<RecordingLine> {
  let rest = '';
  let number = 0;
  for await (const text of textOf(path)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX_CHARACTERS) throw damaged(path, `line ${number + 1} is too long`);
    for (const line of lines) {
      number += 1;
      yield parsed(path, line, number);
    }
  }
}

function parsed(path: string, line: string, number: number): RecordingLine {
  try {
    return parseLine(line);
  } catch (cause) {
    throw damaged(path, `line ${number} has not the documented form`, cause);
  }
}

/** Gives a content by its hash; undefined where only hash and length are known. */
export type ContentSource = (sha1: string, sizeBytes: number) => Promise<Buffer | undefined>;

/** The contents of a recording. Guarantees: only what has the hash is given; links are not followed. */
export function recordedContents(path: string): ContentSource {
  const folder = contentFolder(path);
  return async (sha1, sizeBytes) => {
    if (sizeBytes === 0) return Buffer.alloc(0);
    const file = join(folder, sha1);
    const facts = await lstat(file).catch(() => undefined);
    if (!facts?.isFile() || facts.size !== sizeBytes) return undefined;
    const bytes = await readFile(file);
    return createHash('sha1').update(bytes).digest('hex') === sha1 ? bytes : undefined;
  };
}
