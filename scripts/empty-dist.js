// Removes the former build: what its sources no longer have would be published too. JavaScript, because
// npm runs it by itself after each install of a checkout, with any Node that npm itself runs on.

import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
rmSync(dist, { recursive: true, force: true });
