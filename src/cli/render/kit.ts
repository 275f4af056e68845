import {kitQr, kitQrTexts} from '../../offsite/kit-qr.ts';
import {kitText, type KitFacts} from '../../offsite/kit.ts';
import type {KitCheck} from '../../operations/offsite/kit.ts';
import type {Rendered} from '../base-command.ts';

export function renderKit(facts: KitFacts, {qr}: {qr: boolean}): Rendered {
  const codes = qr ? kitQrTexts(facts).map(kitQr) : [];
  return {text: [kitText(facts), ...codes].join('\n\n'), json: {...facts, made: facts.made.toISOString(), text: kitText(facts)}, verbatim: true};
}

export function renderKitCheck({local, offsite}: KitCheck): Rendered {
  const there = {
    opened: `It opens the offsite repository ${offsite?.url}.`,
    'same-keys': `It opens the offsite copy ${offsite?.url}: its key files are the same as here. These credentials cannot read there; to see it open, run this with a reading key.`,
  };
  const lines = [`The password opens the local repository ${local.url}.`, offsite ? there[offsite.state] : 'There is no offsite copy (RESTIC_OFFSITE_REPOSITORY is not set).'];
  return {text: lines.join('\n'), json: {local, offsite}};
}
