import { refuse } from '../http/refusal.ts';
import type { SettingValues } from '../setting-values.ts';
import type { ItemKind } from './rows.ts';

/** The longest name of an item. Units: UTF-16 code units. */
const NAME_MAX_LENGTH = 255;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be found.
const ILLEGAL = /[\u0000-\u001f\u007f/\\]/g;

/** The form of a name under which it is unique within its folder: Box's names differ by more than case. */
export function nameKey(name: string, folding: SettingValues['nameFolding']): string {
  return (folding === 'nfc' ? name.normalize('NFC') : name).toLowerCase();
}

/**
 * The name that an item gets when it is asked for as `name`.
 *
 * Guarantees: the result never holds a separator or a control character, and never is "." or "..".
 * Errors: 400 `item_name_too_long` | `item_name_invalid`.
 * Source: box-openapi post_folders; developer.box.com guides files/limitations for file names.
 */
export function acceptedName(name: string, kind: ItemKind, settings: SettingValues): string {
  const sanitised =
    kind === 'file' && settings.illegalFileNames === 'sanitize'
      ? name.replaceAll(ILLEGAL, '').trimEnd()
      : name;
  if (sanitised.length > NAME_MAX_LENGTH) throw refuse(400, 'item_name_too_long', 'Item name too long');
  const invalid =
    sanitised === '' ||
    sanitised === '.' ||
    sanitised === '..' ||
    sanitised !== sanitised.trimEnd() ||
    sanitised.search(ILLEGAL) >= 0 ||
    (settings.leadingSpaceInNames === 'reject' && sanitised !== sanitised.trimStart());
  if (invalid) throw refuse(400, 'item_name_invalid', 'Item name invalid');
  return sanitised;
}
