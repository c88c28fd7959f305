import { n as e, r as t, t as n } from "./style.js";
// src/gallery.ts
var r = [
	["normal", "●"],
	["margin", "◐"],
	["defect", "▲"]
], i = ["", "○"], a = {
	normal: "✓ normal",
	defect: "✕ defect",
	unsure: "? unsure"
}, o = "\n:host { display: block; }\n.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(148px, 1fr)); gap: 12px; font-family: var(--st-font);\n  color: var(--st-text-color); }\n.grid.compact { display: flex; overflow-x: auto; gap: 8px; padding: 2px; }\n.tile { all: unset; box-sizing: border-box; cursor: pointer; border: 1px solid var(--st-border-color); border-radius: 10px;\n  overflow: hidden; background: var(--st-secondary-background-color); display: flex; flex-direction: column; min-width: 0; }\n.cell { position: relative; min-width: 0; display: grid; }\n.cell input { position: absolute; right: 8px; top: 8px; width: 22px; height: 22px; margin: 0; accent-color: var(--st-primary-color); cursor: pointer; }\n.compact .cell { flex: 0 0 76px; }\n.compact .tile { flex: 0 0 76px; }\n.tile:hover { border-color: var(--st-primary-color); }\n.tile:focus-visible, .tile[aria-current=\"true\"] { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }\n.picture { position: relative; aspect-ratio: 1; background: #17191c; }\n.picture img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }\n.badge { position: absolute; left: 6px; top: 6px; padding: 1px 7px; border-radius: 9px; font-size: 11px; color: #fff;\n  background: rgba(15, 17, 20, 0.78); }\n.badge.defect { background: #b3261e; }\n.facts { display: flex; justify-content: space-between; gap: 6px; padding: 6px 9px 1px; font-size: 14px;\n  font-variant-numeric: tabular-nums; }\n.standing.defect { color: var(--st-red-text-color, #d32f2f); }\n.standing.margin { color: var(--st-orange-text-color, #b26a00); }\n.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }\n.name { padding: 0 9px 7px; font-size: 12px; opacity: 0.7; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }\n.compact .facts { padding: 2px 6px 3px; font-size: 12px; justify-content: center; }\n.compact .name, .compact .badge { display: none; }\n", s = class {
	grid;
	open;
	choose;
	data = null;
	last = null;
	constructor(e, t, n) {
		this.grid = e, this.open = t, this.choose = n, e.addEventListener("keydown", (e) => this.key(e));
	}
	update(e, t, n) {
		this.open = t, this.choose = n, JSON.stringify(e) !== JSON.stringify(this.data) && (this.data = e, this.last = null, this.grid.className = e.compact ? "grid compact" : "grid", this.grid.replaceChildren(...e.items.map((t) => this.cell(t, e))), this.grid.querySelector("[aria-current=\"true\"]")?.scrollIntoView({
			block: "nearest",
			inline: "center"
		}));
	}
	cell(t, n) {
		let r = e("div", { class: "cell" });
		if (r.append(this.tile(t, n)), n.choosable && !t[5]) {
			let n = e("input", {
				type: "checkbox",
				"aria-label": `Choose ${t[1]}`,
				"data-choose": String(t[0])
			});
			n.addEventListener("click", (e) => this.ticked(n, e.shiftKey)), r.append(n);
		}
		return r;
	}
	ticked(e, t) {
		let n = [...this.grid.querySelectorAll("input[data-choose]")], r = [n.indexOf(e), t && this.last ? n.indexOf(this.last) : -1].filter((e) => e >= 0);
		for (let t of n.slice(Math.min(...r), Math.max(...r) + 1)) t.checked = e.checked;
		this.last = e, this.choose(n.filter((e) => e.checked).map((e) => Number(e.dataset.choose)));
	}
	tile([t, n, o, s, l, u, d], f) {
		let [p, m] = s === null ? i : r[s], h = s === null ? "not scored" : f.places[s], g = o === null ? "–" : (o / 100).toFixed(2), _ = `${n}: score ${g}, ${h}${u ? `, labelled ${u}` : ""}`, v = e("button", {
			class: "tile",
			type: "button",
			title: _,
			"data-id": String(t)
		});
		t === f.selected && v.setAttribute("aria-current", "true");
		let y = e("div", { class: "picture" });
		y.append(c(`/thumb/${t}`)), f.heat && f.version !== null && o !== null && y.append(c(`/heatmap/${t}?version=${f.version}`));
		let b = u ? a[u] : d ? "held out" : l === null ? "" : f.purposes[l];
		b && y.append(e("span", { class: `badge ${u ?? ""}` }, b));
		let x = e("div", { class: "facts" }), S = e("span", {
			class: `standing ${p}`,
			"aria-hidden": "true"
		}, m);
		return x.append(e("b", {}, g), S, e("span", { class: "spoken" }, h)), v.append(y, x, e("div", { class: "name" }, n)), v.addEventListener("click", () => this.open(t)), v;
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
};
function c(n) {
	let r = e("img", {
		src: n,
		alt: "",
		loading: "lazy",
		decoding: "async"
	}), i = async () => {
		await t(n, (e) => e.blob(), () => r.isConnected) && (r.src = n);
	};
	return r.addEventListener("error", () => void i(), { once: !0 }), r;
}
var l = /* @__PURE__ */ new WeakMap();
function u({ data: t, parentElement: r, setTriggerValue: i, setStateValue: a }) {
	let c = (e) => i("open", e), u = (e) => a("chosen", e), d = l.get(r);
	if (!d) {
		let t = e("div", {
			class: "grid",
			role: "group",
			"aria-label": "Parts"
		});
		r.append(t), n(t, o), d = new s(t, c, u), l.set(r, d);
	}
	return d.update(t, c, u), () => {
		r.querySelector(".grid")?.remove(), l.delete(r);
	};
}
export { u as default };
