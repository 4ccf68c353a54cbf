import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './launcher/paths.mjs';
import { coverage, pageOf } from './spec-coverage/page.mjs';

/** Writes docs/spec-coverage.md. */
writeFileSync(join(ROOT, 'docs/spec-coverage.md'), pageOf(coverage(ROOT)));
