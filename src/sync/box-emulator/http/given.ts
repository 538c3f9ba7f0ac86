import { z } from 'zod';

/**
 * A member of a body that may be left out.
 *
 * Guarantees: null says the same as leaving it out. Clients that write every member of a body send null for what their
 * caller did not give.
 */
export const given = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value): z.output<Schema> | undefined => value ?? undefined);

/** An id in a body: text, or a whole number as some clients write it. */
export const idSchema = z.union([z.string().max(64), z.number().int()]).transform(String);

/** Another thing as bodies name it. */
export const reference = z.object({ id: idSchema });

/** What Box acts upon and the emulator does not. Null asks for nothing; anything else is refused, not passed over. */
export const notEmulated = z.null({ error: 'This is not emulated.' }).optional();

/** A setting that the emulator knows in one state only: asking for another is refused, not passed over. */
export const onlyAs = <const Value extends string | boolean>(value: Value) =>
  z.literal(value, { error: `Only '${value}' is emulated.` }).nullish();
