import { createRequire } from "node:module";

// this file stands beside the modules that it is about, its packages in a cache elsewhere
const require = createRequire(`${process.env.CHECKED_WITH}/package.json`);
const js = require("@eslint/js");
const globals = require("globals");

export default [
  { ignores: ["**/vendor/"] },
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-unused-vars": ["error", { varsIgnorePattern: "^_", args: "after-used" }],
      "eqeqeq": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-var": "error",
      "no-shadow-restricted-names": "error",
      "no-implicit-globals": "error",
      "no-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error",
        { property: "innerHTML", message: "Texts become nodes; views/tutorial.js is the one exception." },
        { property: "outerHTML", message: "Texts become nodes." },
        { property: "insertAdjacentHTML", message: "Texts become nodes." }],
    },
  },
  { files: ["**/views/tutorial.js"], rules: { "no-restricted-properties": "off" } },
];
