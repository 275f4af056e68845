/**
 * One `KEY="value"` line that dotenv reads back as exactly this value. Dotenv knows no escapes but `\n` and `\r` within
 * double quotes, so the quote is chosen by what the value holds.
 */
function dotenvLine(key: string, value: string): string {
  const quote = ['"', "'", '`'].find(
    (candidate) => !value.includes(candidate) && !value.endsWith('\\') && !(candidate === '"' && /\\[nr]/.test(value)),
  );
  if (quote !== undefined) return `${key}=${quote}${value}${quote}`;
  // Unquoted values end at a comment sign and lose their outer blanks, and nothing else.
  if (!/[#\n\r]/.test(value) && value.trim() === value && !/^["'`]/.test(value)) return `${key}=${value}`;
  throw new Error(`dotenv has no way to write the value of ${key}: it holds every kind of quote`);
}

/** The text of a configuration file. */
export function dotenvText(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${dotenvLine(key, value)}\n`)
    .join('');
}
