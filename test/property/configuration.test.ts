import fc from 'fast-check';
import { expect, it } from 'vitest';
import { documentLines } from '../../src/cli/configuration-text.ts';
import { parseConfigurationText } from '../../src/fl/config/document.ts';
import { filledConfiguration } from '../../src/fl/config/filled.ts';
import { configurationSchema } from '../../src/fl/config/json-schema.ts';
import { judgeConfiguration, type Role } from '../../src/fl/config/sides.ts';
import { clientDocuments, damaged, serverDocuments } from '../support/configurations.ts';
import { accepts } from '../support/json-schema.ts';

const SIDES: readonly (readonly [Role, fc.Arbitrary<Record<string, unknown>>])[] = [
  ['server', serverDocuments],
  ['client', clientDocuments],
];
const SCHEMAS = { server: configurationSchema('server'), client: configurationSchema('client') };

/** A document as a program reads it from a file. */
const read = (document: unknown) => parseConfigurationText(JSON.stringify(document), 'c.json');

it.each(SIDES)(
  'a %s file with its defaults filled in holds, means the same, and is filled in no further',
  (role, documents) => {
    fc.assert(
      fc.property(documents, (written) => {
        const { judgement } = judgeConfiguration(read(written), 'c.json');
        expect(judgement.faults).toEqual([]);
        const lines = documentLines(filledConfiguration(judgement.document, role).document);
        const again = judgeConfiguration(parseConfigurationText(lines.join('\n'), 'c.json'), 'c.json');
        expect(again.role).toBe(role);
        expect(again.judgement.faults).toEqual([]);
        expect(again.judgement.value).toEqual({
          ...judgement.value,
          // What was left out is said now.
          ...Object.fromEntries(
            ['grpc_configuration', 'aggregator_options', 'executor_options']
              .filter((key) => judgement.value?.[key] === null)
              .map((key) => [key, again.judgement.value?.[key]]),
          ),
          ...Object.fromEntries(
            ['aggregator_options', 'executor_options']
              .filter((key) => judgement.value?.[key] !== null && judgement.value?.[key] !== undefined)
              .map((key) => [key, expect.objectContaining(judgement.value?.[key] as object)]),
          ),
        });
        expect(documentLines(filledConfiguration(again.judgement.document, role).document)).toEqual(lines);
      }),
    );
  },
);

/** What no JSON Schema of the file can say. */
const UNSAID =
  /^unknown key|is not below heartbeat_timeout|is above maximum_clients|is no IPv4|stands for nothing|above 0 is expected$|base_urls\.|^name is|no function or class/;

it.each(SIDES)(
  'the schema of a %s accepts what the program accepts, and refuses what it refuses',
  (role, documents) => {
    fc.assert(
      fc.property(fc.oneof(documents, damaged(documents)), (written) => {
        const document = JSON.parse(JSON.stringify(written)) as Record<string, unknown>;
        // Whose file it is, is said by asking for this schema.
        if (document[`${role}_type`] === undefined) return;
        const { faults } = judgeConfiguration(read(document), 'c.json').judgement;
        const isAccepted = accepts(SCHEMAS[role], document);
        const context = `${JSON.stringify(document)}: ${faults.join('; ')}`;
        if (faults.length === 0) expect(isAccepted, context).toBe(true);
        else if (!faults.some((fault) => UNSAID.test(fault))) expect(isAccepted, context).toBe(false);
      }),
      { numRuns: 400 },
    );
  },
);
