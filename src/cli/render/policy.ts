import type {OffsitePolicy} from '../../operations/offsite/policy.ts';
import type {Rendered} from '../base-command.ts';

/** `offsite policy`: what to paste stands at the margin, between its title and an empty line. */
export function renderPolicy(policy: OffsitePolicy): Rendered {
  const {provider, level, bucket, prefix, policies, settings, limits} = policy;
  const place = bucket === null ? provider : `${provider}, bucket ${bucket}${prefix === null || prefix === '' ? '' : `, prefix ${prefix}`}, level ${level}`;
  const parts = [
    `Protection of the offsite repository (${place})`,
    ...policies.map(({title, text}, index) => `${index + 1}. ${title}\n\n${text}`),
    ...(settings.length === 0 ? [] : [`Settings of the bucket\n\n${settings.map(({name, value, why}) => `- ${name}: ${value}\n    ${why}`).join('\n')}`]),
    `What to know\n\n${limits.map((limit) => `- ${limit}`).join('\n')}`,
  ];
  return {text: parts.join('\n\n'), json: {provider, level, bucket, prefix, policies, settings, limits}, verbatim: true};
}
