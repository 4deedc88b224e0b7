/**
 * What a JSON Schema wants at each place, in the few kinds that a form has fields for. Schemas come
 * from pydantic models of any team, so everything that is not known here becomes a field for JSON.
 */

const DEEPEST = 12;
const LONG = 200;

/** A reader of one schema: it resolves what is defined elsewhere in it. */
export function reader(root) {
  return {
    at: (schema) => described(schema, root),
    /** The schema of the shape that a value has, where a schema admits several. */
    of(schema, value) {
      const { kind, options } = described(schema, root);
      return kind === "union" ? options[optionOf(options, value, root)].schema : schema;
    },
  };
}

/**
 * @returns {any} `{kind, title, type, help, fallback, optional, …}`; `title` is the place's own, `type` that of the shape it names,
 *   which other places may name, too; `real` is the schema without null where it is optional; `kind` is `object` (`fields`), `list` (`item`, `least`,
 *   `most`), `choice` (`options`), `union` (`options`), `text` (`long`, `least`, `control`),
 *   `number` (`whole`, `least`, `most`), `boolean`, `fixed` (`value`), `map` (`item`) or `json`.
 */
function described(schema, root, depth = 0) {
  const found = resolved(schema, root);
  const about = {
    title: found === schema || schema?.title ? schema?.title : undefined,
    type: found === schema ? undefined : found.title,
    help: schema?.description ?? found.description ?? "",
    fallback: schema?.default !== undefined ? schema.default : found.default,
    optional: false,
  };
  if (depth > DEEPEST || typeof found !== "object") return { ...about, kind: "json" };
  const options = found.anyOf ?? found.oneOf;
  if (options) {
    const real = options.filter((each) => resolved(each, root).type !== "null");
    const optional = real.length < options.length;
    if (real.length === 1) {
      const inner = described(real[0], root, depth + 1);
      const all = { ...inner, title: about.title ?? inner.title, help: about.help || inner.help, fallback: about.fallback ?? (optional ? null : inner.fallback), optional: optional || inner.optional, real: real[0] };
      // a tick has no third state, and what is fixed has no second one
      if (optional && inner.kind === "boolean") return { ...all, kind: "choice", options: [true, false] };
      return optional && inner.kind === "fixed" ? { ...all, kind: "choice", options: [inner.value] } : all;
    }
    return { ...about, kind: "union", optional, options: choices(real, root) };
  }
  if (found.allOf?.length === 1) return { ...described(found.allOf[0], root, depth + 1), ...defined(about) };
  if (found.const !== undefined) return { ...about, kind: "fixed", value: found.const };
  if (found.enum) return { ...about, kind: "choice", options: found.enum.filter((each) => each !== null), optional: found.enum.includes(null) };
  switch (found.type) {
    case "object":
      if (found.properties) {
        const required = new Set(found.required ?? []);
        return { ...about, kind: "object", fields: Object.entries(found.properties).map(([name, schema]) => ({ name, schema, required: required.has(name) })) };
      }
      return typeof found.additionalProperties === "object" ? { ...about, kind: "map", item: found.additionalProperties } : { ...about, kind: "json" };
    case "array":
      return found.items ? { ...about, kind: "list", item: found.items, least: found.minItems ?? 0, most: found.maxItems ?? Infinity } : { ...about, kind: "json" };
    case "string": {
      const control = { date: "date", time: "time", email: "email", uri: "url" }[found.format] ?? "text";
      const long = control === "text" && (isMarkdown(schema, found) || (found.maxLength ?? 0) > LONG || String(about.fallback ?? "").includes("\n"));
      return { ...about, kind: "text", control, long, least: found.minLength ?? 0 };
    }
    case "integer":
    case "number":
      return {
        ...about, kind: "number", whole: found.type === "integer",
        least: found.minimum ?? found.exclusiveMinimum, most: found.maximum ?? found.exclusiveMaximum,
      };
    case "boolean":
      return { ...about, kind: "boolean" };
    case "null":
      return { ...about, kind: "fixed", value: null };
    default:
      return { ...about, kind: "json" };
  }
}

/** What may be chosen, each with a name; of those that share one, `of` tells what is in them. */
function choices(schemas, root) {
  const all = schemas.map((schema, at) => ({ schema, title: named(resolved(schema, root), at) }));
  return all.map((each) => {
    if (all.filter(({ title }) => title === each.title).length < 2) return each;
    const found = resolved(each.schema, root);
    return found.type === "integer" && !found.title ? { ...each, title: "whole number" } : { ...each, of: inside(found, root) };
  });
}

/** In words, from the outside to the inside: what a list holds, which texts, which fields. */
function inside({ items, additionalProperties, properties, format, const: fixed, enum: values = fixed === undefined ? [] : [fixed] }, root, depth = 0) {
  const inner = items ?? (properties ? undefined : additionalProperties);
  if (typeof inner === "object" && depth < DEEPEST) {
    const found = resolved(inner, root);
    const options = found.anyOf ?? found.oneOf;
    if (options) return [choices(options, root).map(({ title }) => title).join(", ")];
    return found.title || found.type ? [named(found, 0), ...(found.title ? [] : inside(found, root, depth + 1))] : [];
  }
  const told = [values, Object.keys(properties ?? {}), format ? [format] : []].find(({ length }) => length) ?? [];
  return told.length ? [told.slice(0, 3).map(String).join(", ")] : [];
}

