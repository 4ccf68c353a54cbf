/** The looks of the page, in light and in dark. */
export const style = `
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #687385; --paper: #fff; --line: #dfe3ea; --a: #0b7a75; --b: #b5651d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --quiet: #98a2b3; --paper: #14181f; --line: #2c333f; --a: #35b8b1; --b: #e09a55; }
}
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.quiet { color: var(--quiet); margin: 0 0 .6rem; }
.key { margin-right: 1.4rem; font-weight: 600; } .key.side0 { color: var(--a); } .key.side1 { color: var(--b); }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--ink); } svg .value { fill: var(--quiet); font-size: 11px; }
rect.side0, circle.side0 { fill: var(--a); } rect.side1, circle.side1 { fill: var(--b); }
.shade1 { opacity: .6; } .shade2 { opacity: .35; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } th { color: var(--quiet); font-weight: 500; }
.good { color: var(--a); font-weight: 600; } .bad { color: var(--b); font-weight: 600; }
`;
