/** Why an entry cannot have its name on the other side. */
export type NameProblem =
  | 'empty'
  | 'too-long'
  | 'reserved'
  | 'slash'
  | 'backslash'
  | 'control-character'
  | 'trailing-space'
  | 'not-unicode';

/** Box's longest name. Units: UTF-16 code units. Source: Box API reference, "Create folder", name. */
export const REMOTE_NAME_MAX = 255;
/** Linux's and macOS's longest name. Units: UTF-8 bytes. */
export const LOCAL_NAME_MAX_BYTES = 255;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
const ASCII = /^[\u0000-\u007f]*$/;

/**
 * The form in which Box compares names of one folder: without regard to case, composed.
 *
 * Guarantees: idempotent; two names that fold alike never stand side by side in one folder of Box.
 */
export function foldName(name: string): string {
  // What is plain ASCII is composed already; most names are, and this is asked for every entry of every plan.
  if (ASCII.test(name)) return name.toLowerCase();
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

function hasControlCharacter(name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function commonProblem(name: string): NameProblem | undefined {
  if (name.length === 0) return 'empty';
  if (name === '.' || name === '..') return 'reserved';
  if (name.includes('/')) return 'slash';
  if (!name.isWellFormed()) return 'not-unicode';
  return undefined;
}

/** What Box would refuse about a name; undefined when nothing. Source: Box API reference and guides on folders. */
export function remoteNameProblem(name: string): NameProblem | undefined {
  const common = commonProblem(name);
  if (common !== undefined) return common;
  if (name.length > REMOTE_NAME_MAX) return 'too-long';
  if (name.includes('\\')) return 'backslash';
  if (hasControlCharacter(name)) return 'control-character';
  if (name.endsWith(' ')) return 'trailing-space';
  return undefined;
}

/** What the disk would refuse about a name; undefined when nothing. A name from Box is never trusted as a path. */
export function localNameProblem(name: string): NameProblem | undefined {
  const common = commonProblem(name);
  if (common !== undefined) return common;
  if (utf8Length(name) > LOCAL_NAME_MAX_BYTES) return 'too-long';
  if (name.includes('\0')) return 'control-character';
  return undefined;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
