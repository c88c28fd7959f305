export const EDITOR_CSS = `
:host { display: block; }
.editor { display: flex; flex-direction: column; gap: 8px; color: var(--st-text-color); font-family: var(--st-font);
  container-type: inline-size; }
.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.group { display: flex; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden; }
.bar button { display: flex; align-items: center; border: 0; margin: 0; padding: 0 9px; height: 34px; background: transparent;
  color: inherit; font: inherit; font-size: 13px; cursor: pointer; white-space: nowrap; }
.group button + button { border-left: 1px solid var(--st-border-color); }
.bar button:hover:not(:disabled) { background: var(--st-secondary-background-color); }
.bar button[aria-pressed="true"] { background: var(--st-primary-color);
  color: var(--st-background-color); }
.bar button:disabled { opacity: 0.4; cursor: default; }
.bar button:focus-visible, .stage:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
.bar svg { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.bar kbd { font: inherit; font-size: 11px; opacity: 0.65; margin-left: 5px; }
.bar label { display: flex; align-items: center; gap: 6px; font-size: 13px; }
.bar input[type="range"] { width: 72px; accent-color: var(--st-primary-color); }
.bar .part { display: flex; gap: 8px; align-items: center; }
.bar select, .panel input { height: 28px; border: 1px solid var(--st-border-color); border-radius: 6px; font: inherit; font-size: 13px;
  background: var(--st-background-color); color: inherit; }
.pen .swatch { width: 12px; height: 12px; border-radius: 3px; flex: none; }
.pen select { max-width: 132px; height: 34px; border-radius: 8px; }
.pen input { width: 116px; height: 32px; padding: 0 6px; border: 1px solid var(--st-border-color); border-radius: 8px; font: inherit;
  background: var(--st-background-color); color: inherit; }
.view label, .view button, .view select { font-size: 12px; }
.view button { height: 28px; }
.view input[type="range"] { width: 64px; }
.more { position: relative; font-size: 13px; }
.more summary { cursor: pointer; padding: 7px 9px; border: 1px solid var(--st-border-color); border-radius: 8px; list-style: none; }
.more summary:focus-visible { outline: 2px solid var(--st-primary-color); }
.more .panel { position: absolute; right: 0; z-index: 3; display: flex; flex-direction: column; gap: 2px; padding: 6px; min-width: 250px;
  background: var(--st-background-color); border: 1px solid var(--st-border-color); border-radius: 8px; margin-top: 4px; }
.panel label { padding: 3px 9px; }
.panel input[type="number"] { width: 64px; }
.panel input[type="text"] { width: 150px; padding: 0 6px; }
.panel input[aria-invalid="true"] { border-color: #d32f2f; }
.bar output { min-width: 38px; font-variant-numeric: tabular-nums; }
@container (max-width: 660px) { .bar kbd { display: none; } }
.frame { position: relative; }
.stage { position: relative; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;
  background: #17191c; touch-action: none; cursor: crosshair; }
.stage.panning { cursor: grab; }
.state { position: absolute; left: 10px; bottom: 10px; padding: 2px 9px; border-radius: 9px; font-size: 12px;
  color: #fff; background: rgba(15, 17, 20, 0.78); pointer-events: none; }
.state:empty, .bar [hidden], .group:not(:has(> :not([hidden]))) { display: none; }
`
