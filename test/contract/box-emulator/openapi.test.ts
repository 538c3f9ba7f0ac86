import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_ROWS } from './error-rows.ts';
import { type Description, OpenApiChecker } from './openapi.ts';
import { tour } from './tour.ts';
import { openWorld, type World } from './world.ts';

// Box's own description is not part of this project: BOX_OPENAPI names it, or it lies in a folder beside the repository.
const FILE =
  process.env['BOX_OPENAPI'] ?? resolve(import.meta.dirname, '../../../../shared/box-openapi.json');

/** Where the emulator knowingly differs from the description, and why. */
const DEVIATIONS: readonly (readonly [RegExp, string])[] = [
  [/^\w+ \S+ 401: no body$/, 'Box answers a bad token with an empty body'],
  [/: \/code is "\w+", not one of \[/, 'the description lists few of the codes that its own texts name'],
  [
    /: (\/\w+)*\/tags has too few items$/,
    'an item without tags has an empty list; the description wants one at least',
  ],
  [/^OPTIONS \S+ 200: \/upload_token is null/, 'recorded answers hold null'],
  [
    /^OPTIONS \S+ 409: \/context_info\/conflicts is object/,
    'uploads give one object, as Box staff confirm; only folders a list',
  ],
  [
    /^OPTIONS \/2\.0\/files\/\d+\/content: not described$/,
    'documented in the guides, missing in the description',
  ],
  [
    /^GET \S*\/web_links\/\S+ 304: no body$/,
    'the guides name web links among what If-None-Match is for; the description forgets them',
  ],
  [
    /: (\/entries\/\d+)?\/acknowledged_at is null, not string$/,
    'nobody has answered an open invitation yet, and the description has no other word for that',
  ],
  [/^DELETE \/2\.0\/users\/me\/memberships: not described$/, 'asked for as a method that there is not'],
];

let world: World;
let checker: OpenApiChecker;

describe.skipIf(!existsSync(FILE))(
  "every answer follows Box's own description (skipped where it is not at hand)",
  () => {
    beforeAll(async () => {
      checker = new OpenApiChecker(JSON.parse(readFileSync(FILE, 'utf8')) as Description);
      world = await openWorld();
      await tour(world);
      for (const row of ERROR_ROWS) await row.run(world);
    }, 60_000);
    afterAll(() => world.rig.close());

    const exchanges = () =>
      world.rig.exchanges.filter(
        ({ path }) => /^(\/api)?\/(2\.0|oauth2)\//.test(path) && !path.includes('/2.0/nothing'),
      );

    it('in status and body, but for the deviations that are justified', () => {
      const findings = new Set<string>();
      for (const { method, path, answer } of exchanges())
        for (const finding of checker.check(method, path, answer.status, answer.body)) findings.add(finding);
      const unexplained = [...findings].filter(
        (finding) => !DEVIATIONS.some(([pattern]) => pattern.test(finding)),
      );
      expect(unexplained).toEqual([]);
    });

    it('and all of it was asked for: every endpoint that is emulated took part', () => {
      const asked = new Set(
        exchanges().map(({ method, path }) => `${method} ${checker.templateOf(method, path)}`),
      );
      expect(asked.size).toBeGreaterThan(60);
      expect([...asked].filter((each) => each.endsWith('undefined'))).toEqual([
        'OPTIONS undefined',
        'DELETE undefined',
      ]);
    });

    it('by a checker that finds what is wrong', () => {
      expect(checker.check('GET', '/2.0/users/me', 200, { id: 1, type: 'user' })).not.toEqual([]);
      expect(
        checker.check('GET', '/2.0/files/1', 200, { type: 'file', id: '1', etag: '0', size: '5' }),
      ).not.toEqual([]);
      expect(checker.check('GET', '/2.0/files/1', 404, { status: 'x' })).not.toEqual([]);
      expect(checker.check('PATCH', '/2.0/files/1', 200, {})).not.toEqual([]);
    });
  },
);
