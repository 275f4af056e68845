import {expect, it} from 'vitest';
import {jsonName} from '../../../src/sources/files/walk.ts';

it.each<[string, number[], string]>([
  ['text', [...Buffer.from('café 🗺️')], 'café 🗺️'],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\u{FEFF}a'],
  ['the beginning of a character, which Node takes for one unknown one', [0xe2, 0x82], '\u{FFFD}\u{FFFD}'],
  ['the same within text', [0x61, 0xe2, 0x82, 0x41], 'a\u{FFFD}\u{FFFD}A'],
  ['a surrogate', [0xed, 0xa0, 0x80], '\u{FFFD}\u{FFFD}\u{FFFD}'],
  ['Latin 1 before UTF-8', [0xe9, 0xc3, 0xa9], '\u{FFFD}é'],
  ['nothing but unknown bytes', [0xff, 0xfe, 0x80], '\u{FFFD}\u{FFFD}\u{FFFD}'],
])('shows a name as Go does: %s', (_, bytes, shown) => {
  expect(jsonName(Buffer.from(bytes))).toBe(shown);
});