function named({ title, type, format }, at) {
  return title ?? { string: format?.startsWith("date") || format === "time" ? format : "text", integer: "number", array: "list", object: "object" }[type] ?? type ?? `${at + 1}`;
}

function resolved(schema, root) {
  let found = schema ?? {};
  for (let steps = 0; found?.$ref && steps < DEEPEST; steps++) {
    const path = found.$ref.startsWith("#/") ? found.$ref.slice(2).split("/") : [];
    found = path.reduce((at, name) => at?.[decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~")], root) ?? {};
  }
  return found;
}

function defined(about) {
  return Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined && value !== ""));
}

function isMarkdown(...schemas) {
  return schemas.some((each) => each?.contentMediaType === "text/markdown");
}

/** Return the value that a form begins with. */
export function beginning(schema, root, depth = 0) {
  const { kind, fallback, optional, fields, value, options, least = 0, item } = described(schema, root);
  if (fallback !== undefined) return fallback;
  if (optional || depth > DEEPEST) return null;
  switch (kind) {
    case "object": return Object.fromEntries(fields.filter((each) => each.required).map((each) => [each.name, beginning(each.schema, root, depth + 1)]));
    case "list": return Array.from({ length: Math.min(least, 50) }, () => beginning(item, root, depth + 1));
    case "map": return {};
    case "fixed": return value;
    case "choice": return options.length === 1 ? options[0] : undefined;
    case "union": return beginning(options[0].schema, root, depth + 1);
    case "boolean": return false;
    case "text": return "";
    default: return undefined;
  }
}

/** Return which option of a union a value is of, as well as that can be told by its look. */
export function optionOf(options, value, root) {
  const fits = options.map(({ schema }) => likeness(schema, value, root));
  return Math.max(0, fits.indexOf(Math.max(...fits)));
}

function likeness(schema, value, root) {
  const each = described(schema, root);
  if (value === null && each.optional) return 3;
  const type = Array.isArray(value) ? "list" : value === null ? "fixed" : { string: "text", number: "number", bigint: "number", boolean: "boolean", object: "object" }[typeof value];
  switch (each.kind) {
    case "fixed": return each.value === value ? 3 : -1;
    case "choice": return each.options.includes(value) ? 3 : -1;
    case "union": return Math.max(...each.options.map((option) => likeness(option.schema, value, root)));
    case "object":
      if (type !== "object") return -1;
      return each.fields.reduce((sum, { name, schema: inner, required }) => {
        const { kind, value: fixed } = described(inner, root);
        if (kind === "fixed" && name in value) return sum + (value[name] === fixed ? 10 : -10);
        return sum + (name in value ? 1 : required ? -2 : 0);
      }, 1);
    case "map":
      return type === "object" ? 1 + worst(Object.values(value), each.item, root) : -1;
    case "list":
      return type === "list" ? 2 + worst(value, each.item, root) : -1;
    case "number":
      return type === "number" ? (each.whole && typeof value === "number" && !Number.isInteger(value) ? 1 : 2) : -1;
    case "text":
      return type === "text" ? (each.control === "text" || !value ? 2 : 2 + looksLike(each.control, value)) : -1;
    default:
      return each.kind === type ? 2 : each.kind === "json" ? 0 : -1;
  }
}

/** By how much less the worst of the first entries fits than the shape of its list. */
function worst(entries, item, root) {
  return Math.min(0, ...entries.slice(0, 50).map((each) => likeness(item, each, root)));
}

function looksLike(control, value) {
  const looks = { date: /^\d{4}-\d\d-\d\d$/, time: /^\d\d:\d\d/, email: /^\S+@\S+$/, url: /^\w+:\/\// }[control];
  return looks.test(value) ? 0.5 : -0.5;
}

const TYPES = { string: "str", integer: "int", number: "float", boolean: "bool" };

/** What the API calls a shape: by its title, or as Python says its type. */
function pythonic({ title, type, items, additionalProperties }, root, depth = 0) {
  const of = (schema) => pythonic(resolved(schema, root), root, depth + 1);
  if (title || depth > DEEPEST) return title;
  if (type === "array") return items ? `list[${of(items)}]` : "list[any]";
  return type === "object" ? `dict[str,${of(additionalProperties)}]` : (TYPES[type] ?? "any");
}

/** Whether the API's name of a shape, as errors have it in their paths, is that of a schema: its title, type, or the value that tells it. */
export function isAbout(name, schema, root) {
  const found = resolved(schema, root);
  if (pythonic(found, root) === name) return true;
  const { kind, fields } = described(schema, root);
  return kind === "object" && fields.some((each) => String(resolved(each.schema, root).const) === name);
}

/**
 * The names of an object in the order of its schema: the store keeps none.
 * @param {string[]} names Those that are there.
 * @param {string[]} known Those of the schema, in order.
 */
export function inOrder(names, known) {
  return [...known.filter((name) => names.includes(name)), ...names.filter((name) => !known.includes(name))];
}
