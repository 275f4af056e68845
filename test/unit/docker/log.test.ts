import {expect, test} from 'vitest';
import {withoutPrintedSecrets} from '../../../src/docker/create.ts';

test.each([
  ['Postgres password is Xk3-9s', 'Postgres password is ***'],
  [`STATEMENT: ALTER ROLE web PASSWORD 'my secret'`, 'STATEMENT: ALTER ROLE web PASSWORD ***'],
  ['verifier SCRAM-SHA-256$4096:abc$def:ghi is stored', 'verifier SCRAM-SHA-256$*** is stored'],
  ['POSTGRES_PASS=hunter22 and POSTGRES_USER=web', 'POSTGRES_PASS=*** and POSTGRES_USER=web'],
  ['FATAL: password authentication failed for user "web"', 'FATAL: password authentication failed for user "web"'],
])('a line of a container\'s log shows no password: %s', (line, shown) => {
  expect(withoutPrintedSecrets(line)).toBe(shown);
});
