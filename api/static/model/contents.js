/** The contents of a concept, of whatever kinds the server has. */

import { t } from "../lib/i18n.js";

/**
 * Return the states that count for the concept as a whole: all, without those of kinds that are
 * younger than its other contents. Such a one is written only when somebody asks for it.
 *
 * @param {Record<string, {status: string, version: number|null}>} contents By kind.
 */
export function begun(contents) {
  const all = Object.values(contents);
  const own = all.filter(({ version }) => version !== null);
  return own.length ? own : all;
}

/**
 * Return a content of any kind as what a page is drawn from: texts, points, and named fields.
 *
 * @returns {{text: string} | {points: object[]} | {fields: [string, object][]}}
 */
export function drawn(value) {
  if (Array.isArray(value)) return { points: value.map(drawn) };
  if (value !== null && typeof value === "object") {
    const said = Object.entries(value).filter(([, inner]) => inner !== null);
    return { fields: said.map(([name, inner]) => [name, drawn(inner)]) };
  }
  return { text: typeof value === "boolean" ? (value ? t`yes` : t`no`) : String(value ?? "") };
}

/**
 * Whether one of a concept's contents is still to come.
 *
 * @param {Record<string, {status: string, version: number|null}>} contents By kind.
 */
export const unfinished = (contents) => begun(contents).some(({ status }) => status === "pending" || status === "running");
