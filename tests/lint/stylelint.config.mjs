// The css, held to Chromium 83 and Safari 15.4.
export default {
  plugins: ["stylelint-no-unsupported-browser-features"],
  rules: {
    "plugin/no-unsupported-browser-features": [true, {
      browsers: ["chrome 83", "safari 15.4", "ios_saf 15.4"],
      ignorePartialSupport: true,
      // Harmless where they are dropped: base.css keeps a ring without :focus-visible; the rest, and text-wrap: balance, is comfort and paper.
      ignore: ["css-focus-visible", "css-touch-action", "css-resize", "css-paged-media"],
    }],
    // What that plugin's data does not know, or knows only by a name it does not look at.
    "selector-pseudo-class-disallowed-list": [["is", "where", "has", "user-valid", "user-invalid", "modal", "popover-open"],
      { message: "not in Chromium 83" }],
    "at-rule-disallowed-list": [["layer", "container", "property", "scope", "starting-style"], { message: "not in Chromium 83" }],
    "property-disallowed-list": [["inset", "aspect-ratio", "accent-color", "translate", "rotate", "scale", "content-visibility",
      "/^(margin|padding|border)-(inline|block)$/", "/^inset-/", "overflow-clip-margin"],
      { message: "not in Chromium 83, or not in Safari 15.4" }],
    "declaration-property-value-disallowed-list": [{ "/./": ["/\\d(dvh|svh|lvh|cqw|cqi)\\b/", "/color-mix\\(/", "/oklch\\(/", "/light-dark\\(/"],
      overflow: ["clip"] }, { message: "not in Chromium 83" }],
    "selector-nested-pattern": ["^$", { message: "nesting: only from Chromium 112" }],
    "no-duplicate-selectors": true,
    "block-no-empty": true,
    "color-no-invalid-hex": true,
    "property-no-unknown": true,
    "unit-no-unknown": true,
    "selector-pseudo-class-no-unknown": true,
  },
};
