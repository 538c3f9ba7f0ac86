import type { RequestContext } from './context.ts';
import { invalidParameter } from './refusal.ts';

/** The most entries on one page, whatever was asked. */
const LIMIT_MAX = 1000;

const unclear = (name: string, value: string) =>
  invalidParameter(name, `Invalid value '${value.slice(0, 100)}'.`);

/** One parameter of the query. An empty one counts as not given: clients write them out for what they leave open. */
export function textParam(context: RequestContext, name: string): string | undefined {
  const value = context.query.get(name);
  return value === null || value === '' ? undefined : value;
}

/**
 * A switch in the query; false when it was not given.
 *
 * Errors: 400 naming the parameter for anything but "true" and "false": a switch that was not understood would answer
 * another question than the one that was asked.
 * Source: the description writes "true"; Python's clients send "True". No client was found that sends 1.
 */
export function booleanParam(context: RequestContext, name: string): boolean {
  const value = textParam(context, name);
  switch (value?.toLowerCase()) {
    case undefined:
    case 'false':
      return false;
    case 'true':
      return true;
    default:
      throw unclear(name, value ?? '');
  }
}

/** One word of a few, in the spelling given here. Errors: 400 naming the parameter for any other. */
export function choiceParam<Choice extends string>(
  context: RequestContext,
  name: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const value = textParam(context, name);
  if (value === undefined) return fallback;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw unclear(name, value);
  return found;
}

/** Ascending or descending, in any case; ascending when it was not given. Errors: 400 for anything else. */
export function directionParam(context: RequestContext): 'ASC' | 'DESC' {
  const value = textParam(context, 'direction');
  const direction = value?.toUpperCase() ?? 'ASC';
  if (direction !== 'ASC' && direction !== 'DESC') throw unclear('direction', value ?? '');
  return direction;
}

/** A whole number from the query. Errors: 400 `bad_request` naming the parameter. */
export function numberParam(
  context: RequestContext,
  name: string,
  fallback: number,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = textParam(context, name);
  if (value === undefined) return fallback;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < bounds.min || number > bounds.max) throw unclear(name, value);
  return number;
}

/** How many entries a page may hold: what was asked for, up to Box's most. */
export function limitParam(context: RequestContext, fallback = 100): number {
  return Math.min(
    numberParam(context, 'limit', fallback, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    LIMIT_MAX,
  );
}

/**
 * Whether a listing goes by marker.
 *
 * Errors: 400 for a marker without `usemarker`, and for an offset beside it: a listing that left one of them out of
 * account would begin anew without a word.
 */
export function byMarkerParam(context: RequestContext): boolean {
  const byMarker = booleanParam(context, 'usemarker');
  if (!byMarker && textParam(context, 'marker') !== undefined)
    throw invalidParameter('marker', 'usemarker is not set');
  if (byMarker && numberParam(context, 'offset', 0, { min: 0, max: Number.MAX_SAFE_INTEGER }) > 0)
    throw invalidParameter('offset', 'not with a marker');
  return byMarker;
}

/** Which fields the caller asked for; undefined means the standard ones. */
export function askedFields(context: RequestContext): readonly string[] | undefined {
  const fields = context.query
    .getAll('fields')
    .flatMap((value) => value.split(','))
    .map((field) => field.trim())
    .filter((field) => field !== '');
  return fields.length === 0 ? undefined : fields;
}
