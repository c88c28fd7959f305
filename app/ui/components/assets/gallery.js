import { n as e, t } from "./style.js";
// src/gallery.ts
var n = {
	normal: ["●", "normal"],
	margin: ["◐", "near the boundary"],
	defect: ["▲", "beyond the boundary"]
}, r = {
	normal: "✓ normal",
	defect: "✕ defect",
	unsure: "? unsure"
}, i = "\n:host { display: block; }\n.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(148px, 1fr)); gap: 12px; font-family: var(--st-font);\n  color: var(--st-text-color); }\n.grid.compact { display: flex; overflow-x: auto; gap: 8px; padding: 2px; }\n.tile { all: unset; box-sizing: border-box; cursor: pointer; border: 1px solid var(--st-border-color); border-radius: 10px;\n  overflow: hidden; background: var(--st-secondary-background-color); display: flex; flex-direction: column; min-width: 0; }\n.compact .tile { flex: 0 0 76px; }\n.tile:hover { border-color: var(--st-primary-color); }\n.tile:focus-visible, .tile[aria-current=\"true\"] { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }\n.picture { position: relative; aspect-ratio: 1; background: #17191c; }\n.picture img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }\n.badge { position: absolute; left: 6px; top: 6px; padding: 1px 7px; border-radius: 9px; font-size: 11px; color: #fff;\n  background: rgba(15, 17, 20, 0.78); }\n.badge.defect { background: #b3261e; }\n.facts { display: flex; justify-content: space-between; gap: 6px; padding: 6px 9px 1px; font-size: 14px;\n  font-variant-numeric: tabular-nums; }\n.standing.defect { color: var(--st-red-text-color, #d32f2f); }\n.standing.margin { color: var(--st-orange-text-color, #b26a00); }\n.name { padding: 0 9px 7px; font-size: 12px; opacity: 0.7; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }\n.compact .facts { padding: 2px 6px 3px; font-size: 12px; justify-content: center; }\n.compact .name, .compact .badge { display: none; }\n", a = class {
	grid;
	open;
	data = null;
	constructor(e, t) {
		this.grid = e, this.open = t, e.addEventListener("keydown", (e) => this.key(e));
	}
	update(e, t) {
		this.open = t, JSON.stringify(e) !== JSON.stringify(this.data) && (this.data = e, this.grid.className = e.compact ? "grid compact" : "grid", this.grid.replaceChildren(...e.items.map((t) => this.tile(t, e))), this.grid.querySelector("[aria-current=\"true\"]")?.scrollIntoView({
			block: "nearest",
			inline: "center"
		}));
	}
	tile([t, i, a, o, s, c], l) {
		let [u, d] = n[o ?? ""] ?? ["○", "not scored"], f = a === null ? "–" : (a / 100).toFixed(2), p = `${i}: score ${f}, ${d}${s ? `, labelled ${s}` : ""}`, m = e("button", {
			class: "tile",
			type: "button",
			"aria-label": p,
			title: p,
			"data-id": String(t)
		});
		t === l.selected && m.setAttribute("aria-current", "true");
		let h = e("div", { class: "picture" });
		if (h.append(e("img", {
			src: `/thumb/${t}`,
			alt: "",
			loading: "lazy",
			decoding: "async"
		})), l.heat && l.version !== null && a !== null) {
			let n = `/heatmap/${t}?version=${l.version}`;
			h.append(e("img", {
				src: n,
				alt: "",
				loading: "lazy",
				decoding: "async"
			}));
		}
		let g = s ? r[s] : c ? "held out" : "";
		g && h.append(e("span", { class: `badge ${s ?? ""}` }, g));
		let _ = e("div", { class: "facts" });
		return _.append(e("b", {}, f), e("span", {
			class: `standing ${o ?? ""}`,
			title: d
		}, u)), m.append(h, _, e("div", { class: "name" }, i)), m.addEventListener("click", () => this.open(t)), m;
	}
	key(e) {
		let t = [...this.grid.querySelectorAll(".tile")], n = t.indexOf(e.target);
		if (n < 0) return;
		let r = t.filter((e) => e.offsetTop === t[0].offsetTop).length, i = {
			ArrowRight: 1,
			ArrowLeft: -1,
			ArrowDown: r,
			ArrowUp: -r
		}[e.key];
		i !== void 0 && (e.preventDefault(), t[Math.max(0, Math.min(t.length - 1, n + i))].focus());
	}
}, o = /* @__PURE__ */ new WeakMap();
function s({ data: n, parentElement: r, setTriggerValue: s }) {
	let c = (e) => s("open", e), l = o.get(r);
	if (!l) {
		let n = e("div", {
			class: "grid",
			role: "group",
			"aria-label": "Parts"
		});
		r.append(n), t(n, i), l = new a(n, c), o.set(r, l);
	}
	return l.update(n, c), () => {
		r.querySelector(".grid")?.remove(), o.delete(r);
	};
}
export { s as default };
