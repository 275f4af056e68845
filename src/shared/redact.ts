/**
 * Makes a function that blanks every given secret out of a text. Secrets shorter than four characters are
 * left alone: blanking "a" would destroy every message and protect nothing.
 */
export function createRedactor(secrets: Iterable<string | undefined>): (text: string) => string {
  const known = [...new Set([...secrets].filter((secret) => secret !== undefined && secret.length >= 4))] as string[];
  const forms = known.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((result, secret) => result.replaceAll(secret, '***'), text);
}
