import {renderUnicodeCompact} from 'uqr';
import {kitRepository, type KitFacts} from './kit.ts';

/** A QR code holds at most 2,953 bytes (version 40, level L: ISO/IEC 18004, table 7); some are kept free. */
export const qrCapacity = 2900;

/** One QR code in half blocks, light modules drawn, with the quiet zone of four modules that scanners want. */
export function kitQr(text: string): string {
  return renderUnicodeCompact(text, {ecc: 'L', border: 4});
}

/**
 * The kit's essentials as texts for QR codes: URL, repository id, key id, and the files in base64. Usually about 1,100 bytes: one code.
 * When they do not fit, the rest goes into further codes, each of which says which part it is.
 */
export function kitQrTexts({offsite, localPath, repositoryId, files}: KitFacts, capacity: number = qrCapacity): string[] {
  const lines = [
    `repository ${kitRepository({offsite, localPath})}`,
    `id ${repositoryId}`,
    ...(offsite?.keyId === undefined ? [] : [`key-id ${offsite.keyId}`]),
    ...files.map(({name, base64}) => `${name} ${base64}`),
  ];
  const whole = ['timetiles-kit', ...lines].join('\n');
  if (byteLength(whole) <= capacity) return [whole];
  const room = capacity - byteLength('timetiles-kit 99/99\n');
  const pieces = split(Buffer.from(lines.join('\n')), room);
  return pieces.map((piece, index) => `timetiles-kit ${index + 1}/${pieces.length}\n${piece}`);
}

function split(bytes: Buffer, room: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + room, bytes.length);
    while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    pieces.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return pieces;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
