import { describe, expect, it } from 'vitest';
import { STEP_IDS } from '../../../../src/sync/admin/finding.ts';
import { LINKS } from '../../../../src/sync/admin/links.ts';
import { roleProblem } from '../../../../src/sync/admin/roles.ts';
import { STEPS } from '../../../../src/sync/admin/steps.ts';

/** Steps that nobody can mend by clicking: Box tells nobody, and a key's reach is a choice. */
const WITHOUT_REMEDY = ['api-calls', 'key-reach'];

describe('the steps of the set-up', () => {
  it.each(STEP_IDS.map((id) => [id] as const))('%s needs only steps that come before it', (id) => {
    for (const need of STEPS[id].needs) expect(STEP_IDS.indexOf(need)).toBeLessThan(STEP_IDS.indexOf(id));
  });

  it.each(STEP_IDS.filter((id) => !WITHOUT_REMEDY.includes(id)).map((id) => [id] as const))(
    '%s says what to do, who can, and where Box explains it',
    (id) => {
      const { mend } = STEPS[id];
      expect(mend.length).toBeGreaterThan(0);
      for (const { who, what } of mend) {
        expect(who.length).toBeGreaterThan(0);
        expect(what).toMatch(/ > |[.)]$|true$/);
      }
      const isOurs = mend.every(({ who }) => who.includes('you'));
      expect(isOurs || mend.some(({ link }) => link !== null)).toBe(true);
    },
  );

  it('links to pages of Box only', () => {
    for (const link of Object.values(LINKS))
      expect(link).toMatch(/^https:\/\/(developer|support)\.box\.com\//);
  });
});

describe('a role on the shared folder', () => {
  it('lets a client take part from Viewer Uploader on, a server from Editor on', () => {
    const roles = [
      'co-owner',
      'editor',
      'viewer uploader',
      'previewer uploader',
      'uploader',
      'viewer',
      'previewer',
    ];
    const enough = (side: 'server' | 'client') =>
      roles.filter((role) => roleProblem(role, side) === undefined);
    expect(enough('client')).toEqual(['co-owner', 'editor', 'viewer uploader']);
    expect(enough('server')).toEqual(['co-owner', 'editor']);
    expect(roleProblem('a role of tomorrow', 'client')).toContain('does not know');
  });
});
