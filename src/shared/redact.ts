/**
 * Makes a function that blanks every given secret out of a text. Secrets shorter than four characters are
 * left alone: blanking "a" would destroy every message and protect nothing.
 */
export function createRedactor(secrets: Iterable<string | undefined>): (text: string) => string {
  const known = [...secrets].filter((secret) => secret !== undefined).filter((secret) => secret.length >= 4);
  const forms = known.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  const longestFirst = [...new Set(forms)].toSorted((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((result, secret) => result.replaceAll(secret, '***'), text);
}

/** A URL, or a text with several, as it may be shown: without the passwords in them. */
export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^/@:\s]*):[^/\s]*@/g, '$1@');
}
