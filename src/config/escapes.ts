const controls: Readonly<Record<string, string>> = {a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v'};

/**
 * The escapes that compose knows within double quotes; every other backslash stays. Pure.
 * @param dollar what stands for an escaped dollar sign: `$$` where references are expanded afterwards
 */
export function unescapeDoubleQuoted(text: string, dollar: '$' | '$$'): string {
  return text.replace(/\\(?:[abfnrtv$"\\]|0[0-7]{0,3})/g, (escape) => {
    const [, character = ''] = escape;
    if (character === '$') return dollar;
    if (character !== '0') return controls[character] ?? character;
    const octal = escape.slice(2);
    const code = Number.parseInt(octal, 8);
    return octal.length === 3 && code < 256 ? String.fromCodePoint(code) : `\\${octal}`;
  });
}
