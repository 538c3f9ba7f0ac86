/** How one kind of thing writes each of its fields. */
export type FieldTable<Subject> = Readonly<Record<string, (subject: Subject) => unknown>>;

const BASE = ['type', 'id', 'etag'];

/**
 * Write an object with the fields that were asked for, or the standard ones.
 *
 * Guarantees: asked fields come together with the base fields and nothing else; unknown names are left out.
 * Source: developer.box.com guides, api-calls/request-extra-fields.
 */
export function renderFields<Subject>(
  table: FieldTable<Subject>,
  subject: Subject,
  standard: readonly string[],
  asked?: readonly string[],
): Record<string, unknown> {
  const names = asked === undefined ? standard : [...BASE, ...asked];
  const rendered: Record<string, unknown> = {};
  for (const name of names) {
    const field = Object.hasOwn(table, name) ? name : (name.split('.')[0] ?? name);
    if (field in rendered || !Object.hasOwn(table, field)) continue;
    const value = table[field]?.(subject);
    if (value !== undefined) rendered[field] = value;
  }
  return rendered;
}
