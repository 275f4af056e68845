import {expect, it} from 'vitest';
import {scramVerifier} from '../../../src/sources/postgres/verifier.ts';

it('is what PostgreSQL stores for that password and salt', () => {
  // RFC 7677, section 3: its salt, its 4096 iterations, the password "pencil".
  expect(scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'))).toBe('SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
});
