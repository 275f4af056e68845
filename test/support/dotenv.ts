/**
 * One `KEY="value"` line that is read back as exactly this value. Within single quotes and backticks everything stands for itself, so the
 * quote is chosen by what the value holds.
 */
function configLine(key: string, value: string): string {
  const quote = ['"', "'", '`'].find(
    (candidate) => !value.includes(candidate) && !(candidate === '"' && /[\\$]/.test(value)) && !(candidate === "'" && value.endsWith('\\')),
  );
  if (quote === undefined) throw new Error(`there is no way to write the value of ${key} as it stands: it holds every kind of quote`);
  return `${key}=${quote}${value}${quote}`;
}

/** The text of a configuration file. */
export function dotenvText(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${configLine(key, value)}\n`)
    .join('');
}
