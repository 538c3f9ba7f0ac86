import { z } from 'zod';
import { key } from './key.ts';
import { isAddress } from './tracking-section.ts';

/** An address of HTTP without a user or a password, as a pattern that JSON Schema knows too. */
const WEBHOOK_PATTERN = '^https?://[^\\s/?#@\\\\]+([/?#]\\S*)?$';

/** The keys of `notify`, of either side. */
const KEYS = z.strictObject({
  command: key(
    z
      .array(z.string())
      .min(1)
      .refine(([program]) => program !== '', 'the name of a program is expected first')
      .optional(),
    'This program with these arguments is run, no shell between; the news is a JSON document on its standard input.',
    { absent: 'no program', examples: [['/usr/local/bin/tell', '--topic', 'federation']] },
  ),
  webhook: key(
    z
      .string()
      .refine(
        (text) => isAddress(text, WEBHOOK_PATTERN),
        'an address such as https://hooks.example.org/a1b2 is expected',
      )
      .optional(),
    'The news is sent to this address as JSON (POST); the address counts as a secret, and is told by its host only.',
    {
      absent: 'no address',
      examples: ['https://hooks.example.org/a1b2'],
      pattern: WEBHOOK_PATTERN,
      secret: true,
    },
  ),
});

/** The same with exactly one of both. */
export const NOTIFY_SECTION = KEYS.superRefine(({ command, webhook }, context) => {
  if ((command === undefined) !== (webhook === undefined)) return;
  const words =
    command === undefined
      ? 'command or webhook is wanted: nobody would hear of anything'
      : 'one of command and webhook is wanted, not both';
  context.addIssue({ code: 'custom', message: words });
});

export type NotifySection = z.infer<typeof NOTIFY_SECTION>;
