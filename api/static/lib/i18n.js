/**
 * The language of the interface; that of the contents is the contents' own. English stands in the
 * modules themselves, as what other languages are looked up by in `messages/`:
 *
 *     t`Retry ${name}`                               looked up as "Retry {0}"
 *     n(3, "{n} concept", "{n} concepts")            looked up as "{n} concept"
 */

/** The languages that there are messages for, each in its own words. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", zh: "中文" };

const KEY = "roadmap.language";
const MODULES = {
  de: () => import("../messages/de.js"),
  es: () => import("../messages/es.js"),
  zh: () => import("../messages/zh.js"),
};

const wish = chosen() ?? wanted();
/** Without its messages, which did not come, a page says what it has to say in English. */
const messages = wish in MODULES ? await MODULES[wish]().then((module) => module.default, () => null) : {};

/** The interface's language: the one that was chosen, else the first of the browser's that there is. */
export const language = messages ? wish : "en";

/** For dates and numbers: the reader's own manner, where it is one of the interface's language. */
export const locale = (globalThis.navigator?.languages ?? []).find((each) => each.split("-")[0] === language) ?? language;

const plurals = new Intl.PluralRules(language);

/** The language that messages of the server are written in: not the interface's, perhaps. */
export const SERVERS = language === "en" ? null : "en";

/**
 * Return a text in the interface's language; with elements among the values, a list of children.
 *
 * @returns {any}
 */
export function t(strings, ...values) {
  const key = strings.reduce((all, part, at) => `${all}{${at - 1}}${part}`);
  return filled(messages?.[key] ?? key, values);
}

/** Return a number of things; `values` are what else the sentence has in braces: what a noun's case depends on is one text. */
export function n(number, one, many, values = {}) {
  const forms = messages?.[one] ?? [one, many];
  const form = forms.length === 1 || plurals.select(number) === "one" ? forms[0] : forms[1];
  return form.replace(/\{(\w+)\}/g, (_, name) => (name === "n" ? figure(number) : values[name]));
}

/** What stands between things that are named, and at the end of a sentence, as the interface's language writes it. */
export const COMMA = t`, `;
export const STOP = t`.`;

const lists = new Intl.ListFormat(locale, language === "en" ? { type: "unit", style: "short" } : {});

/** Return names as one text, in the manner of the language: `教程、资源和测验`. */
export const list = (texts) => lists.format(texts);

/** Return elements with what stands between them. */
export const listed = (elements) =>
  lists.formatToParts(elements.map((_, at) => String(at))).map(({ type, value }) => (type === "element" ? elements[Number(value)] : value));

/** Return a name as it stands within a sentence; German nouns keep their capitals. */
export const within = (name) => (language !== "de" && /^\p{Lu}(?!\p{Lu})/u.test(name) ? name.charAt(0).toLocaleLowerCase() + name.slice(1) : name);

export const figure = (number, options = {}) => number.toLocaleString(locale, options);

/** Choose the interface's language, in all pages from now on. */
export function choose(wish) {
  try {
    localStorage.setItem(KEY, wish);
  } catch {
    // the browser's languages decide, then
  }
}

function filled(text, values) {
  const parts = text.split(/\{(\d+)\}/).map((part, at) => (at % 2 ? values[Number(part)] : part));
  return parts.every((part) => typeof part !== "object") ? parts.join("") : parts;
}

function chosen() {
  try {
    const wish = localStorage.getItem(KEY);
    return wish && wish in LANGUAGES ? wish : null;
  } catch {
    return null;
  }
}

function wanted() {
  const spoken = (globalThis.navigator?.languages ?? []).map((each) => each.split("-")[0]);
  return spoken.find((each) => each in LANGUAGES) ?? "en";
}
