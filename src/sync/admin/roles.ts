import type { Side } from './step.ts';

/**
 * Why a role on the shared folder is too weak; undefined when it is not.
 *
 * Source: support.box.com 360044196413, the table of roles.
 */
export function roleProblem(role: string, side: Side): string | undefined {
  switch (role) {
    case 'owner':
    case 'co-owner':
    case 'editor':
      return undefined;
    case 'viewer uploader':
      return side === 'server'
        ? 'it can add and change files, but not delete them, which a server has to.'
        : undefined;
    case 'previewer uploader':
    case 'uploader':
      return 'it can add files, but neither download nor change them.';
    case 'viewer':
      return 'it can only read.';
    case 'previewer':
      return 'it can only look, not even download.';
    default:
      return 'this program does not know what that allows.';
  }
}

/** Roles that may also decide about others' access. */
export const UNNEEDED_ROLES: ReadonlySet<string> = new Set(['co-owner', 'owner']);

/** Roles that may delete what they wrote. */
export const MAY_REMOVE: ReadonlySet<string> = new Set(['owner', 'co-owner', 'editor']);
