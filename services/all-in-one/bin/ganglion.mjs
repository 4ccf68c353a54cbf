#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Beside the program, where nobody can leave code who could not change the program itself.
enableCompileCache(join(import.meta.dirname, '../dist/bundle/compiled'));
await import('../dist/bundle/ganglion.js');
