// The phone's own code, held to Chromium 83 and Safari 15.4: syntax by ecmaVersion, APIs by compat.
import compat from "eslint-plugin-compat";
import globals from "globals";

// Methods that parse everywhere and are missing in Chromium 83 or Safari 15.4; compat cannot see a receiver's type.
const MISSING = {
  at: "85+: use [index] or slice(-1)[0]",
  replaceAll: "Chromium 85: use replace(/…/g)",
  findLast: "Chromium 97: use a loop",
  findLastIndex: "Chromium 97: use a loop",
  toSorted: "Chromium 110: copy, then sort",
  toReversed: "Chromium 110: copy, then reverse",
  toSpliced: "Chromium 110: copy, then splice",
  groupBy: "Chromium 117: use a loop",
  isWellFormed: "Chromium 111: use a pattern",
};
const methods = Object.entries(MISSING).map(([name, why]) => ({
  selector: `CallExpression[callee.property.name="${name}"]`,
  message: `.${name}(): ${why}`,
}));
const statics = [
  ["Object", "hasOwn", "Chromium 93"], ["crypto", "randomUUID", "Chromium 92"], ["AbortSignal", "timeout", "Chromium 103"],
  ["AbortSignal", "any", "Chromium 116"], ["Promise", "any", "Chromium 85"], ["Promise", "withResolvers", "Chromium 119"],
  ["Array", "fromAsync", "Chromium 121"],
].map(([object, property, since]) => ({
  selector: `MemberExpression[object.name="${object}"][property.name="${property}"]`,
  message: `${object}.${property}: only from ${since}`,
}));

export default [
  {
    files: ["**/*.js"],
    plugins: { compat },
    languageOptions: {
      ecmaVersion: 2020,
      sourceType: "script",
      globals: { ...globals.browser, ...globals.serviceworker, htmx: "readonly", idb: "readonly", nc: "writable", VERSION: "readonly", SHELL: "readonly", SAYS: "readonly" },
    },
    settings: { lintAllEsApis: true, browsers: ["chrome 83", "safari 15.4", "ios_saf 15.4"] },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // The app asks whether these are there before it uses them; compat does not see such questions everywhere.
      "compat/compat": ["error"],
      "no-restricted-syntax": ["error", ...methods, ...statics,
        { selector: "Literal[regex.pattern=/\\(\\?<[=!]/]", message: "lookbehind: only from Safari 16.4" },
        { selector: "Literal[regex.flags=/[dv]/]", message: "regex flag d or v: too new" },
      ],
      "no-restricted-globals": ["error", { name: "structuredClone", message: "only from Chromium 98" }, "event", "name"],
      "no-eval": "error", "no-implied-eval": "error", "no-new-func": "error", "no-undef": "error",
      "no-unused-vars": ["error", { caughtErrors: "none" }],
    },
  },
];
