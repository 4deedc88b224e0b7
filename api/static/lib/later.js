/** Views that few visitors need: each is fetched with its styles when it is needed, as a bundle of its own. */

import { h } from "./dom.js";

/**
 * @param {string} view The module in `views/`. It shares with the page what both import (`api/modules.py`).
 * @param {string[]} styles The style sheets that it needs beside those of the page.
 * @returns {Promise<any>} The module.
 */
export async function later(view, ...styles) {
  for (const name of styles) document.head.append(h("link", { rel: "stylesheet", href: new URL(`../css/${name}.css`, import.meta.url).href }));
  return import(new URL(`../views/${view}.all.js`, import.meta.url).href);
}
