// Writes docs/configuration.md from the descriptions of the keys, where they are defined. Type: npm run docs
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationPage } from '../src/fl/config/page.ts';

writeFileSync(fileURLToPath(new URL('../docs/configuration.md', import.meta.url)), configurationPage());
