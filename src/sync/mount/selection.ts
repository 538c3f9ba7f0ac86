import picomatch from 'picomatch';
import { z } from 'zod';
import type { Disposition, Filter } from '../plan/op.ts';
import { PROFILE_KINDS, type Profile, profileFilter } from './profiles.ts';

/** What a mount mirrors: a profile, narrowed by patterns. */
export interface Selection {
  readonly profile: Profile;
  /** When there are any, only files that match one of them are mirrored. */
  readonly include: readonly string[];
  /** What matches one of them is not mirrored; a folder with all that is below it. */
  readonly exclude: readonly string[];
}

const selectionSchema = z.object({
  profile: z.object({ kind: z.enum(PROFILE_KINDS), name: z.string().optional() }),
  include: z.array(z.string()),
  exclude: z.array(z.string()),
});

/** A pattern without a slash matches names at any depth; with one, paths from the mirrored folder down. */
function matcher(patterns: readonly string[]): (path: string) => boolean {
  const matches = patterns.map((pattern) => {
    const anchored = pattern.replace(/^\//, '').replace(/\/$/, '');
    return picomatch(anchored, { dot: true, basename: !anchored.includes('/') });
  });
  return (path) => matches.some((each) => each(path));
}

/**
 * The filter of a selection.
 *
 * Guarantees: pure; what is excluded is ignored on both sides and never deleted for it; excluding wins over including.
 */
export function selectionFilter({ profile, include, exclude }: Selection): Filter {
  const base = profileFilter(profile);
  if (include.length === 0 && exclude.length === 0) return base;
  const included = matcher(include);
  const excluded = matcher(exclude);
  return (names, kind): Disposition => {
    for (let depth = 1; depth <= names.length; depth += 1)
      if (excluded(names.slice(0, depth).join('/'))) return 'ignore';
    if (kind === 'file' && include.length > 0 && !included(names.join('/'))) return 'ignore';
    return base(names, kind);
  };
}

/** A selection as the index keeps it: equal texts mean equal filters. */
export function selectionText({ profile, include, exclude }: Selection): string {
  return JSON.stringify({ profile, include: [...include].sort(), exclude: [...exclude].sort() });
}

/** Read back what `selectionText` wrote; undefined when it is none. */
export function selectionOf(text: string | undefined): Selection | undefined {
  if (text === undefined || text === '') return undefined;
  const { profile, include, exclude } = selectionSchema.parse(JSON.parse(text));
  if (profile.kind !== 'client') return { profile: { kind: profile.kind }, include, exclude };
  return { profile: { kind: 'client', name: profile.name ?? '' }, include, exclude };
}
