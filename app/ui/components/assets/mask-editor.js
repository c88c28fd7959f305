import { n as e, r as t, t as n } from "./style.js";
// src/gestures.ts
function r(e, t) {
	return e.median - (e.median - e.b_n) * 2 ** t;
}
function i(e, t) {
	return [
		e,
		[t[0], e[1]],
		t,
		[e[0], t[1]]
	];
}
function a(e) {
	let t = e.split(/[\s,;]+/).filter(Boolean).map(Number);
	if (t.length !== 4 || t.some((e) => !Number.isFinite(e)) || t[2] <= 0 || t[3] <= 0) return null;
	let [n, r, i, a] = t;
	return [[n, r], [n + i, r + a]];
}
// src/raster.ts
var o = {
	x: 0,
	y: 0,
	width: 0,
	height: 0
}, s = class {
	width;
	height;
	data;
	ink = 1;
	constructor(e, t, n) {
		if (this.width = e, this.height = t, this.data = n ?? new Uint8Array(e * t), this.data.length !== e * t) throw Error(`${this.data.length} values are not ${e}x${t}`);
	}
	clip(e, t, n, r) {
		let i = Math.max(0, Math.floor(e)), a = Math.max(0, Math.floor(t));
		return {
			x: i,
			y: a,
			width: Math.max(0, Math.min(this.width, Math.ceil(n)) - i),
			height: Math.max(0, Math.min(this.height, Math.ceil(r)) - a)
		};
	}
	stroke(e, t, n, r) {
		let i = this.clip(Math.min(e[0], t[0]) - n, Math.min(e[1], t[1]) - n, Math.max(e[0], t[0]) + n, Math.max(e[1], t[1]) + n), [a, o] = [t[0] - e[0], t[1] - e[1]], s = a * a + o * o, c = n * n, l = r && this.ink;
		for (let t = i.y; t < i.y + i.height; t++) for (let n = i.x; n < i.x + i.width; n++) {
			let [r, i] = [n + .5 - e[0], t + .5 - e[1]], u = s === 0 ? 0 : Math.max(0, Math.min(1, (r * a + i * o) / s)), [d, f] = [r - u * a, i - u * o];
			d * d + f * f <= c && (this.data[t * this.width + n] = l);
		}
		return i;
	}
	polygon(e, t) {
		if (e.length < 3) return {
			x: 0,
			y: 0,
			width: 0,
			height: 0
		};
		let n = e.map((e) => e[0]), r = e.map((e) => e[1]), i = this.clip(Math.min(...n), Math.min(...r), Math.max(...n), Math.max(...r));
		for (let n = i.y; n < i.y + i.height; n++) {
			let r = c(e, n + .5);
			for (let e = 0; e + 1 < r.length; e += 2) {
				let a = Math.max(i.x, Math.ceil(r[e] - .5)), o = Math.min(i.x + i.width, Math.ceil(r[e + 1] - .5));
				o > a && this.data.fill(t && this.ink, n * this.width + a, n * this.width + o);
			}
		}
		return i;
	}
	box(e, t, n) {
		let r = Math.min(e[0], t[0]), i = Math.min(e[1], t[1]), a = Math.max(e[0], t[0]), o = Math.max(e[1], t[1]);
		return this.polygon([
			[r, i],
			[a, i],
			[a, o],
			[r, o]
		], n);
	}
	fill(e) {
		return this.data.fill(e && this.ink), {
			x: 0,
			y: 0,
			width: this.width,
			height: this.height
		};
	}
	counts() {
		let e = /* @__PURE__ */ new Uint32Array(256);
		for (let t of this.data) e[t] += 1;
		return new Map([...e.entries()].filter(([e, t]) => e > 0 && t > 0));
	}
	count() {
		return [...this.counts().values()].reduce((e, t) => e + t, 0);
	}
	copy(e) {
		let t = new Uint8Array(e.width * e.height);
		for (let n = 0; n < e.height; n++) {
			let r = (e.y + n) * this.width + e.x;
			t.set(this.data.subarray(r, r + e.width), n * e.width);
		}
		return t;
	}
	paste(e, t) {
		for (let n = 0; n < e.height; n++) {
			let r = t.subarray(n * e.width, (n + 1) * e.width);
			this.data.set(r, (e.y + n) * this.width + e.x);
		}
	}
};
function c(e, t) {
	let n = [];
	for (let r = 0; r < e.length; r++) {
		let [i, a] = e[r], [o, s] = e[(r + 1) % e.length];
		a <= t != s <= t && n.push(i + (t - a) / (s - a) * (o - i));
	}
	return n.sort((e, t) => e - t);
}
function l(e, t) {
	if (e === null || e.width === 0 || e.height === 0) return t;
	if (t.width === 0 || t.height === 0) return e;
	let n = Math.min(e.x, t.x), r = Math.min(e.y, t.y);
	return {
		x: n,
		y: r,
		width: Math.max(e.x + e.width, t.x + t.width) - n,
		height: Math.max(e.y + e.height, t.y + t.height) - r
	};
}
// src/regions.ts
var u = [
	-1,
	0,
	1
].flatMap((e) => [
	-1,
	0,
	1
].map((t) => [t, e])).filter(([e, t]) => e !== 0 || t !== 0), d = u.filter(([e, t]) => e === 0 || t === 0), f = 2;
function p(e, t, n, r) {
	let i = Math.min(e.width - 1, Math.max(0, (n + .5) * e.width / t.width - .5)), a = Math.min(e.height - 1, Math.max(0, (r + .5) * e.height / t.height - .5)), [o, s] = [Math.floor(i), Math.floor(a)], [c, l] = [Math.min(o + 1, e.width - 1), Math.min(s + 1, e.height - 1)], [u, d] = [i - o, a - s], f = (t, n) => e.values[n * e.width + t], p = f(o, s) * (1 - u) + f(c, s) * u, m = f(o, l) * (1 - u) + f(c, l) * u;
	return p * (1 - d) + m * d;
}
function m(e, t, n, r) {
	return h(e, t, n, (n, i) => p(t, e, n, i) < r);
}
function h(e, t, n, r) {
	let i = re(e, n, f * e.width / t.width, r);
	return i < 0 ? o : ae(e, ie(e, i, u, r), e.ink);
}
function g(e, t, n) {
	return oe(e, (r, i) => p(t, e, r, i) < n ? e.ink : e.data[i * e.width + r]);
}
function _(e, t) {
	let [n, r] = [Math.floor(t[0]), Math.floor(t[1])];
	if (n < 0 || r < 0 || n >= e.width || r >= e.height || e.data[r * e.width + n]) return o;
	let i = ie(e, r * e.width + n, d, (t, n) => !e.data[n * e.width + t]);
	return i.some((t) => ce(e, t)) ? null : ae(e, i, e.ink);
}
function ee(e) {
	let t = new Uint8Array(e.data.length), n = (t, n) => !e.data[n * e.width + t];
	for (let r of se(e)) !e.data[r] && !t[r] && ie(e, r, d, n, t);
	return oe(e, (n, r) => t[r * e.width + n] ? 0 : e.data[r * e.width + n] || e.ink);
}
function te(e, t) {
	let n = new Uint8Array(e.data.length), r = (t, n) => e.data[n * e.width + t] > 0, i = null;
	for (let a = 0; a < e.data.length; a++) {
		if (!e.data[a] || n[a]) continue;
		let o = ie(e, a, u, r, n);
		o.length < t && (i = l(i, ae(e, o, 0)));
	}
	return i ?? o;
}
function ne(e) {
	let t = e.data.slice(), n = (n, r) => n < 0 || r < 0 || n >= e.width || r >= e.height ? 0 : t[r * e.width + n];
	return oe(e, (r, i) => {
		let a = t[i * e.width + r], o = [a, ...u.map(([e, t]) => n(r + e, i + t))].filter((e) => e > 0);
		return o.length < 5 ? 0 : a || o[0];
	});
}
function re(e, t, n, r) {
	let [i, a] = [n * n, -1], o = e.clip(t[0] - n, t[1] - n, t[0] + n, t[1] + n);
	for (let n = o.y; n < o.y + o.height; n++) for (let s = o.x; s < o.x + o.width; s++) {
		let o = (s + .5 - t[0]) ** 2 + (n + .5 - t[1]) ** 2;
		o <= i && r(s, n) && ([i, a] = [o, n * e.width + s]);
	}
	return a;
}
function ie(e, t, n, r, i = new Uint8Array(e.data.length)) {
	let a = [t];
	i[t] = 1;
	for (let t = 0; t < a.length; t++) {
		let [o, s] = [a[t] % e.width, Math.floor(a[t] / e.width)];
		for (let [t, c] of n) {
			let [n, l] = [o + t, s + c];
			if (n < 0 || l < 0 || n >= e.width || l >= e.height) continue;
			let u = l * e.width + n;
			!i[u] && r(n, l) && (i[u] = 1, a.push(u));
		}
	}
	return a;
}
function ae(e, t, n) {
	let [r, i, a, s] = [
		e.width,
		e.height,
		-1,
		-1
	];
	for (let o of t) {
		let [t, c] = [o % e.width, Math.floor(o / e.width)];
		e.data[o] = n, [r, i, a, s] = [
			Math.min(r, t),
			Math.min(i, c),
			Math.max(a, t),
			Math.max(s, c)
		];
	}
	return a < 0 ? o : {
		x: r,
		y: i,
		width: a - r + 1,
		height: s - i + 1
	};
}
function oe(e, t) {
	let [n, r, i, a] = [
		e.width,
		e.height,
		-1,
		-1
	];
	for (let o = 0; o < e.height; o++) for (let s = 0; s < e.width; s++) {
		let [c, l] = [o * e.width + s, t(s, o)];
		e.data[c] !== l && (e.data[c] = l, [n, r, i, a] = [
			Math.min(n, s),
			Math.min(r, o),
			Math.max(i, s),
			Math.max(a, o)
		]);
	}
	return i < 0 ? o : {
		x: n,
		y: r,
		width: i - n + 1,
		height: a - r + 1
	};
}
function se(e) {
	let { width: t, height: n } = e, r = Array.from({ length: n }, (e, n) => [n * t, n * t + t - 1]).flat();
	return [...Array.from({ length: t }, (e, r) => [r, (n - 1) * t + r]).flat(), ...r];
}
function ce(e, t) {
	let [n, r] = [t % e.width, Math.floor(t / e.width)];
	return n === 0 || r === 0 || n === e.width - 1 || r === e.height - 1;
}
// src/reach.ts
var le = .8, ue = .5, de = .002, fe = .75;
function pe(e, t, n) {
	let r = 3 * n;
	return e.clip(t[0] - r, t[1] - r, t[0] + r, t[1] + r);
}
function me(e, t, n, r, i, a) {
	let { rect: s } = n;
	if (s.width === 0 || s.height === 0) return o;
	let c = (i.median - i.b_n) * 2 ** a, l = new Float32Array(s.width * s.height);
	for (let n = 0; n < s.height; n++) for (let a = 0; a < s.width; a++) {
		let [o, u] = [s.x + a, s.y + n], d = Math.max(0, (i.median - p(t, e, o, u)) / c), f = ((o + .5 - r[0]) ** 2 + (u + .5 - r[1]) ** 2) / i.radius ** 2;
		l[n * s.width + a] = Math.max(-.5, Math.min(ue, Math.log1p(d) - le * f));
	}
	let u = Math.max(1, Math.round(fe * e.width / t.width)), d = he(n.values, l, s, u, de);
	return h(e, t, r, (e, t) => {
		let [n, r] = [e - s.x, t - s.y];
		return n >= 0 && r >= 0 && n < s.width && r < s.height && d[r * s.width + n] > 0;
	});
}
function he(e, t, n, r, i) {
	let a = (e) => ge(e, n, r), [o, s] = [a(e), a(t)], [c, l] = [a(e.map((e) => e * e)), a(e.map((e, n) => e * t[n]))], u = o.map((e, t) => (l[t] - e * s[t]) / (c[t] - e * e + i)), d = s.map((e, t) => e - u[t] * o[t]), [f, p] = [a(u), a(d)];
	return e.map((e, t) => f[t] * e + p[t]);
}
function ge(e, { width: t, height: n }, r) {
	let i = new Float32Array(e.length);
	for (let a = 0; a < n; a++) _e(e, i, a * t, 1, t, r);
	let a = new Float32Array(e.length);
	for (let e = 0; e < t; e++) _e(i, a, e, t, n, r);
	return a;
}
function _e(e, t, n, r, i, a) {
	let o = 0;
	for (let t = 0; t < Math.min(a, i); t++) o += e[n + t * r];
	for (let s = 0; s < i; s++) s + a < i && (o += e[n + (s + a) * r]), s - a - 1 >= 0 && (o -= e[n + (s - a - 1) * r]), t[n + s * r] = o / (Math.min(i - 1, s + a) - Math.max(0, s - a) + 1);
}
// src/grower.ts
var ve = {
	logpUrl: null,
	scale: null,
	reach: null
}, ye = class {
	guide;
	step = 0;
	field = null;
	fine = null;
	wanted = ve;
	constructor(e) {
		this.guide = e;
	}
	get ready() {
		return this.field !== null && this.wanted.scale !== null;
	}
	has(e) {
		return this.wanted.logpUrl === e.logpUrl && this.wanted.reach?.url === e.reach?.url;
	}
	async open(e) {
		this.wanted = e, this.field = this.fine = null;
		let t = () => this.wanted === e, n = [e.logpUrl, e.reach?.url ?? null], [r, i] = await Promise.all(n.map((e) => be(e, t)));
		t() && ([this.field, this.fine] = [r, i]);
	}
	close() {
		this.wanted = { ...ve };
	}
	level(e) {
		this.step = Math.round(10 * Math.max(-1, Math.min(5, e))) / 10;
	}
	grow(e, t) {
		return e.grow(t, this.how);
	}
	regrow(e) {
		return e.regrow(this.how);
	}
	threshold(e) {
		let { field: t } = this, { scale: n } = this.wanted;
		return t && n ? e.edit((e) => g(e, t, r(n, this.step))) : null;
	}
	how = (e, t) => {
		let { field: n, fine: i, step: a } = this, { scale: o, reach: s } = this.wanted, c = i && s ? this.guide(pe(e, t, s.radius)) : null;
		return i && s && c ? me(e, i, c, t, s, a) : n && o ? m(e, n, t, r(o, a)) : {
			x: 0,
			y: 0,
			width: 0,
			height: 0
		};
	};
};
async function be(e, n) {
	let r = e ? await t(e, (e) => e.arrayBuffer(), n) : null;
	if (!r) return null;
	let [i, a] = new Uint16Array(r, 0, 2);
	return {
		width: a,
		height: i,
		values: new Float32Array(r, 4)
	};
}
// src/pinch.ts
var xe = class {
	scene;
	fingers = /* @__PURE__ */ new Map();
	pinching = !1;
	constructor(e) {
		this.scene = e;
	}
	down({ pointerId: e, clientX: t, clientY: n }) {
		return this.fingers.set(e, {
			clientX: t,
			clientY: n
		}), this.pinching ? "more" : (this.pinching = this.fingers.size === 2, this.pinching ? "two" : "one");
	}
	move({ pointerId: e, clientX: t, clientY: n }) {
		if (!this.fingers.has(e)) return !1;
		let r = this.span();
		if (this.fingers.set(e, {
			clientX: t,
			clientY: n
		}), !this.pinching) return !1;
		let i = this.span();
		return r && i && (this.scene.pan(i.clientX - r.clientX, i.clientY - r.clientY), this.scene.zoom(i.distance / r.distance, i)), !0;
	}
	up({ pointerId: e }) {
		this.fingers.delete(e), this.fingers.size === 0 && (this.pinching = !1);
	}
	span() {
		let [e, t] = this.fingers.values();
		if (!t) return null;
		let n = Math.max(1, Math.hypot(e.clientX - t.clientX, e.clientY - t.clientY));
		return {
			clientX: (e.clientX + t.clientX) / 2,
			clientY: (e.clientY + t.clientY) / 2,
			distance: n
		};
	}
}, Se = class {
	easel;
	box;
	over = !1;
	points = [];
	drawing = null;
	panning = null;
	before = {
		edits: 0,
		corners: 0
	};
	space = !1;
	pinch;
	constructor(e, t, n) {
		this.easel = e, this.box = t, this.pinch = new xe(e.scene);
		let r = (e, r, i = t) => i.addEventListener(e, r, {
			signal: n,
			passive: !1
		});
		r("pointerdown", (e) => this.down(e)), r("pointermove", (e) => this.move(e)), r("pointerup", (e) => this.up(e)), r("pointercancel", (e) => this.up(e)), r("pointerenter", () => this.hover(!0)), r("pointerleave", () => this.hover(!1)), r("wheel", (e) => this.wheel(e)), r("dblclick", (e) => {
			e.preventDefault(), this.closePolygon();
		}), r("keyup", (e) => e.code === "Space" && this.hold(!1), window);
	}
	dropCorners() {
		this.points = [], this.easel.scene.outline([]);
	}
	lift() {
		this.drawing = null;
	}
	hold(e) {
		this.space = e, this.box.classList.toggle("panning", e);
	}
	get hasCorners() {
		return this.points.length > 0;
	}
	closePolygon(e = 1) {
		let { points: t, easel: n } = this;
		this.dropCorners(), t.length > 2 && n.changed(n.sheet.edit((n) => n.polygon(t, e))), n.show();
	}
	wheel(e) {
		e.preventDefault(), this.easel.tool === "grow" && e.shiftKey ? this.easel.notch(Math.sign(e.deltaY || e.deltaX)) : this.easel.scene.zoom(Math.exp(-e.deltaY * .0015), e);
	}
	hover(e) {
		this.over = e, e || this.easel.scene.pointer(null, this.easel.radius);
	}
	down(e) {
		if (this.box.focus({ preventScroll: !0 }), e.pointerType === "touch") {
			let t = this.pinch.down(e);
			if (t === "two" && this.takeBack(), t !== "one") return;
			this.before = {
				edits: this.easel.sheet.history.length,
				corners: this.points.length
			};
		}
		e.button === 1 || this.space ? (e.preventDefault(), this.panning = {
			pointer: e.pointerId,
			x: e.clientX,
			y: e.clientY
		}) : e.button === 0 && !this.drawing && this.begin(this.easel.scene.at(e), e.pointerId, +!e.altKey), this.box.setPointerCapture(e.pointerId);
	}
	takeBack() {
		let { sheet: e, scene: t } = this.easel;
		for (this.drawing = null, this.points.length = Math.min(this.points.length, this.before.corners), t.outline(this.points), e.history.end(); e.history.length > this.before.edits;) this.easel.changed(e.history.drop()?.rect ?? null);
		this.easel.show();
	}
	begin(e, t, n) {
		let { tool: r, sheet: i } = this.easel;
		r === "grow" || r === "fill" ? this.easel.click(r, e) : r === "polygon" ? this.corner(e) : (this.drawing = {
			pointer: t,
			from: e,
			last: e,
			value: r === "erase" ? 0 : n
		}, i.begin(), r !== "box" && this.stroke(e, e));
	}
	move(e) {
		if (this.pinch.move(e)) return;
		let { scene: t, tool: n, radius: r } = this.easel, i = t.at(e), a = n === "brush" || n === "erase";
		t.pointer(a && this.over ? i : null, r), this.panning?.pointer === e.pointerId ? (t.pan(e.clientX - this.panning.x, e.clientY - this.panning.y), this.panning = {
			pointer: e.pointerId,
			x: e.clientX,
			y: e.clientY
		}) : this.drawing?.pointer === e.pointerId ? this.draw(e, this.drawing) : n === "polygon" && this.points.length > 0 && t.outline([...this.points, i]);
	}
	draw(e, t) {
		let { scene: n, tool: r } = this.easel;
		if (r === "box") {
			n.outline(i(t.from, n.at(e)), !0);
			return;
		}
		let a = e.getCoalescedEvents?.() ?? [];
		for (let r of a.length > 0 ? a : [e]) {
			let e = n.at(r);
			this.stroke(t.last, e), t.last = e;
		}
	}
	up(e) {
		if (this.pinch.up(e), this.panning?.pointer === e.pointerId && (this.panning = null), this.drawing?.pointer !== e.pointerId) return;
		let { from: t, value: n } = this.drawing, { sheet: r, scene: i, tool: a } = this.easel;
		if (this.drawing = null, a === "box") {
			i.outline([]);
			let a = r.layer.box(t, i.at(e), n);
			r.history.touched(a), this.easel.repaint(a);
		}
		r.history.end() && this.easel.changed(o), this.easel.show();
	}
	stroke(e, t) {
		let { sheet: n, radius: r } = this.easel;
		this.easel.repaint(n.stroke(e, t, r, this.drawing?.value ?? 1));
	}
	corner(e) {
		let { scene: t } = this.easel, n = this.points[0], r = 8 / t.scale;
		if (n && this.points.length > 2 && Math.hypot(n[0] - e[0], n[1] - e[1]) < r) {
			this.closePolygon();
			return;
		}
		let i = this.points[this.points.length - 1];
		i && i[0] === e[0] && i[1] === e[1] || this.points.push(e), t.outline(this.points);
	}
};
// src/codec.ts
function Ce(e) {
	return Te(e, (e) => e ? 4294967295 : 4278190080);
}
function we(e) {
	return Te(e, (e) => 4278190080 | e << 16 | e << 8 | e);
}
function Te(e, t) {
	let [n, r] = ke(e.width, e.height), i = r.createImageData(e.width, e.height), a = new Uint32Array(i.data.buffer);
	for (let n = 0; n < e.data.length; n++) a[n] = t(e.data[n]);
	return r.putImageData(i, 0, 0), n.toDataURL("image/png").slice(22);
}
async function Ee(e, t, n) {
	return (await De(e, t, n))?.map((e) => +(e > 127)) ?? null;
}
async function De(e, t, n) {
	let r = await Oe(`data:image/png;base64,${e}`);
	if (!r || r.width !== t || r.height !== n) return null;
	let [, i] = ke(t, n);
	i.drawImage(r, 0, 0);
	let a = i.getImageData(0, 0, t, n).data;
	return Uint8Array.from({ length: t * n }, (e, t) => a[4 * t]);
}
function Oe(e) {
	return new Promise((t) => {
		let n = new Image();
		n.onload = () => t(n), n.onerror = () => t(null), n.src = e;
	});
}
function ke(e, t) {
	let n = document.createElement("canvas");
	n.width = e, n.height = t;
	let r = n.getContext("2d", { willReadFrequently: !0 });
	if (!r) throw Error("this browser gives no canvas");
	return [n, r];
}
// src/history.ts
var Ae = class {
	done = [];
	undone = [];
	open = null;
	begin(e) {
		this.end(), this.open = {
			mask: e,
			base: e.data.slice(),
			rect: null
		};
	}
	touched(e) {
		this.open && (this.open.rect = l(this.open.rect, e));
	}
	end() {
		let e = this.open;
		if (this.open = null, !e?.rect || e.rect.width === 0 || e.rect.height === 0) return !1;
		let { mask: t, rect: n } = e, r = new s(t.width, t.height, e.base).copy(n), i = t.copy(n);
		return !r.every((e, t) => e === i[t]) && (this.done.push({
			mask: t,
			rect: n,
			before: r,
			after: i
		}), this.undone = [], !0);
	}
	undo() {
		this.end();
		let e = this.done.pop();
		return e ? (e.mask.paste(e.rect, e.before), this.undone.push(e), e) : null;
	}
	redo() {
		if (this.open) return null;
		let e = this.undone.pop();
		return e ? (e.mask.paste(e.rect, e.after), this.done.push(e), e) : null;
	}
	drop() {
		let e = this.undo();
		return this.undone.pop(), e;
	}
	get canUndo() {
		return this.done.length > 0 || this.open !== null;
	}
	get canRedo() {
		return this.undone.length > 0;
	}
	get length() {
		return this.done.length;
	}
}, je = 254, Me = class {
	types;
	defect;
	ignore;
	history = new Ae();
	paint = "defect";
	grown = null;
	constructor(e, t, n = []) {
		this.types = n, this.defect = new s(e, t), this.ignore = new s(e, t);
	}
	get pen() {
		return this.defect.ink;
	}
	set pen(e) {
		this.paint = "defect", e >= 1 && e <= 1 + this.types.length && (this.defect.ink = e);
	}
	numberOf(e) {
		return !this.types.includes(e) && this.types.length < je && this.types.push(e), 2 + this.types.indexOf(e);
	}
	get layer() {
		return this.paint === "defect" ? this.defect : this.ignore;
	}
	get whole() {
		return {
			x: 0,
			y: 0,
			width: this.defect.width,
			height: this.defect.height
		};
	}
	begin() {
		this.grown = null, this.history.begin(this.layer);
	}
	stroke(e, t, n, r) {
		let i = this.layer.stroke(e, t, n, r);
		return this.history.touched(i), i;
	}
	edit(e) {
		this.begin();
		let t = e(this.layer);
		return this.history.touched(t), this.history.end() ? t : null;
	}
	grow(e, t) {
		let n = this.edit((n) => t(n, e));
		return this.grown = n ? {
			point: e,
			edits: this.history.length
		} : null, n;
	}
	regrow(e) {
		if (!this.grown || this.grown.edits !== this.history.length) return null;
		let { point: t } = this.grown, n = this.history.drop()?.rect ?? o, r = this.grow(t, e);
		return r || (this.grown = {
			point: t,
			edits: this.history.length
		}), l(n, r ?? o);
	}
	fill(e) {
		let t = !1, n = this.edit((n) => {
			let r = _(n, e);
			return t = r === null, r ?? o;
		});
		return t ? "open" : n;
	}
	clean(e, t) {
		return this.edit((n) => e === "holes" ? ee(n) : e === "smooth" ? ne(n) : e === "specks" ? te(n, t) : n.fill(0));
	}
	add(e) {
		let t = [
			0,
			1,
			...e.types.map((e) => this.numberOf(e))
		];
		return this.edit(() => {
			let { data: n } = e.defect;
			for (let e = 0; e < n.length; e++) n[e] && (this.defect.data[e] = t[n[e]]);
			return this.whole;
		});
	}
	become(e) {
		let t = [
			0,
			1,
			...e.types.map((e) => this.numberOf(e))
		];
		for (let n of ["ignore", "defect"]) this.paint = n, this.edit((r) => (r.data.set(n === "ignore" ? e.ignore.data : e.defect.data.map((e) => t[e])), this.whole));
		return this.whole;
	}
	undo() {
		return this.history.undo();
	}
	redo() {
		return this.history.redo();
	}
	async take({ png: e, ignore: t, numbers: n, types: r = [] }) {
		let { width: i, height: a } = this.defect, o = (e, t) => e ? t(e, i, a) : null, [s, c, l] = await Promise.all([
			o(e, Ee),
			o(t, Ee),
			o(n, De)
		]);
		s && this.defect.data.set(s), c && this.ignore.data.set(c);
		let u = r.map((e) => this.numberOf(e));
		return l?.forEach((e, t) => {
			e > 1 && this.defect.data[t] && (this.defect.data[t] = u[e - 1 - 1] ?? 1);
		}), s !== null || c !== null;
	}
	summary() {
		let e = (e, t) => e > 0 ? `${e.toLocaleString("en")} px ${t}` : "", t = [...this.defect.counts()], n = t.filter(([e]) => e > 1).map(([e, t]) => `${t.toLocaleString("en")} ${this.types[e - 1 - 1]}`);
		return [e(t.reduce((e, [, t]) => e + t, 0), "marked") + (n.length > 0 ? `, of it ${n.join(", ")}` : ""), e(this.ignore.count(), "don't care")].filter(Boolean).join(" · ");
	}
	encoded() {
		let e = { png: Ce(this.defect) };
		return this.ignore.data.includes(1) && (e.ignore = Ce(this.ignore)), [...this.defect.counts().keys()].some((e) => e > 1) ? {
			...e,
			numbers: we(this.defect),
			types: this.types
		} : e;
	}
}, Ne = [
	[
		255,
		167,
		38
	],
	[
		171,
		71,
		188
	],
	[
		0,
		158,
		115
	],
	[
		240,
		228,
		66
	]
], Pe = [
	229,
	57,
	53
], [Fe, Ie, Le] = [
	170,
	60,
	v([
		66,
		165,
		245
	], 130)
];
function Re(e) {
	return `rgb(${ze(e).join(" ")})`;
}
function ze(e) {
	return e < 2 ? Pe : Ne[(e - 2) % Ne.length];
}
function v([e, t, n], r) {
	return new Uint32Array(new Uint8Array([
		e,
		t,
		n,
		r
	]).buffer)[0];
}
var Be = Array.from({ length: 256 }, (e, t) => [v(ze(t), Fe), v(ze(t), Ie)]);
Be[1] = [v(Pe, 130), v(Pe, 130)];
function Ve(e, t, n) {
	return [
		n,
		t,
		t + n,
		t - n + 24576
	][(e - 2) % 4] % 6 < 3;
}
function He(e, t, n) {
	let r = new Uint32Array(n.width * n.height);
	for (let i = 0; i < n.height; i++) {
		let a = (n.y + i) * e.width + n.x;
		for (let o = 0; o < n.width; o++) {
			let s = e.data[a + o], [c, l, u] = [
				n.x + o,
				n.y + i,
				i * n.width + o
			];
			s ? r[u] = Be[s][s < 2 || Ve(s, c, l) ? 0 : 1] : t.data[a + o] && (c + l) % 4 < 2 && (r[u] = Le);
		}
	}
	return r;
}
// src/pen.ts
var Ue = "new", We = class {
	choose;
	add;
	part = e("label", {
		class: "pen",
		title: "Type of what is drawn next (Shift and its number; Shift+0 for the chosen one)"
	});
	swatch = e("span", {
		class: "swatch",
		"aria-hidden": "true"
	});
	select = e("select", { "aria-label": "Type of what is drawn next" });
	field = e("input", {
		type: "text",
		maxlength: "80",
		placeholder: "Name, then Enter",
		"aria-label": "New type"
	});
	types = null;
	pen = 1;
	constructor(e, t) {
		this.choose = e, this.add = t, this.part.append(this.swatch, this.select, this.field), this.select.addEventListener("change", () => this.changed()), this.field.addEventListener("keydown", (e) => this.typed(e)), this.field.addEventListener("blur", () => this.ask(!1)), this.ask(!1);
	}
	show(t, n) {
		if (this.pen = n, this.types?.join("\n") !== t.join("\n")) {
			this.types = [...t];
			let n = [
				["1", "the chosen type"],
				...t.map((e, t) => [String(2 + t), t < 9 ? `${t + 1}  ${e}` : e]),
				[Ue, "New type…"]
			];
			this.select.replaceChildren(...n.map(([t, n]) => e("option", { value: t }, n)));
		}
		this.select.value = String(n), this.swatch.style.background = Re(n);
	}
	changed() {
		let { value: e } = this.select;
		this.select.value = String(this.pen), e === Ue ? this.ask(!0) : (this.select.blur(), this.choose(Number(e)));
	}
	typed(e) {
		let t = this.field.value.trim();
		e.key === "Enter" && t && this.add(t), (e.key === "Escape" || e.key === "Enter" && t) && this.field.blur();
	}
	ask(e) {
		this.field.value = "", this.field.hidden = !e, this.select.hidden = e, e && this.field.focus();
	}
}, Ge = [
	[
		"grow",
		"Grow",
		"V",
		"Take the region around the click, out to the isoline of the chosen level"
	],
	[
		"brush",
		"Brush",
		"B",
		"Paint the defect"
	],
	[
		"erase",
		"Erase",
		"E",
		"Take paint away"
	],
	[
		"polygon",
		"Polygon",
		"P",
		"Click corners; double-click or Enter closes, Escape drops it; with Alt it takes paint away"
	],
	[
		"box",
		"Box",
		"X",
		"Drag a rectangle; with Alt it takes paint away"
	],
	[
		"fill",
		"Fill",
		"F",
		"Fill a closed outline"
	]
], Ke = [
	[
		"undo",
		"Undo the last stroke (Ctrl+Z)",
		"M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3"
	],
	[
		"redo",
		"Redo (Ctrl+Shift+Z)",
		"m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3"
	],
	[
		"clear",
		"Remove the whole mask",
		"M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"
	],
	[
		"fit",
		"Show the whole image (0)",
		"M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"
	]
], qe = [
	[
		"threshold",
		"Mark all below the level",
		"T"
	],
	[
		"holes",
		"Fill holes",
		""
	],
	[
		"specks",
		"Remove specks",
		""
	],
	[
		"smooth",
		"Smooth the edge",
		""
	],
	[
		"copy",
		"Copy the last image's mask",
		""
	],
	[
		"mine",
		"Bring back what I drew",
		""
	]
], Je = "http://www.w3.org/2000/svg", Ye = class {
	pressed;
	row = e("div", {
		class: "bar",
		role: "toolbar",
		"aria-label": "Mask tools"
	});
	buttons = /* @__PURE__ */ new Map();
	size = e("input", {
		type: "range",
		min: "1",
		max: "100",
		"aria-label": "Brush size in pixels"
	});
	sizeText = e("output");
	step = e("input", {
		type: "range",
		min: "-1",
		max: "5",
		step: "0.1",
		"aria-label": "Level to grow to"
	});
	stepText = e("output");
	least = e("input", {
		type: "number",
		min: "1",
		value: "20",
		"aria-label": "Smallest region kept, in pixels"
	});
	brush = e("label", {}, "Size");
	level = e("label", {}, "Level");
	pen;
	constructor(t) {
		this.pressed = t;
		let n = e("div", { class: "group" });
		for (let [e, r, i, a] of Ge) n.append(this.named(e, r, i, a, () => t.choose(e)));
		this.size.addEventListener("input", () => t.resize(Number(this.size.value))), this.step.addEventListener("input", () => t.level(Number(this.step.value))), this.brush.append(this.size, this.sizeText), this.level.append(this.step, this.stepText);
		let r = e("div", { class: "group" });
		r.append(this.named("ignore", "Don't care", "I", "Paint what nobody judges: neither trained on nor counted, such as a defect's unclear rim", () => t.act("ignore"))), this.pen = new We(t.pen, t.type), this.row.append(n, this.brush, this.level, this.pen.part, r, this.icons(), this.more());
	}
	get smallest() {
		return Math.max(1, Number(this.least.value) || 1);
	}
	show({ tool: e, radius: t, largest: n, step: r, ignoring: i, types: a, pen: o, can: s }) {
		this.pen.show(a, o);
		for (let [t] of Ge) this.buttons.get(t)?.setAttribute("aria-pressed", String(t === e));
		this.buttons.get("ignore")?.setAttribute("aria-pressed", String(i));
		for (let [e, t] of Object.entries(s)) {
			let n = this.buttons.get(e);
			n && (n.disabled = !t);
		}
		this.brush.hidden = e === "grow", this.level.hidden = e !== "grow", this.size.max = String(n), this.size.value = String(t), this.sizeText.textContent = `${t * 2} px`, this.step.value = String(r), this.stepText.textContent = r === 0 ? "b_n" : r === 1 ? "b_a" : `×${(2 ** r).toFixed(1)}`;
	}
	icons() {
		let t = e("div", { class: "group icons" });
		for (let [e, n, r] of Ke) {
			let i = this.button(e, n, () => this.pressed.act(e));
			i.setAttribute("aria-label", n), i.append(Ze(r)), t.append(i);
		}
		return t;
	}
	more() {
		let t = e("details", { class: "more" }), n = e("div", { class: "panel" });
		for (let [e, t, r] of qe) n.append(this.named(e, t, r, t, () => this.pressed.act(e)));
		let r = e("label", {}, "Specks are below");
		r.append(this.least, "px");
		let i = e("input", {
			type: "text",
			placeholder: "x, y, width, height",
			"aria-label": "Box by numbers, in pixels"
		});
		i.addEventListener("keydown", (e) => {
			if (e.key !== "Enter") return;
			let t = this.pressed.typed(i.value);
			i.setAttribute("aria-invalid", String(!t)), t && (i.value = "");
		});
		let a = e("label", {}, "Box");
		return a.append(i), n.append(r, a), t.append(e("summary", { title: "Clean-ups, and masks by keyboard" }, "More"), n), t;
	}
	named(t, n, r, i, a) {
		let o = this.button(t, r ? `${i} (${r})` : i, a);
		return o.append(n), r && o.append(e("kbd", {}, r)), o;
	}
	button(t, n, r) {
		let i = e("button", {
			type: "button",
			title: n,
			"data-tool": t
		});
		return i.addEventListener("click", r), this.buttons.set(t, i), i;
	}
};
function Xe(e) {
	return Ge.find((t) => t[2].toLowerCase() === e)?.[0];
}
function Ze(e) {
	let t = document.createElementNS(Je, "svg"), n = document.createElementNS(Je, "path");
	for (let [e, n] of Object.entries({
		viewBox: "0 0 24 24",
		width: "17",
		height: "17",
		"aria-hidden": "true"
	})) t.setAttribute(e, n);
	return n.setAttribute("d", e), t.append(n), t;
}
// src/keys.ts
function Qe(e) {
	let t = e.composedPath()[0];
	return t instanceof HTMLElement && t.closest("input:not([type=range]), textarea, select, [contenteditable]") !== null;
}
function $e(e) {
	return !e.ctrlKey && !e.metaKey && !e.altKey && /^[1-9]$/.test(e.key) ? Number(e.key) : null;
}
function et(e) {
	let t = e.shiftKey && !e.ctrlKey && !e.metaKey && !e.altKey, n = /^Digit([0-9])$/.exec(e.code)?.[1];
	return t && n && !/^[0-9]$/.test(e.key) ? Number(n) : null;
}
function tt(e, t, n) {
	let r = n.key.toLowerCase();
	if (n.altKey && r !== "enter") return !1;
	let i = Math.max(1, Math.round(e.radius / 5)), a = Xe(r);
	if (n.ctrlKey || n.metaKey) {
		if (r !== "z") return !1;
		e.act(n.shiftKey ? "redo" : "undo");
	} else if (n.code === "Space") t.hold(!0);
	else if (r === "[") e.resizeBrush(e.radius - i);
	else if (r === "]") e.resizeBrush(e.radius + i);
	else if (r === ",") e.notch(-1);
	else if (r === ".") e.notch(1);
	else if (r === "0") e.act("fit");
	else if (r === "i") e.act("ignore");
	else if (r === "j") e.jump();
	else if (r === "t" && e.canGrow) e.act("threshold");
	else if (r === "enter" && t.hasCorners) t.closePolygon(+!n.altKey);
	else if (r === "escape") e.choose(e.tool);
	else if (a && (a !== "grow" || e.canGrow)) e.choose(a);
	else return !1;
	return !0;
}
// node_modules/konva/lib/Global.js
var nt = Math.PI / 180;
function rt() {
	return typeof window < "u" && ({}.toString.call(window) === "[object Window]" || {}.toString.call(window) === "[object global]");
}
var y = typeof global < "u" ? global : typeof window < "u" ? window : typeof WorkerGlobalScope < "u" ? self : {}, b = {
	_global: y,
	version: "10.9.1",
	isBrowser: rt(),
	isUnminified: /param/.test(function(e) {}.toString()),
	dblClickWindow: 400,
	getAngle(e) {
		return b.angleDeg ? e * nt : e;
	},
	enableTrace: !1,
	pointerEventsEnabled: !0,
	autoDrawEnabled: !0,
	hitOnDragEnabled: !1,
	capturePointerEventsEnabled: !1,
	_renderBackend: "web",
	legacyTextRendering: !1,
	pixelRatio: typeof window < "u" && window.devicePixelRatio || 1,
	dragDistance: 3,
	angleDeg: !0,
	showWarnings: !0,
	dragButtons: [0, 1],
	isDragging() {
		return b.DD.isDragging;
	},
	isTransforming() {
		return b.Transformer?.isTransforming() ?? !1;
	},
	isDragReady() {
		return !!b.DD.node;
	},
	releaseCanvasOnDestroy: !0,
	document: y.document,
	_injectGlobal(e) {
		y.Konva !== void 0 && console.error("Several Konva instances detected. It is not recommended to use multiple Konva instances in the same environment."), y.Konva = e;
	}
}, it = /* @__PURE__ */ new Set(), x = (e, t = !1) => {
	b[e.prototype.getClassName()] = e, t && it.add(e);
};
b._injectGlobal(b);
// node_modules/konva/lib/Util.js
var at = "Konva.js unsupported environment.\n\nLooks like you are trying to use Konva.js in Node.js environment (or in a Web Worker), because \"document\" object is undefined.\n\nTo use Konva.js in Node.js environment, you need to use the \"canvas-backend\" or \"skia-backend\" module.\n\nbash: npm install canvas\njs: import \"konva/canvas-backend\";\n\nor\n\nbash: npm install skia-canvas\njs: import \"konva/skia-backend\";\n", ot = () => {
	if (typeof document > "u") throw Error(at);
}, S = class e {
	constructor(e) {
		this.dirty = !1, this.m = e ? e.slice() : [
			1,
			0,
			0,
			1,
			0,
			0
		];
	}
	reset() {
		this.m[0] = 1, this.m[1] = 0, this.m[2] = 0, this.m[3] = 1, this.m[4] = 0, this.m[5] = 0;
	}
	copy() {
		return new e(this.m);
	}
	copyInto(e) {
		e.m[0] = this.m[0], e.m[1] = this.m[1], e.m[2] = this.m[2], e.m[3] = this.m[3], e.m[4] = this.m[4], e.m[5] = this.m[5];
	}
	point(e) {
		let t = this.m;
		return {
			x: t[0] * e.x + t[2] * e.y + t[4],
			y: t[1] * e.x + t[3] * e.y + t[5]
		};
	}
	_getTransformedRect(e) {
		let [t, n, r, i, a, o] = this.m, s = e.x, c = e.y, l = e.x + e.width, u = e.y + e.height, d = [
			t * s + r * c + a,
			t * l + r * c + a,
			t * l + r * u + a,
			t * s + r * u + a
		], f = [
			n * s + i * c + o,
			n * l + i * c + o,
			n * l + i * u + o,
			n * s + i * u + o
		], p = Math.min(d[0], d[1], d[2], d[3]), m = Math.min(f[0], f[1], f[2], f[3]);
		return {
			x: p,
			y: m,
			width: Math.max(d[0], d[1], d[2], d[3]) - p,
			height: Math.max(f[0], f[1], f[2], f[3]) - m
		};
	}
	translate(e, t) {
		return this.m[4] += this.m[0] * e + this.m[2] * t, this.m[5] += this.m[1] * e + this.m[3] * t, this;
	}
	scale(e, t) {
		return this.m[0] *= e, this.m[1] *= e, this.m[2] *= t, this.m[3] *= t, this;
	}
	rotate(e) {
		let t = Math.cos(e), n = Math.sin(e), r = this.m[0] * t + this.m[2] * n, i = this.m[1] * t + this.m[3] * n, a = this.m[0] * -n + this.m[2] * t, o = this.m[1] * -n + this.m[3] * t;
		return this.m[0] = r, this.m[1] = i, this.m[2] = a, this.m[3] = o, this;
	}
	getTranslation() {
		return {
			x: this.m[4],
			y: this.m[5]
		};
	}
	skew(e, t) {
		let n = this.m[0] + this.m[2] * t, r = this.m[1] + this.m[3] * t, i = this.m[2] + this.m[0] * e, a = this.m[3] + this.m[1] * e;
		return this.m[0] = n, this.m[1] = r, this.m[2] = i, this.m[3] = a, this;
	}
	multiply(e) {
		let t = this.m[0] * e.m[0] + this.m[2] * e.m[1], n = this.m[1] * e.m[0] + this.m[3] * e.m[1], r = this.m[0] * e.m[2] + this.m[2] * e.m[3], i = this.m[1] * e.m[2] + this.m[3] * e.m[3], a = this.m[0] * e.m[4] + this.m[2] * e.m[5] + this.m[4], o = this.m[1] * e.m[4] + this.m[3] * e.m[5] + this.m[5];
		return this.m[0] = t, this.m[1] = n, this.m[2] = r, this.m[3] = i, this.m[4] = a, this.m[5] = o, this;
	}
	isInvertible() {
		return this.m[0] * this.m[3] - this.m[1] * this.m[2] !== 0;
	}
	invert() {
		let e = 1 / (this.m[0] * this.m[3] - this.m[1] * this.m[2]), t = this.m[3] * e, n = -this.m[1] * e, r = -this.m[2] * e, i = this.m[0] * e, a = e * (this.m[2] * this.m[5] - this.m[3] * this.m[4]), o = e * (this.m[1] * this.m[4] - this.m[0] * this.m[5]);
		return this.m[0] = t, this.m[1] = n, this.m[2] = r, this.m[3] = i, this.m[4] = a, this.m[5] = o, this;
	}
	getMatrix() {
		return this.m;
	}
	decompose() {
		let e = this.m[0], t = this.m[1], n = this.m[2], r = this.m[3], i = this.m[4], a = this.m[5], o = e * r - t * n, s = {
			x: i,
			y: a,
			rotation: 0,
			scaleX: 0,
			scaleY: 0,
			skewX: 0,
			skewY: 0
		};
		if (e != 0 || t != 0) {
			let i = Math.sqrt(e * e + t * t);
			s.rotation = t > 0 ? Math.acos(e / i) : -Math.acos(e / i), s.scaleX = i, s.scaleY = o / i, s.skewX = o && (e * n + t * r) / o, s.skewY = 0;
		} else if (n != 0 || r != 0) {
			let i = Math.sqrt(n * n + r * r);
			s.rotation = Math.PI / 2 - (r > 0 ? Math.acos(-n / i) : -Math.acos(n / i)), s.scaleX = o / i, s.scaleY = i, s.skewX = 0, s.skewY = o && (e * n + t * r) / o;
		}
		return s.rotation = T._getRotation(s.rotation), s;
	}
}, st = "[object Array]", ct = "[object Number]", lt = "[object String]", ut = "[object Boolean]", dt = Math.PI / 180, ft = 180 / Math.PI, pt = "#", mt = "", ht = "0", gt = "Konva warning: ", _t = "Konva error: ", vt = {
	aliceblue: [
		240,
		248,
		255
	],
	antiquewhite: [
		250,
		235,
		215
	],
	aqua: [
		0,
		255,
		255
	],
	aquamarine: [
		127,
		255,
		212
	],
	azure: [
		240,
		255,
		255
	],
	beige: [
		245,
		245,
		220
	],
	bisque: [
		255,
		228,
		196
	],
	black: [
		0,
		0,
		0
	],
	blanchedalmond: [
		255,
		235,
		205
	],
	blue: [
		0,
		0,
		255
	],
	blueviolet: [
		138,
		43,
		226
	],
	brown: [
		165,
		42,
		42
	],
	burlywood: [
		222,
		184,
		135
	],
	cadetblue: [
		95,
		158,
		160
	],
	chartreuse: [
		127,
		255,
		0
	],
	chocolate: [
		210,
		105,
		30
	],
	coral: [
		255,
		127,
		80
	],
	cornflowerblue: [
		100,
		149,
		237
	],
	cornsilk: [
		255,
		248,
		220
	],
	crimson: [
		220,
		20,
		60
	],
	cyan: [
		0,
		255,
		255
	],
	darkblue: [
		0,
		0,
		139
	],
	darkcyan: [
		0,
		139,
		139
	],
	darkgoldenrod: [
		184,
		134,
		11
	],
	darkgray: [
		169,
		169,
		169
	],
	darkgreen: [
		0,
		100,
		0
	],
	darkgrey: [
		169,
		169,
		169
	],
	darkkhaki: [
		189,
		183,
		107
	],
	darkmagenta: [
		139,
		0,
		139
	],
	darkolivegreen: [
		85,
		107,
		47
	],
	darkorange: [
		255,
		140,
		0
	],
	darkorchid: [
		153,
		50,
		204
	],
	darkred: [
		139,
		0,
		0
	],
	darksalmon: [
		233,
		150,
		122
	],
	darkseagreen: [
		143,
		188,
		143
	],
	darkslateblue: [
		72,
		61,
		139
	],
	darkslategray: [
		47,
		79,
		79
	],
	darkslategrey: [
		47,
		79,
		79
	],
	darkturquoise: [
		0,
		206,
		209
	],
	darkviolet: [
		148,
		0,
		211
	],
	deeppink: [
		255,
		20,
		147
	],
	deepskyblue: [
		0,
		191,
		255
	],
	dimgray: [
		105,
		105,
		105
	],
	dimgrey: [
		105,
		105,
		105
	],
	dodgerblue: [
		30,
		144,
		255
	],
	firebrick: [
		178,
		34,
		34
	],
	floralwhite: [
		255,
		250,
		240
	],
	forestgreen: [
		34,
		139,
		34
	],
	fuchsia: [
		255,
		0,
		255
	],
	gainsboro: [
		220,
		220,
		220
	],
	ghostwhite: [
		248,
		248,
		255
	],
	gold: [
		255,
		215,
		0
	],
	goldenrod: [
		218,
		165,
		32
	],
	gray: [
		128,
		128,
		128
	],
	green: [
		0,
		128,
		0
	],
	greenyellow: [
		173,
		255,
		47
	],
	grey: [
		128,
		128,
		128
	],
	honeydew: [
		240,
		255,
		240
	],
	hotpink: [
		255,
		105,
		180
	],
	indianred: [
		205,
		92,
		92
	],
	indigo: [
		75,
		0,
		130
	],
	ivory: [
		255,
		255,
		240
	],
	khaki: [
		240,
		230,
		140
	],
	lavender: [
		230,
		230,
		250
	],
	lavenderblush: [
		255,
		240,
		245
	],
	lawngreen: [
		124,
		252,
		0
	],
	lemonchiffon: [
		255,
		250,
		205
	],
	lightblue: [
		173,
		216,
		230
	],
	lightcoral: [
		240,
		128,
		128
	],
	lightcyan: [
		224,
		255,
		255
	],
	lightgoldenrodyellow: [
		250,
		250,
		210
	],
	lightgray: [
		211,
		211,
		211
	],
	lightgreen: [
		144,
		238,
		144
	],
	lightgrey: [
		211,
		211,
		211
	],
	lightpink: [
		255,
		182,
		193
	],
	lightsalmon: [
		255,
		160,
		122
	],
	lightseagreen: [
		32,
		178,
		170
	],
	lightskyblue: [
		135,
		206,
		250
	],
	lightslategray: [
		119,
		136,
		153
	],
	lightslategrey: [
		119,
		136,
		153
	],
	lightsteelblue: [
		176,
		196,
		222
	],
	lightyellow: [
		255,
		255,
		224
	],
	lime: [
		0,
		255,
		0
	],
	limegreen: [
		50,
		205,
		50
	],
	linen: [
		250,
		240,
		230
	],
	magenta: [
		255,
		0,
		255
	],
	maroon: [
		128,
		0,
		0
	],
	mediumaquamarine: [
		102,
		205,
		170
	],
	mediumblue: [
		0,
		0,
		205
	],
	mediumorchid: [
		186,
		85,
		211
	],
	mediumpurple: [
		147,
		112,
		219
	],
	mediumseagreen: [
		60,
		179,
		113
	],
	mediumslateblue: [
		123,
		104,
		238
	],
	mediumspringgreen: [
		0,
		250,
		154
	],
	mediumturquoise: [
		72,
		209,
		204
	],
	mediumvioletred: [
		199,
		21,
		133
	],
	midnightblue: [
		25,
		25,
		112
	],
	mintcream: [
		245,
		255,
		250
	],
	mistyrose: [
		255,
		228,
		225
	],
	moccasin: [
		255,
		228,
		181
	],
	navajowhite: [
		255,
		222,
		173
	],
	navy: [
		0,
		0,
		128
	],
	oldlace: [
		253,
		245,
		230
	],
	olive: [
		128,
		128,
		0
	],
	olivedrab: [
		107,
		142,
		35
	],
	orange: [
		255,
		165,
		0
	],
	orangered: [
		255,
		69,
		0
	],
	orchid: [
		218,
		112,
		214
	],
	palegoldenrod: [
		238,
		232,
		170
	],
	palegreen: [
		152,
		251,
		152
	],
	paleturquoise: [
		175,
		238,
		238
	],
	palevioletred: [
		219,
		112,
		147
	],
	papayawhip: [
		255,
		239,
		213
	],
	peachpuff: [
		255,
		218,
		185
	],
	peru: [
		205,
		133,
		63
	],
	pink: [
		255,
		192,
		203
	],
	plum: [
		221,
		160,
		221
	],
	powderblue: [
		176,
		224,
		230
	],
	purple: [
		128,
		0,
		128
	],
	rebeccapurple: [
		102,
		51,
		153
	],
	red: [
		255,
		0,
		0
	],
	rosybrown: [
		188,
		143,
		143
	],
	royalblue: [
		65,
		105,
		225
	],
	saddlebrown: [
		139,
		69,
		19
	],
	salmon: [
		250,
		128,
		114
	],
	sandybrown: [
		244,
		164,
		96
	],
	seagreen: [
		46,
		139,
		87
	],
	seashell: [
		255,
		245,
		238
	],
	sienna: [
		160,
		82,
		45
	],
	silver: [
		192,
		192,
		192
	],
	skyblue: [
		135,
		206,
		235
	],
	slateblue: [
		106,
		90,
		205
	],
	slategray: [
		112,
		128,
		144
	],
	slategrey: [
		112,
		128,
		144
	],
	snow: [
		255,
		250,
		250
	],
	springgreen: [
		0,
		255,
		127
	],
	steelblue: [
		70,
		130,
		180
	],
	tan: [
		210,
		180,
		140
	],
	teal: [
		0,
		128,
		128
	],
	thistle: [
		216,
		191,
		216
	],
	transparent: [
		0,
		0,
		0,
		0
	],
	tomato: [
		255,
		99,
		71
	],
	turquoise: [
		64,
		224,
		208
	],
	violet: [
		238,
		130,
		238
	],
	wheat: [
		245,
		222,
		179
	],
	white: [
		255,
		255,
		255
	],
	whitesmoke: [
		245,
		245,
		245
	],
	yellow: [
		255,
		255,
		0
	],
	yellowgreen: [
		154,
		205,
		50
	]
}, yt = null, bt = typeof window < "u" ? window : {}, xt = /* @__PURE__ */ new WeakMap(), St = (e, t) => {
	typeof e.requestAnimationFrame == "function" ? e.requestAnimationFrame(t) : typeof requestAnimationFrame < "u" ? requestAnimationFrame(t) : setTimeout(t, 16);
}, Ct = /* @__PURE__ */ new Map(), wt = Object.getPrototypeOf(Int8Array), Tt = (e) => {
	let t = e.trim();
	return t.indexOf(",") === -1 ? t.split(/\s*\/\s*|\s+/) : t.split(/\s*,\s*/);
}, Et = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?", Dt = RegExp(`^(${Et})(%?)$`, "i"), C = (e, t) => {
	let n = Dt.exec(e);
	if (!n) return NaN;
	let r = n[2] ? Number(n[1]) / 100 * t : Number(n[1]);
	return Math.min(Math.max(r, 0), t);
}, Ot = /^#[0-9a-f]+$/i, kt = RegExp(`^(${Et})(deg|grad|rad|turn)?$`, "i"), At = {
	deg: 1,
	grad: .9,
	rad: ft,
	turn: 360
};
function w(e, t) {
	return Math.min(Math.max(e || 0, 0), t);
}
var T = {
	_isElement(e) {
		return !!(e && e.nodeType == 1);
	},
	_isFunction(e) {
		return !!(e && e.constructor && e.call && e.apply);
	},
	_isPlainObject(e) {
		return !!e && e.constructor === Object;
	},
	_isArray(e) {
		return Object.prototype.toString.call(e) === st;
	},
	_isNumber(e) {
		return Object.prototype.toString.call(e) === ct && !isNaN(e) && isFinite(e);
	},
	_isString(e) {
		return Object.prototype.toString.call(e) === lt;
	},
	_isBoolean(e) {
		return Object.prototype.toString.call(e) === ut;
	},
	isObject(e) {
		return e instanceof Object;
	},
	isValidSelector(e) {
		if (typeof e != "string") return !1;
		let t = e[0];
		return t === "#" || t === "." || t === t.toUpperCase();
	},
	_sign(e) {
		return e === 0 || e > 0 ? 1 : -1;
	},
	requestAnimFrame(e, t) {
		let n = t && !t.closed && t || bt, r = xt.get(n);
		r || (r = [], xt.set(n, r), St(n, function() {
			xt.delete(n), r.forEach(function(e) {
				e();
			});
		})), r.push(e);
	},
	createCanvasElement() {
		ot();
		let e = document.createElement("canvas");
		try {
			e.style = e.style || {};
		} catch {}
		return e;
	},
	createImageElement() {
		return ot(), document.createElement("img");
	},
	_urlToImage(e, t, n) {
		let r = T.createImageElement();
		r.onload = function() {
			t(r);
		}, r.onerror = (e) => {
			n?.(e instanceof Error ? e : /* @__PURE__ */ Error("Unable to load image."));
		}, r.src = e;
	},
	_rgbToHex(e, t, n) {
		return ((1 << 24) + (e << 16) + (t << 8) + n).toString(16).slice(1);
	},
	_hexToRgb(e) {
		e = e.replace(pt, mt);
		let t = parseInt(e, 16);
		return {
			r: t >> 16 & 255,
			g: t >> 8 & 255,
			b: t & 255
		};
	},
	getRandomColor() {
		let e = (Math.random() * 16777215 | 0).toString(16);
		for (; e.length < 6;) e = ht + e;
		return pt + e;
	},
	isCanvasFarblingActive() {
		if (yt !== null) return yt;
		if (typeof document > "u") return yt = !1, !1;
		let e = this.createCanvasElement();
		e.width = 10, e.height = 10;
		let t = e.getContext("2d", { willReadFrequently: !0 });
		t.clearRect(0, 0, 10, 10), t.fillStyle = "#282828", t.fillRect(0, 0, 10, 10);
		let n = t.getImageData(0, 0, 10, 10).data, r = !1;
		for (let e = 0; e < 100; e++) if (n[e * 4] !== 40 || n[e * 4 + 1] !== 40 || n[e * 4 + 2] !== 40 || n[e * 4 + 3] !== 255) {
			r = !0;
			break;
		}
		return yt = r, this.releaseCanvas(e), yt;
	},
	getHitColor() {
		let e = () => Math.random() * 256 | 0;
		return this.getHitColorKey(e(), e(), e());
	},
	getHitColorKey(e, t, n) {
		let r = this.isCanvasFarblingActive() ? 5 : 3, i = (e) => Math.round(e / r) * r;
		return pt + this._rgbToHex(i(e), i(t), i(n));
	},
	getSnappedHexColor(e) {
		let { r: t, g: n, b: r } = this._hexToRgb(e);
		return this.getHitColorKey(t, n, r);
	},
	getRGB(e) {
		let { r: t = 0, g: n = 0, b: r = 0 } = T.colorToRGBA(e) ?? {};
		return {
			r: t,
			g: n,
			b: r
		};
	},
	colorToRGBA(e) {
		e = (e || "").trim() || "black";
		let t = T._namedColorToRBA(e) || T._hex3ColorToRGBA(e) || T._hex4ColorToRGBA(e) || T._hex6ColorToRGBA(e) || T._hex8ColorToRGBA(e) || T._rgbColorToRGBA(e) || T._hslColorToRGBA(e);
		if (t && [
			t.r,
			t.g,
			t.b,
			t.a
		].every(T._isNumber)) return t;
	},
	_namedColorToRBA(e) {
		let t = vt[e.toLowerCase()];
		return t ? {
			r: t[0],
			g: t[1],
			b: t[2],
			a: t.length > 3 ? t[3] : 1
		} : null;
	},
	_rgbColorToRGBA(e) {
		let t = /^rgba?\(([^)]*)\)$/i.exec(e);
		if (!t) return;
		let n = Tt(t[1]);
		if (!(n.length < 3 || n.length > 4)) return {
			r: C(n[0], 255),
			g: C(n[1], 255),
			b: C(n[2], 255),
			a: n.length > 3 ? C(n[3], 1) : 1
		};
	},
	_hex8ColorToRGBA(e) {
		if (e.length === 9 && Ot.test(e)) return {
			r: parseInt(e.slice(1, 3), 16),
			g: parseInt(e.slice(3, 5), 16),
			b: parseInt(e.slice(5, 7), 16),
			a: parseInt(e.slice(7, 9), 16) / 255
		};
	},
	_hex6ColorToRGBA(e) {
		if (e.length === 7 && Ot.test(e)) return {
			r: parseInt(e.slice(1, 3), 16),
			g: parseInt(e.slice(3, 5), 16),
			b: parseInt(e.slice(5, 7), 16),
			a: 1
		};
	},
	_hex4ColorToRGBA(e) {
		if (e.length === 5 && Ot.test(e)) return {
			r: parseInt(e[1] + e[1], 16),
			g: parseInt(e[2] + e[2], 16),
			b: parseInt(e[3] + e[3], 16),
			a: parseInt(e[4] + e[4], 16) / 255
		};
	},
	_hex3ColorToRGBA(e) {
		if (e.length === 4 && Ot.test(e)) return {
			r: parseInt(e[1] + e[1], 16),
			g: parseInt(e[2] + e[2], 16),
			b: parseInt(e[3] + e[3], 16),
			a: 1
		};
	},
	_hslColorToRGBA(e) {
		let t = /^hsla?\(([^)]*)\)$/i.exec(e);
		if (!t) return;
		let n = Tt(t[1]);
		if (n.length < 3 || n.length > 4) return;
		let r = kt.exec(n[0]);
		if (!r) return;
		let i = r[2], a = Number(r[1]) * (i ? At[i.toLowerCase()] : 1);
		if (!isFinite(a)) return;
		let o = (a % 360 + 360) % 360 / 360, s = C(n[1], 100) / 100, c = C(n[2], 100) / 100, l = n.length > 3 ? C(n[3], 1) : 1, u = c < .5 ? c * (1 + s) : c + s - c * s, d = 2 * c - u, f = [
			0,
			0,
			0
		];
		for (let e = 0; e < 3; e++) {
			let t = o + 1 / 3 * -(e - 1);
			t < 0 && t++, t > 1 && t--;
			let n;
			n = 6 * t < 1 ? d + (u - d) * 6 * t : 2 * t < 1 ? u : 3 * t < 2 ? d + (u - d) * (2 / 3 - t) * 6 : d, f[e] = n * 255;
		}
		return {
			r: Math.round(f[0]),
			g: Math.round(f[1]),
			b: Math.round(f[2]),
			a: l
		};
	},
	_getPointsRect(e) {
		let t = Infinity, n = Infinity, r = -Infinity, i = -Infinity;
		for (let a = 0; a < e.length; a += 2) {
			let o = e[a], s = e[a + 1];
			isNaN(o) || (t = Math.min(t, o), r = Math.max(r, o)), isNaN(s) || (n = Math.min(n, s), i = Math.max(i, s));
		}
		return isFinite(t + n) ? {
			x: t,
			y: n,
			width: r - t,
			height: i - n
		} : {
			x: 0,
			y: 0,
			width: 0,
			height: 0
		};
	},
	haveIntersection(e, t) {
		return !(t.x > e.x + e.width || t.x + t.width < e.x || t.y > e.y + e.height || t.y + t.height < e.y);
	},
	cloneObject(e) {
		let t = {};
		for (let n in e) t[n] = T._cloneValue(e[n]);
		return t;
	},
	_cloneValue(e) {
		return T._isArray(e) ? e.some((e) => typeof e == "object") ? e.map(T._cloneValue) : e.slice() : T._isPlainObject(e) ? T.cloneObject(e) : e instanceof wt ? e.slice() : e;
	},
	cloneArray(e) {
		return e.slice(0);
	},
	degToRad(e) {
		return e * dt;
	},
	radToDeg(e) {
		return e * ft;
	},
	_getRotation(e) {
		return b.angleDeg ? T.radToDeg(e) : e;
	},
	_capitalize(e) {
		let t = Ct.get(e);
		if (t !== void 0) return t;
		let n = e.charAt(0).toUpperCase() + e.slice(1);
		return Ct.set(e, n), n;
	},
	throw(e) {
		throw Error(_t + e);
	},
	error(e) {
		console.error(_t + e);
	},
	warn(e) {
		b.showWarnings && console.warn(gt + e);
	},
	_batchEvents(e, t) {
		if (!e) return t();
		let n = !1, r = !0;
		try {
			e(() => {
				n || !r ? T.warn("eventBatchFunc must call its argument exactly once, synchronously.") : (n = !0, t());
			});
		} finally {
			r = !1, n || T.warn("eventBatchFunc must call its argument synchronously.");
		}
	},
	each(e, t) {
		for (let n in e) t(n, e[n]);
	},
	_inRange(e, t, n) {
		return t <= e && e < n;
	},
	_getProjectionToSegment(e, t, n, r, i, a) {
		let o, s, c, l = (e - n) * (e - n) + (t - r) * (t - r);
		if (l == 0) o = e, s = t, c = (i - n) * (i - n) + (a - r) * (a - r);
		else {
			let u = ((i - e) * (n - e) + (a - t) * (r - t)) / l;
			u < 0 ? (o = e, s = t, c = (e - i) * (e - i) + (t - a) * (t - a)) : u > 1 ? (o = n, s = r, c = (n - i) * (n - i) + (r - a) * (r - a)) : (o = e + u * (n - e), s = t + u * (r - t), c = (o - i) * (o - i) + (s - a) * (s - a));
		}
		return [
			o,
			s,
			c
		];
	},
	_getProjectionToLine(e, t, n) {
		let r = T.cloneObject(e), i = Number.MAX_VALUE;
		return t.forEach(function(a, o) {
			if (!n && o === t.length - 1) return;
			let s = t[(o + 1) % t.length], c = T._getProjectionToSegment(a.x, a.y, s.x, s.y, e.x, e.y), l = c[0], u = c[1], d = c[2];
			d < i && (r.x = l, r.y = u, i = d);
		}), r;
	},
	_prepareArrayForTween(e, t, n) {
		let r = [], i = [];
		if (e.length > t.length) {
			let n = t;
			t = e, e = n;
		}
		for (let t = 0; t < e.length; t += 2) r.push({
			x: e[t],
			y: e[t + 1]
		});
		for (let e = 0; e < t.length; e += 2) i.push({
			x: t[e],
			y: t[e + 1]
		});
		let a = [];
		return i.forEach(function(e) {
			let t = T._getProjectionToLine(e, r, n);
			a.push(t.x), a.push(t.y);
		}), a;
	},
	_prepareToStringify(e, t = /* @__PURE__ */ new Set()) {
		let n = T._isArray(e) ? [] : {};
		t.add(e);
		for (let r of Object.keys(e)) {
			let i = e[r];
			T._isElement(i) || t.has(i) || (n[r] = T._isPlainObject(i) || T._isArray(i) ? T._prepareToStringify(i, t) : i);
		}
		return t.delete(e), n;
	},
	_assign(e, t) {
		for (let n in t) e[n] = t[n];
		return e;
	},
	_getEventType(e) {
		return e.indexOf("pointer") >= 0 ? "pointer" : e.indexOf("touch") >= 0 ? "touch" : "mouse";
	},
	_getFirstPointerId(e) {
		return e.touches ? e.changedTouches[0].identifier : e.pointerId ?? 999;
	},
	releaseCanvas(...e) {
		b.releaseCanvasOnDestroy && e.forEach((e) => {
			e.width = 0, e.height = 0;
		});
	},
	_cornerRadii(e, t, n) {
		let r = Math.min(t, n) / 2;
		if (typeof e == "number") {
			let t = w(e, r);
			return [
				t,
				t,
				t,
				t
			];
		}
		return [
			w(e[0], r),
			w(e[1], r),
			w(e[2], r),
			w(e[3], r)
		];
	},
	drawRoundedRectPath(e, t, n, r) {
		let i = t < 0 ? t : 0, a = n < 0 ? n : 0;
		t = Math.abs(t), n = Math.abs(n);
		let [o, s, c, l] = T._cornerRadii(r, t, n);
		e.moveTo(i + o, a), e.lineTo(i + t - s, a), e.arc(i + t - s, a + s, s, Math.PI * 3 / 2, 0, !1), e.lineTo(i + t, a + n - c), e.arc(i + t - c, a + n - c, c, 0, Math.PI / 2, !1), e.lineTo(i + l, a + n), e.arc(i + l, a + n - l, l, Math.PI / 2, Math.PI, !1), e.lineTo(i, a + o), e.arc(i + o, a + o, o, Math.PI, Math.PI * 3 / 2, !1);
	},
	drawRoundedPolygonPath(e, t, n, r, i) {
		r = Math.abs(r);
		for (let a = 0; a < n; a++) {
			let o = t[(a - 1 + n) % n], s = t[a], c = t[(a + 1) % n], l = {
				x: s.x - o.x,
				y: s.y - o.y
			}, u = {
				x: c.x - s.x,
				y: c.y - s.y
			}, d = Math.hypot(l.x, l.y), f = Math.hypot(u.x, u.y), p;
			p = typeof i == "number" ? i : a < i.length ? i[a] : 0, p = Math.max(p, 0), p = r * Math.cos(Math.PI / n) * Math.min(1, p / r * 2);
			let m = {
				x: l.x / d,
				y: l.y / d
			}, h = {
				x: u.x / f,
				y: u.y / f
			}, g = {
				x: s.x - m.x * p,
				y: s.y - m.y * p
			}, _ = {
				x: s.x + h.x * p,
				y: s.y + h.y * p
			};
			a === 0 ? e.moveTo(g.x, g.y) : e.lineTo(g.x, g.y), e.arcTo(s.x, s.y, _.x, _.y, p);
		}
	}
};
// node_modules/konva/lib/Context.js
function jt(e) {
	let t = [], n = e.length, r = T;
	for (let i = 0; i < n; i++) {
		let n = e[i];
		r._isNumber(n) ? n = Math.round(n * 1e3) / 1e3 : r._isString(n) || (n += ""), t.push(n);
	}
	return t;
}
var Mt = ",", Nt = "(", Pt = ")", Ft = ";", It = "()", Lt = "=", Rt = /* @__PURE__ */ "arc.arcTo.beginPath.bezierCurveTo.clearRect.clip.closePath.createLinearGradient.createPattern.createRadialGradient.drawImage.ellipse.fill.fillText.getImageData.createImageData.lineTo.moveTo.putImageData.quadraticCurveTo.rect.roundRect.restore.rotate.save.scale.setLineDash.setTransform.stroke.strokeText.transform.translate".split("."), zt = [
	"fillStyle",
	"strokeStyle",
	"shadowColor",
	"shadowBlur",
	"shadowOffsetX",
	"shadowOffsetY",
	"letterSpacing",
	"lineCap",
	"lineDashOffset",
	"lineJoin",
	"lineWidth",
	"miterLimit",
	"direction",
	"font",
	"textAlign",
	"textBaseline",
	"globalAlpha",
	"globalCompositeOperation",
	"imageSmoothingEnabled",
	"imageSmoothingQuality",
	"filter"
], Bt = 100, E = null;
function Vt() {
	if (E !== null) return E;
	try {
		let e = T.createCanvasElement(), t = e.getContext("2d");
		E = !!t && "filter" in t, T.releaseCanvas(e);
	} catch {
		E = !1;
	}
	return E;
}
var Ht = class {
	constructor(e) {
		this.canvas = e, b.enableTrace && (this.traceArr = [], this._enableTrace());
	}
	fillShape(e) {
		e.fillEnabled() && this._fill(e);
	}
	_fill(e) {}
	strokeShape(e) {
		e.hasStroke() && this._stroke(e);
	}
	_stroke(e) {}
	fillStrokeShape(e) {
		e.attrs.fillAfterStrokeEnabled ? (this.strokeShape(e), this.fillShape(e)) : (this.fillShape(e), this.strokeShape(e));
	}
	getTrace(e, t) {
		let n = this.traceArr, r = n.length, i = "", a, o, s, c;
		for (a = 0; a < r; a++) o = n[a], s = o.method, s ? (c = o.args, i += s, e ? i += It : (t && (c = c.map((e) => typeof e == "number" ? Math.floor(e) : e)), i += Nt + c.join(Mt) + Pt)) : (i += o.property, e || (i += Lt + o.val)), i += Ft;
		return i;
	}
	clearTrace() {
		this.traceArr = [];
	}
	_trace(e) {
		let t = this.traceArr, n;
		t.push(e), n = t.length, n >= Bt && t.shift();
	}
	reset() {
		let e = this.getCanvas().getPixelRatio();
		this.setTransform(1 * e, 0, 0, 1 * e, 0, 0);
	}
	getCanvas() {
		return this.canvas;
	}
	clear(e) {
		let t = this.getCanvas();
		e ? this.clearRect(e.x || 0, e.y || 0, e.width || 0, e.height || 0) : this.clearRect(0, 0, t.getWidth() / t.pixelRatio, t.getHeight() / t.pixelRatio);
	}
	_drawDeviceBuffer(e) {
		let { x: t, y: n, width: r, height: i } = e._isolationRect;
		this.setTransform(1, 0, 0, 1, 0, 0), this.imageSmoothingEnabled = !1, this.drawImage(e._canvas, 0, 0, r, i, t, n, r, i);
	}
	_applyLineCap(e) {
		let t = e.attrs.lineCap;
		t && this.setAttr("lineCap", t);
	}
	_getOpacity(e) {
		if (!this._opacityRoot) return e.getAbsoluteOpacity();
		let t = e.opacity(), n = e.parent;
		for (; n && n !== this._opacityRoot;) t *= n.opacity(), n = n.parent;
		return t;
	}
	_applyOpacity(e) {
		let t = this._getOpacity(e);
		t !== 1 && this.setAttr("globalAlpha", t);
	}
	_applyLineJoin(e) {
		let t = e.attrs.lineJoin;
		t && this.setAttr("lineJoin", t);
	}
	_applyMiterLimit(e) {
		let t = e.attrs.miterLimit;
		t != null && this.setAttr("miterLimit", t);
	}
	setAttr(e, t) {
		this._context[e] = t;
	}
	arc(e, t, n, r, i, a) {
		this._context.arc(e, t, n, r, i, a);
	}
	arcTo(e, t, n, r, i) {
		this._context.arcTo(e, t, n, r, i);
	}
	beginPath() {
		this._context.beginPath();
	}
	bezierCurveTo(e, t, n, r, i, a) {
		this._context.bezierCurveTo(e, t, n, r, i, a);
	}
	clearRect(e, t, n, r) {
		this._context.clearRect(e, t, n, r);
	}
	clip(...e) {
		this._context.clip.apply(this._context, e);
	}
	closePath() {
		this._context.closePath();
	}
	createImageData(e, t) {
		let n = arguments;
		if (n.length === 2) return this._context.createImageData(e, t);
		if (n.length === 1) return this._context.createImageData(e);
	}
	createLinearGradient(e, t, n, r) {
		return this._context.createLinearGradient(e, t, n, r);
	}
	createPattern(e, t) {
		return this._context.createPattern(e, t);
	}
	createRadialGradient(e, t, n, r, i, a) {
		return this._context.createRadialGradient(e, t, n, r, i, a);
	}
	drawImage(e, t, n, r, i, a, o, s, c) {
		let l = arguments, u = this._context;
		l.length === 3 ? u.drawImage(e, t, n) : l.length === 5 ? u.drawImage(e, t, n, r, i) : l.length === 9 && u.drawImage(e, t, n, r, i, a, o, s, c);
	}
	ellipse(e, t, n, r, i, a, o, s) {
		this._context.ellipse(e, t, n, r, i, a, o, s);
	}
	isPointInPath(e, t, n, r) {
		return n ? this._context.isPointInPath(n, e, t, r) : this._context.isPointInPath(e, t, r);
	}
	fill(...e) {
		this._context.fill.apply(this._context, e);
	}
	fillRect(e, t, n, r) {
		this._context.fillRect(e, t, n, r);
	}
	strokeRect(e, t, n, r) {
		this._context.strokeRect(e, t, n, r);
	}
	fillText(e, t, n, r) {
		r ? this._context.fillText(e, t, n, r) : this._context.fillText(e, t, n);
	}
	measureText(e) {
		return this._context.measureText(e);
	}
	getImageData(e, t, n, r) {
		return this._context.getImageData(e, t, n, r);
	}
	lineTo(e, t) {
		this._context.lineTo(e, t);
	}
	moveTo(e, t) {
		this._context.moveTo(e, t);
	}
	rect(e, t, n, r) {
		this._context.rect(e, t, n, r);
	}
	roundRect(e, t, n, r, i) {
		this._context.roundRect(e, t, n, r, i);
	}
	putImageData(e, t, n) {
		this._context.putImageData(e, t, n);
	}
	quadraticCurveTo(e, t, n, r) {
		this._context.quadraticCurveTo(e, t, n, r);
	}
	restore() {
		this._context.restore();
	}
	rotate(e) {
		this._context.rotate(e);
	}
	save() {
		this._context.save();
	}
	scale(e, t) {
		this._context.scale(e, t);
	}
	setLineDash(e) {
		this._context.setLineDash(e);
	}
	getLineDash() {
		return this._context.getLineDash();
	}
	setTransform(e, t, n, r, i, a) {
		this._context.setTransform(e, t, n, r, i, a);
	}
	stroke(e) {
		e ? this._context.stroke(e) : this._context.stroke();
	}
	strokeText(e, t, n, r) {
		this._context.strokeText(e, t, n, r);
	}
	transform(e, t, n, r, i, a) {
		this._context.transform(e, t, n, r, i, a);
	}
	translate(e, t) {
		this._context.translate(e, t);
	}
	_enableTrace() {
		let e = this, t = Rt.length, n = this.setAttr, r, i, a = function(t) {
			let n = e[t], r;
			e[t] = function() {
				return i = jt(Array.prototype.slice.call(arguments, 0)), r = n.apply(e, arguments), e._trace({
					method: t,
					args: i
				}), r;
			};
		};
		for (r = 0; r < t; r++) a(Rt[r]);
		e.setAttr = function() {
			n.apply(e, arguments);
			let t = arguments[0], r = arguments[1];
			(t === "shadowOffsetX" || t === "shadowOffsetY" || t === "shadowBlur") && (r /= this.canvas.getPixelRatio()), e._trace({
				property: t,
				val: r
			});
		};
	}
	_applyGlobalCompositeOperation(e) {
		let t = e.attrs.globalCompositeOperation;
		t && t !== "source-over" && this.setAttr("globalCompositeOperation", t);
	}
};
zt.forEach(function(e) {
	Object.defineProperty(Ht.prototype, e, {
		get() {
			return this._context[e];
		},
		set(t) {
			this._context[e] = t;
		}
	});
});
var Ut = class extends Ht {
	constructor(e, { willReadFrequently: t = !1 } = {}) {
		super(e), this._context = e._canvas.getContext("2d", { willReadFrequently: t });
	}
	_getFillPattern(e) {
		let t = this._context;
		return "patternQuality" in t && (t.patternQuality = t.imageSmoothingEnabled ? "good" : "nearest"), e._getFillPattern();
	}
	_getFillStyle(e) {
		let t = e.fill(), n = e.fillPriority();
		if (t && n === "color") return t;
		let r = e.fillPatternImage();
		if (r && n === "pattern") return this._getFillPattern(e);
		let i = e.fillLinearGradientColorStops();
		if (i && n === "linear-gradient") return e._getLinearGradient();
		let a = e.fillRadialGradientColorStops();
		if (a && n === "radial-gradient") return e._getRadialGradient();
		if (t) return t;
		if (r) return this._getFillPattern(e);
		if (i) return e._getLinearGradient();
		if (a) return e._getRadialGradient();
	}
	_fill(e) {
		let t = this._getFillStyle(e);
		t !== void 0 && (this.setAttr("fillStyle", t), e._fillFunc(this));
	}
	_strokeLinearGradient(e) {
		let t = e._toStyleSpace(e.getStrokeLinearGradientStartPoint()), n = e._toStyleSpace(e.getStrokeLinearGradientEndPoint());
		if (!e.getStrokeScaleEnabled()) {
			let { a: e, b: r, c: i, d: a, e: o, f: s } = this._context.getTransform(), c = new S([
				e,
				r,
				i,
				a,
				o,
				s
			]), l = this.canvas.getPixelRatio(), u = n.x - t.x, d = n.y - t.y, f = a * u - r * d, p = e * d - i * u, m = f * f + p * p, h = m ? (u * u + d * d) * (e * a - r * i) / m : 0;
			t = c.point(t), n = {
				x: t.x + f * h,
				y: t.y + p * h
			}, t = {
				x: t.x / l,
				y: t.y / l
			}, n = {
				x: n.x / l,
				y: n.y / l
			};
		}
		let r = e.getStrokeLinearGradientColorStops(), i = this.createLinearGradient(t.x, t.y, n.x, n.y);
		if (r) {
			for (let e = 0; e < r.length; e += 2) i.addColorStop(r[e], r[e + 1]);
			this.setAttr("strokeStyle", i);
		}
	}
	_applyStrokeStyle(e) {
		e.strokeLinearGradientColorStops() ? this._strokeLinearGradient(e) : this.setAttr("strokeStyle", e.stroke());
	}
	_applyDecorationStyle(e) {
		if (e.hasFill()) this.strokeStyle = this._getFillStyle(e);
		else if (e.hasStroke()) this._applyStrokeStyle(e);
		else return !1;
		return !0;
	}
	_stroke(e) {
		let t = e.dash(), n = e.getStrokeScaleEnabled();
		n || this.save(), this._applyLineCap(e), t && e.dashEnabled() && (this.setLineDash(t), this.setAttr("lineDashOffset", e.dashOffset())), this.setAttr("lineWidth", e.strokeWidth());
		let r = this.shadowColor, i = e.getShadowForStrokeEnabled();
		if (i || this.setAttr("shadowColor", "rgba(0,0,0,0)"), this._applyStrokeStyle(e), !n) {
			let e = this.getCanvas().getPixelRatio();
			this.setTransform(e, 0, 0, e, 0, 0);
		}
		try {
			e._strokeFunc(this);
		} finally {
			i || this.setAttr("shadowColor", r), n || this.restore();
		}
	}
	_applyShadow(e) {
		let t = e.getShadowRGBA() ?? "black", n = e.getShadowBlur(), r = e.getShadowOffset(), i = e.getAbsoluteScale(), a = this.canvas.getPixelRatio(), o = i.x * a, s = i.y * a;
		this.setAttr("shadowColor", t), this.setAttr("shadowBlur", n * Math.min(Math.abs(o), Math.abs(s))), this.setAttr("shadowOffsetX", r.x * o), this.setAttr("shadowOffsetY", r.y * s);
	}
}, Wt = class extends Ht {
	constructor(e) {
		super(e), this._context = e._canvas.getContext("2d", { willReadFrequently: !0 });
	}
	_fill(e) {
		this.save(), this.setAttr("fillStyle", e.colorKey), e._fillFuncHit(this), this.restore();
	}
	strokeShape(e) {
		e.hasHitStroke() && this._stroke(e);
	}
	_stroke(e) {
		let t = e.getStrokeScaleEnabled();
		if (!t) {
			this.save();
			let e = this.getCanvas().getPixelRatio();
			this.setTransform(e, 0, 0, e, 0, 0);
		}
		this._applyLineCap(e);
		let n = e.hitStrokeWidth(), r = n === "auto" ? e.strokeWidth() : n;
		this.setAttr("lineWidth", r), this.setAttr("strokeStyle", e.colorKey), e._strokeFuncHit(this), t || this.restore();
	}
}, Gt = class {
	constructor(e) {
		this.pixelRatio = 1, this.width = 0, this.height = 0, this._logicalWidth = 0, this._logicalHeight = 0, this.isCache = !1;
		let t = (e || {}).pixelRatio || b.pixelRatio || b._global.devicePixelRatio || 1;
		this.pixelRatio = t, this._canvas = T.createCanvasElement(), this._canvas.style.padding = "0", this._canvas.style.margin = "0", this._canvas.style.border = "0", this._canvas.style.background = "transparent", this._canvas.style.position = "absolute", this._canvas.style.top = "0", this._canvas.style.left = "0";
	}
	getContext() {
		return this.context;
	}
	getPixelRatio() {
		return this.pixelRatio;
	}
	setPixelRatio(e) {
		this.pixelRatio = e, this.setSize(this._logicalWidth, this._logicalHeight);
	}
	setWidth(e) {
		this.setSize(e, this._logicalHeight);
	}
	setHeight(e) {
		this.setSize(this._logicalWidth, e);
	}
	getWidth() {
		return this.width;
	}
	getHeight() {
		return this.height;
	}
	_bitmapSize(e) {
		return Math.floor((e || 0) * this.pixelRatio);
	}
	setSize(e, t) {
		isFinite(e ?? 0) && isFinite(t ?? 0) || (T.error(`Canvas size must be finite numbers, got ${e}x${t}. The canvas is left empty.`), e = t = 0), e ||= 0, t ||= 0;
		let n = this.pixelRatio, r = this.getContext()._context, i = r.imageSmoothingEnabled;
		this._logicalWidth = e, this._logicalHeight = t, this.width = this._canvas.width = this._bitmapSize(e), this.height = this._canvas.height = this._bitmapSize(t), this._canvas.style.width = e + "px", this._canvas.style.height = t + "px", r.scale(n, n), r.imageSmoothingEnabled = i;
	}
	setSizeIfChanged(e, t) {
		(this.width !== this._bitmapSize(e) || this.height !== this._bitmapSize(t)) && this.setSize(e, t);
	}
	toDataURL(e, t) {
		try {
			return this._canvas.toDataURL(e, t);
		} catch {
			try {
				return this._canvas.toDataURL();
			} catch (e) {
				throw T.error("Unable to get data URL. " + e.message + " For more info read https://konvajs.org/docs/posts/Tainted_Canvas.html."), e;
			}
		}
	}
}, D = class e extends Gt {
	_prepareIsolationCanvas(t) {
		let { a: n, b: r, c: i, d: a, e: o, f: s } = this.getContext()._context.getTransform(), c = this._isolationRect || this, l = 0, u = 0, d = c.width, f = c.height;
		if (t) {
			let e = new S([
				n,
				r,
				i,
				a,
				o,
				s
			])._getTransformedRect(t);
			l = Math.max(0, Math.floor(e.x) - 1), u = Math.max(0, Math.floor(e.y) - 1), d = Math.min(d, Math.ceil(e.x + e.width) + 1) - l, f = Math.min(f, Math.ceil(e.y + e.height) + 1) - u;
		}
		d > 0 && f > 0 || (l = u = 0, d = f = 1);
		let p = this._isolationCanvas ||= new e({
			width: 0,
			height: 0,
			pixelRatio: this.pixelRatio
		});
		if (p.width < d || p.height < f) {
			let e = this.pixelRatio, t = (t, n, r) => Math.min(r, Math.ceil((n < t ? Math.max(t, n * 1.5) : n) / e));
			p.setSize(t(d, p.width, this._logicalWidth), t(f, p.height, this._logicalHeight));
		}
		p._isolationRect = {
			x: l,
			y: u,
			width: d,
			height: f
		};
		let m = p._isolationPeak;
		m.width = Math.max(m.width, d), m.height = Math.max(m.height, f);
		let h = p.getContext();
		h.setTransform(1, 0, 0, 1, 0, 0), h.clearRect(0, 0, d, f), h.setTransform(n, r, i, a, o - l, s - u);
		let g = this.getContext();
		return h.imageSmoothingEnabled = g.imageSmoothingEnabled, h.imageSmoothingQuality = g.imageSmoothingQuality, h.direction = g.direction, p;
	}
	_trimIsolationCanvas() {
		let e = this._isolationCanvas;
		if (!e) return;
		let t = e._isolationPeak;
		e._isolationLowFrames = e.width * e.height > 4 * t.width * t.height ? e._isolationLowFrames + 1 : 0, e._isolationLowFrames >= 10 ? this._releaseIsolationCanvas() : (t.width = t.height = 0, e._trimIsolationCanvas());
	}
	_releaseIsolationCanvas() {
		let e = this._isolationCanvas;
		e && (e._releaseIsolationCanvas(), T.releaseCanvas(e._canvas), this._isolationCanvas = void 0);
	}
	setSize(e, t) {
		this._releaseIsolationCanvas(), super.setSize(e, t);
	}
	constructor(e = {
		width: 0,
		height: 0,
		willReadFrequently: !1
	}) {
		super(e), this._isolationPeak = {
			width: 0,
			height: 0
		}, this._isolationLowFrames = 0, this.context = new Ut(this, { willReadFrequently: e.willReadFrequently }), this.setSize(e.width, e.height);
	}
}, Kt = class extends Gt {
	constructor(e = {
		width: 0,
		height: 0
	}) {
		super(e), this.hitCanvas = !0, this.context = new Wt(this), this.context.imageSmoothingEnabled = !1, this.setSize(e.width, e.height);
	}
}, O = {
	get isDragging() {
		let e = !1;
		return O._dragElements.forEach((t) => {
			t.dragStatus === "dragging" && (e = !0);
		}), e;
	},
	get node() {
		let e;
		for (let t of O._dragElements.values()) {
			if (t.dragStatus === "dragging") return t.node;
			e = t.node;
		}
		return e;
	},
	_dragElements: /* @__PURE__ */ new Map(),
	_listenToWindow(e) {
		let t = (t) => O._endDragBefore(t, e), n = (t) => O._batchEvents(() => O._drag(t, e), e), r = (e) => O._batchEvents(() => O._endDragAfter(e));
		e.addEventListener("mouseup", t, !0), e.addEventListener("touchend", t, !0), e.addEventListener("touchcancel", t, !0), e.addEventListener("mousemove", n), e.addEventListener("touchmove", n), e.addEventListener("mouseup", r, !1), e.addEventListener("touchend", r, !1), e.addEventListener("touchcancel", r, !1);
	},
	_batchEvents(e, t) {
		if (!O._dragElements.size) return;
		let n = /* @__PURE__ */ new Set();
		for (let { node: e } of O._dragElements.values()) {
			let r = e.getStage();
			if (!r || t && r._getOwnerWindow() !== t) continue;
			let i = r.eventBatchFunc();
			i && n.add(i);
		}
		let r = e;
		for (let e of n) {
			let t = r;
			r = () => T._batchEvents(e, t);
		}
		r();
	},
	_drag(e, t) {
		let n = [], r = /* @__PURE__ */ new Set();
		O._dragElements.forEach((i, a) => {
			let { node: o } = i, s = o.getStage();
			if (t && s._getOwnerWindow() !== t || (r.has(s) || (s.setPointersPositions(e), r.add(s)), i.pointerEventType && i.pointerEventType !== s._pointerEventType)) return;
			i.pointerId === void 0 && (i.pointerId = T._getFirstPointerId(e), i.pointerEventType = s._pointerEventType, i.dragStatus === "dragging" && s._cancelClick(i.pointerId, i.pointerEventType));
			let c = s._changedPointerPositions.find((e) => e.id === i.pointerId);
			if (c) {
				if (i.dragStatus !== "dragging") {
					let t = o.dragDistance();
					if (Math.max(Math.abs(c.x - i.startPointerPos.x), Math.abs(c.y - i.startPointerPos.y)) < t || (o.startDrag({ evt: e }), !o.isDragging())) return;
				}
				o._setDragPosition(e, i), n.push(o);
			}
		}), n.forEach((t) => {
			t.getStage() && t.fire("dragmove", {
				type: "dragmove",
				target: t,
				evt: e
			}, !0);
		});
	},
	_endDragBefore(e, t, n) {
		let r = [], i = /* @__PURE__ */ new Set();
		O._dragElements.forEach((a, o) => {
			let { node: s } = a;
			if (n && a !== n && a.pointerId !== n.pointerId) return;
			let c = s.getStage();
			if (!e || i.has(c) || t && c._getOwnerWindow() !== t || (c.setPointersPositions(e), i.add(c)), n || (!e || !a.pointerEventType || a.pointerEventType === T._getEventType(e.type)) && (a.pointerId === void 0 || c._changedPointerPositions.some((e) => e.id === a.pointerId))) {
				if (a.dragStatus === "ready") O._dragElements.delete(o);
				else {
					c._cancelClick(a.pointerId, a.pointerEventType), a.dragStatus = "stopped";
					let e = s.getLayer() || c;
					e && r.indexOf(e) === -1 && r.push(e);
				}
			}
		}), r.forEach((e) => {
			e.draw();
		});
	},
	_endDragAfter(e, t) {
		O._dragElements.forEach((n, r) => {
			n.dragStatus !== "stopped" || t && n !== t && n.pointerId !== t.pointerId || (n.node.fire("dragend", {
				type: "dragend",
				target: n.node,
				evt: e
			}, !0), n.dragStatus !== "dragging" && O._dragElements.delete(r));
		});
	}
}, k = /* @__PURE__ */ new Map(), qt = b._global.PointerEvent !== void 0;
function Jt(e, t) {
	let n = k.get(e);
	return n && (!t || n.stage === t) ? n.shape : void 0;
}
function Yt(e, t, n) {
	e._fire(t, {
		evt: new PointerEvent(t, { pointerId: n }),
		pointerId: n
	});
}
function Xt(e, t) {
	return k.get(e)?.shape === t;
}
function Zt(e, t) {
	var n;
	A(e);
	let r = t.getStage();
	if (r && (k.set(e, {
		shape: t,
		stage: r
	}), qt)) {
		try {
			(n = r.content) == null || n.setPointerCapture(e);
		} catch {}
		Yt(t, "gotpointercapture", e);
	}
}
function Qt(e) {
	k.forEach(({ shape: t, stage: n }, r) => {
		(t === e || n === e) && A(r);
	});
}
function A(e, t) {
	var n;
	let r = k.get(e);
	if (!r || t && r.shape !== t) return;
	let { shape: i, stage: a } = r;
	if (k.delete(e), qt) {
		try {
			(n = a.content) == null || n.releasePointerCapture(e);
		} catch {}
		Yt(i, "lostpointercapture", e);
	}
}
// node_modules/konva/lib/Validators.js
function j(e) {
	return T._isString(e) ? "\"" + e + "\"" : Object.prototype.toString.call(e) === "[object Number]" || T._isBoolean(e) ? e : Object.prototype.toString.call(e);
}
function M() {
	if (b.isUnminified) return function(e, t) {
		return T._isNumber(e) || T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a number."), e;
	};
}
function $t(e) {
	if (b.isUnminified) return function(t, n) {
		let r = T._isNumber(t), i = T._isArray(t) && t.length == e;
		return !r && !i && T.warn(j(t) + " is a not valid value for \"" + n + "\" attribute. The value should be a number or Array<number>(" + e + ")"), t;
	};
}
function en() {
	if (b.isUnminified) return function(e, t) {
		return T._isNumber(e) || e === "auto" || T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a number or \"auto\"."), e;
	};
}
function N() {
	if (b.isUnminified) return function(e, t) {
		return T._isString(e) || T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a string."), e;
	};
}
function tn() {
	if (b.isUnminified) return function(e, t) {
		let n = T._isString(e), r = Object.prototype.toString.call(e) === "[object CanvasGradient]" || e && e.addColorStop;
		return n || r || T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a string or a native gradient."), e;
	};
}
function nn() {
	if (b.isUnminified) return function(e, t) {
		return e instanceof wt || (T._isArray(e) ? e.forEach(function(e) {
			T._isNumber(e) || T.warn("\"" + t + "\" attribute has non numeric element " + e + ". Make sure that all elements are numbers.");
		}) : T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a array of numbers.")), e;
	};
}
function P() {
	if (b.isUnminified) return function(e, t) {
		return e !== !0 && e !== !1 && T.warn(j(e) + " is a not valid value for \"" + t + "\" attribute. The value should be a boolean."), e;
	};
}
function rn(e) {
	if (b.isUnminified) return function(t, n) {
		return t == null || T.isObject(t) || T.warn(j(t) + " is a not valid value for \"" + n + "\" attribute. The value should be an object with properties " + e), t;
	};
}
// node_modules/konva/lib/Factory.js
var F = "get", I = "set", L = {
	addGetterSetter(e, t, n, r, i) {
		L.addGetter(e, t, n), L.addSetter(e, t, r, i), L.addOverloadedGetterSetter(e, t);
	},
	addGetter(e, t, n) {
		let r = F + T._capitalize(t), i = Array.isArray(n), a = function() {
			let e = this.attrs[t];
			return e === void 0 ? i ? n.slice() : n : e;
		};
		a._def = n, e.prototype[r] = e.prototype[r] || a;
	},
	addSetter(e, t, n, r) {
		let i = I + T._capitalize(t);
		e.prototype[i] || L.overWriteSetter(e, t, n, r);
	},
	overWriteSetter(e, t, n, r) {
		let i = I + T._capitalize(t);
		e.prototype[i] = function(e) {
			return n && e != null && (e = n.call(this, e, t)), this._setAttr(t, e), r && r.call(this), this;
		};
	},
	addComponentsGetterSetter(e, t, n, r, i) {
		let a = n.length, o = T._capitalize, s = F + o(t), c = I + o(t), l = n.map((e) => t + o(e)), u = l.map((e) => F + o(e));
		e.prototype[s] = function() {
			let e = {};
			for (let t = 0; t < a; t++) {
				let r = this[u[t]];
				e[n[t]] = r ? r.call(this) : this.attrs[l[t]];
			}
			return e;
		};
		let d = rn(n);
		e.prototype[c] = function(e) {
			let a = this[s]();
			r && (e = r.call(this, e, t)), d && d.call(this, e, t);
			for (let n in e) e.hasOwnProperty(n) && this._setAttr(t + o(n), e[n]);
			return e || n.forEach((e) => {
				this._setAttr(t + o(e), void 0);
			}), this._fireChangeEvent(t, a, e), i && i.call(this), this;
		}, L.addOverloadedGetterSetter(e, t);
	},
	addOverloadedGetterSetter(e, t) {
		let n = T._capitalize(t), r = I + n, i = F + n, a = function() {
			return arguments.length ? (this[r](arguments[0]), this) : this[i]();
		};
		e.prototype[t] = a;
	},
	backCompat(e, t) {
		T.each(t, function(t, n) {
			let r = e.prototype[n], i = F + T._capitalize(t), a = I + T._capitalize(t);
			function o() {
				return T.error("\"" + t + "\" method is deprecated and will be removed soon. Use \"\"" + n + "\" instead."), r.apply(this, arguments);
			}
			e.prototype[t] = o, e.prototype[i] = o, e.prototype[a] = o;
		});
	},
	afterSetFilter() {
		this._filterUpToDate = !1;
	}
};
// node_modules/konva/lib/Node.js
function an(e) {
	let t = [], n = /(\w+)\(([^)]*)\)/g, r;
	for (; (r = n.exec(e)) !== null;) {
		let [, e, n] = r, i = on[e];
		if (!i) {
			T.warn(`CSS filter "${e}" is not supported in fallback mode. Consider using function filters for better compatibility.`);
			continue;
		}
		let a = n.trim() === "" ? e === "blur" ? 0 : 1 : parseFloat(n) / (n.includes("%") ? 100 : 1);
		t.push({
			fallback: i,
			value: a
		});
	}
	return function(e, n = 1) {
		for (let { fallback: r, value: i } of t) r(e, i, n);
	};
}
var on = {};
function sn(e, t) {
	on[e] = t;
}
for (let e of [
	"grayscale",
	"sepia",
	"invert"
]) sn(e, (t, n) => {
	let r = Math.min(1, Math.max(0, n)), i = t.data;
	for (let t = 0; t < i.length; t += 4) {
		let n = i[t], a = i[t + 1], o = i[t + 2], s, c, l;
		e === "grayscale" ? s = c = l = .2126 * n + .7152 * a + .0722 * o : e === "sepia" ? (s = .393 * n + .769 * a + .189 * o, c = .349 * n + .686 * a + .168 * o, l = .272 * n + .534 * a + .131 * o) : (s = 255 - n, c = 255 - a, l = 255 - o), i[t] = n + (s - n) * r, i[t + 1] = a + (c - a) * r, i[t + 2] = o + (l - o) * r;
	}
});
var R = "absoluteOpacity", z = "absoluteTransform", cn = "Change", ln = "children", un = "konva", dn = "listening", fn = [
	"mouseenter",
	"mouseleave",
	"pointerenter",
	"pointerleave",
	"touchenter",
	"touchleave"
], pn = "set", mn = "Shape", hn = " ", gn = "stage", B = "transform", _n = "Stage", vn = "visible", yn = [
	"xChange.konva",
	"yChange.konva",
	"scaleXChange.konva",
	"scaleYChange.konva",
	"skewXChange.konva",
	"skewYChange.konva",
	"rotationChange.konva",
	"offsetXChange.konva",
	"offsetYChange.konva",
	"transformsEnabledChange.konva"
].join(hn), bn = 1, V = class e {
	constructor(e) {
		this._id = bn++, this.eventListeners = {}, this.attrs = {}, this.index = 0, this.parent = null, this._cache = {}, this._canvasCache = null, this._batchingTransformChange = !1, this._needClearTransformCache = !1, this._filterUpToDate = !1, this._isUnderCache = !1, this._dragEventId = null, this._shouldFireChangeEvents = !1, this.setAttrs(e), this._shouldFireChangeEvents = !0;
	}
	hasChildren() {
		return !1;
	}
	_clearCache(e) {
		(e === B || e === z) && this._cache[e] ? this._cache[e].dirty = !0 : e ? this._cache[e] = void 0 : (this._cache = {}, this._attrsVersion !== void 0 && this._attrsVersion++);
	}
	_releaseCanvasCache() {
		let e = this._canvasCache;
		e && (T.releaseCanvas(e.scene._canvas, e.filter._canvas, ...e.hit ? [e.hit._canvas] : []), this._canvasCache = null);
	}
	_getCache(e, t) {
		let n = this._cache[e];
		return (n === void 0 || (e === B || e === z) && n.dirty === !0) && (n = t.call(this), this._cache[e] = n), n;
	}
	_getCanvasCache() {
		return this._canvasCache;
	}
	_clearSelfAndDescendantCache(e) {
		this._clearCache(e), (e === void 0 || e === z) && this.fire("absoluteTransformChange");
	}
	static _runAfterUpdateBatch(t) {
		e._updateBatchDepth > 0 ? e._pendingUpdates.add(t) : t();
	}
	static _flushUpdateBatch() {
		if (e._updateBatchDepth > 0) return;
		let t = e._pendingUpdates;
		t.size && (e._pendingUpdates = /* @__PURE__ */ new Set(), t.forEach((e) => e()));
	}
	static _updateBatch(t) {
		e._updateBatchDepth++;
		try {
			return t();
		} finally {
			e._updateBatchDepth--, e._flushUpdateBatch();
		}
	}
	static _beginUpdateBatch() {
		e._updateBatchDepth++;
		let t = !1;
		return () => {
			t || (t = !0, e._updateBatchDepth--, e._flushUpdateBatch());
		};
	}
	clearCache() {
		return this._releaseCanvasCache(), this._clearSelfAndDescendantCache(), this._requestDraw(), this;
	}
	cache(e) {
		let t = e || {}, n = {};
		if (t.x === void 0 || t.y === void 0 || t.width === void 0 || t.height === void 0) {
			let e = this._isUnderCache;
			this._isUnderCache = !0, n = this.getClientRect({
				skipTransform: !0,
				relativeTo: this.getParent() || void 0
			}), this._isUnderCache = e;
		}
		let r = t.x === void 0 ? Math.floor(n.x) : t.x, i = t.y === void 0 ? Math.floor(n.y) : t.y, a = Math.ceil(t.width || n.x + n.width - r), o = Math.ceil(t.height || n.y + n.height - i), s = t.pixelRatio, c = t.offset || 0, l = t.drawBorder || !1, u = t.hitCanvasPixelRatio || 1;
		if (a <= 0 || o <= 0 || !isFinite(r + i + a + o)) return T.error(`Can not cache the node. Its size is 0 or its bounds are not finite numbers (${r}, ${i}, ${a}x${o}). Caching is skipped.`), this;
		a += c * 2, o += c * 2, r -= c, i -= c;
		let d = new D({
			pixelRatio: s,
			width: a,
			height: o
		}), f = new D({
			pixelRatio: s,
			width: 0,
			height: 0,
			willReadFrequently: !0
		}), p = d.getContext();
		d.isCache = !0, this._releaseCanvasCache(), this._filterUpToDate = !1, t.imageSmoothingEnabled === !1 && (d.getContext()._context.imageSmoothingEnabled = !1, f.getContext()._context.imageSmoothingEnabled = !1), p.save(), p.translate(-r, -i), this._isUnderCache = !0, this._clearSelfAndDescendantCache(R);
		try {
			this.drawScene(d, this);
		} catch (e) {
			throw T.releaseCanvas(d._canvas), e;
		} finally {
			this._isUnderCache = !1, this._clearSelfAndDescendantCache(R), p.restore(), d._releaseIsolationCanvas();
		}
		return l && (p.save(), p.beginPath(), p.rect(0, 0, a, o), p.closePath(), p.setAttr("strokeStyle", "red"), p.setAttr("lineWidth", 5), p.stroke(), p.restore()), this._canvasCache = {
			scene: d,
			filter: f,
			hit: null,
			hitConfig: {
				pixelRatio: u,
				width: a,
				height: o
			},
			x: r,
			y: i
		}, this._clearSelfAndDescendantCache(), this._requestDraw(), this;
	}
	_getCachedHitCanvas(e) {
		if (e === this) return null;
		let t = this._getCanvasCache();
		if (!t) return null;
		if (t.hit) return t.hit;
		let n = new Kt(t.hitConfig);
		n.isCache = !0;
		let r = n.getContext();
		return r.save(), r.translate(-t.x, -t.y), this.drawHit(n, this), r.restore(), t.hit = n, n;
	}
	isCached() {
		return !!this._canvasCache;
	}
	getClientRect(e) {
		throw Error("abstract \"getClientRect\" method call");
	}
	_getCachedSceneRect(e) {
		let t = e._forDrawing && !this._isUnderCache && this._getCanvasCache();
		if (!t) return;
		let n = {
			x: t.x,
			y: t.y,
			width: t.scene.width / t.scene.pixelRatio,
			height: t.scene.height / t.scene.pixelRatio
		};
		return e.skipTransform ? n : this._transformedRect(n, e.relativeTo);
	}
	_transformedRect(e, t) {
		return this.getAbsoluteTransform(t)._getTransformedRect(e);
	}
	_drawCachedSceneCanvas(e) {
		e.save(), e._applyOpacity(this), e._applyGlobalCompositeOperation(this);
		let t = this._getCanvasCache();
		e.translate(t.x, t.y);
		let n = this._getCachedSceneCanvas(), r = n.pixelRatio;
		e.drawImage(n._canvas, 0, 0, n.width / r, n.height / r), e.restore();
	}
	_drawCachedHitCanvas(e, t) {
		let n = this._getCanvasCache();
		e.save(), e.translate(n.x, n.y), e.drawImage(t._canvas, 0, 0, t.width / t.pixelRatio, t.height / t.pixelRatio), e.restore();
	}
	_getCachedSceneCanvas() {
		let e = this.filters(), t = this._getCanvasCache(), n = t.scene, r = t.filter, i = r.getContext(), a, o, s, c;
		if (!e || e.length === 0) return n;
		if (this._filterUpToDate) return r;
		let l = !0;
		for (let t = 0; t < e.length; t++) if (typeof e[t] != "string" || !Vt()) {
			l = !1;
			break;
		}
		let u = n.pixelRatio;
		if (r.setSizeIfChanged(n._logicalWidth, n._logicalHeight), l) {
			let t = e.join(" ").replace(/url\((?:[^()"']|"[^"]*"|'[^']*')*\)|"[^"]*"|'[^']*'|([-+]?(?:\d*\.)?\d+(?:e[-+]?\d+)?)(px|em|rem|ex|ch|cap|ic|lh|rlh|vw|vh|vmin|vmax|cm|mm|q|in|pt|pc)\b/gi, (e, t, n) => t === void 0 ? e : `${Number(t) * u}${n}`);
			return i.clear(), i.save(), i.setAttr("filter", t), i.drawImage(n._canvas, 0, 0, n.getWidth() / u, n.getHeight() / u), i.restore(), this._filterUpToDate = !0, r;
		}
		try {
			for (a = e.length, i.clear(), i.drawImage(n._canvas, 0, 0, n.getWidth() / u, n.getHeight() / u), o = i.getImageData(0, 0, r.getWidth(), r.getHeight()), s = 0; s < a; s++) c = e[s], typeof c == "string" && (c = an(c)), c.call(this, o, u);
			i.putImageData(o, 0, 0);
		} catch (e) {
			T.error("Unable to apply filter. " + e.message + " This post my help you https://konvajs.org/docs/posts/Tainted_Canvas.html.");
		}
		return this._filterUpToDate = !0, r;
	}
	on(...e) {
		this._prepareListeners();
		let t = e[0], n = e[1];
		if (e[2], e.length === 3) return this._delegate.apply(this, e);
		let r = t.split(hn);
		for (let e = 0; e < r.length; e++) {
			let t = r[e].split("."), i = t[0], a = t[1] || "";
			this.eventListeners[i] || (this.eventListeners[i] = []), this.eventListeners[i].push({
				name: a,
				handler: n
			});
		}
		return this;
	}
	_prepareListeners() {
		this === this.constructor.prototype && (this.hasOwnProperty("eventListeners") || (this.eventListeners = {}), e.protoListenerMap = /* @__PURE__ */ new WeakMap());
	}
	off(e, t) {
		this._prepareListeners();
		let n = (e || "").split(hn), r = n.length, i, a, o, s, c, l;
		if (!e) for (a in this.eventListeners) this._off(a);
		for (i = 0; i < r; i++) if (o = n[i], s = o.split("."), c = s[0], l = s[1], c) this.eventListeners[c] && this._off(c, l, t);
		else for (a in this.eventListeners) this._off(a, l, t);
		return this;
	}
	dispatchEvent(e) {
		let t = {
			target: this,
			type: e.type,
			evt: e
		};
		return this.fire(e.type, t), this;
	}
	addEventListener(e, t) {
		return this.on(e, function(e) {
			t.call(this, e.evt);
		}), this;
	}
	removeEventListener(e) {
		return this.off(e), this;
	}
	_delegate(e, t, n) {
		let r = this;
		return this.on(e, function(e) {
			let i = e, a = e.target.findAncestors(t, !0, r);
			for (let t = 0; t < a.length; t++) e = T.cloneObject(e), e.currentTarget = a[t], n.call(a[t], e);
			e.cancelBubble && (i.cancelBubble = !0);
		}), this;
	}
	remove() {
		return this.isDragging() && this.stopDrag(), O._dragElements.delete(this._id), O._dragElements.forEach((e, t) => {
			this.isAncestorOf(e.node) && O._dragElements.delete(t);
		}), this._remove(), this;
	}
	_clearCaches() {
		this._clearSelfAndDescendantCache(z), this._clearSelfAndDescendantCache(R), this._clearSelfAndDescendantCache(gn), this._clearSelfAndDescendantCache(vn), this._clearSelfAndDescendantCache(dn);
	}
	_remove() {
		let e = this.getParent();
		e && e.children && (e.children.splice(this.index, 1), e._setChildrenIndices(), this.parent = null), this._clearCaches();
	}
	destroy() {
		return this._fire("destroy", { target: this }), Qt(this), this.remove(), this.clearCache(), this;
	}
	getAttr(e) {
		let t = "get" + T._capitalize(e);
		return T._isFunction(this[t]) ? this[t]() : this.attrs[e];
	}
	getAncestors() {
		let e = this.getParent(), t = [];
		for (; e;) t.push(e), e = e.getParent();
		return t;
	}
	getAttrs() {
		return this.attrs || {};
	}
	setAttrs(e) {
		return this._batchTransformChanges(() => {
			let t, n;
			if (!e) return this;
			for (t in e) t !== ln && (n = pn + T._capitalize(t), T._isFunction(this[n]) ? this[n](e[t]) : this._setAttr(t, e[t]));
		}), this;
	}
	isListening() {
		return this._getCache(dn, this._isListening);
	}
	_isListening(e) {
		if (!this.listening()) return !1;
		let t = this.getParent();
		return t && t !== e && this !== e ? t._isListening(e) : !0;
	}
	isVisible() {
		return this._getCache(vn, this._isVisible);
	}
	_isVisible(e) {
		if (!this.visible()) return !1;
		let t = this.getParent();
		return t && t !== e && this !== e ? t._isVisible(e) : !0;
	}
	shouldDrawHit(e) {
		return e ? this._isVisible(e) && this._isListening(e) : this.isListening() && this.isVisible();
	}
	show() {
		return this.visible(!0), this;
	}
	hide() {
		return this.visible(!1), this;
	}
	getZIndex() {
		return this.index || 0;
	}
	getAbsoluteZIndex() {
		let e = this.getDepth(), t = this, n = 0, r, i, a, o;
		function s(c) {
			for (r = [], i = c.length, a = 0; a < i; a++) o = c[a], n++, o.nodeType !== mn && (r = r.concat(o.children)), o._id === t._id && (a = i);
			r.length > 0 && r[0].getDepth() <= e && s(r);
		}
		let c = this.getStage();
		return t.nodeType !== _n && c && s(c.children), n;
	}
	getDepth() {
		let e = 0, t = this.parent;
		for (; t;) e++, t = t.parent;
		return e;
	}
	_batchTransformChanges(t) {
		this._batchingTransformChange ? t() : e._updateBatch(() => {
			this._batchingTransformChange = !0;
			try {
				t();
			} finally {
				this._batchingTransformChange = !1, this._needClearTransformCache && (this._needClearTransformCache = !1, this._clearCache(B), this._clearSelfAndDescendantCache(z));
			}
		});
	}
	setPosition(e) {
		return this._batchTransformChanges(() => {
			this.x(e.x), this.y(e.y);
		}), this;
	}
	getPosition() {
		return {
			x: this.x(),
			y: this.y()
		};
	}
	getRelativePointerPosition() {
		let e = this.getStage();
		if (!e) return null;
		let t = e.getPointerPosition();
		if (!t) return null;
		let n = this.getAbsoluteTransform().copy();
		return n.invert(), n.point(t);
	}
	getAbsolutePosition(e) {
		let t = this.getAbsoluteTransform(e).getMatrix(), n = new S(), r = this.offset();
		return n.m = t.slice(), n.translate(r.x, r.y), n.getTranslation();
	}
	setAbsolutePosition(e) {
		let { x: t, y: n, ...r } = this._clearTransform();
		this.attrs.x = t, this.attrs.y = n, this._clearCache(B);
		let i = this._getAbsoluteTransform().copy(), a = i.isInvertible();
		i.invert(), i.translate(e.x, e.y);
		let { x: o, y: s } = i.getTranslation();
		return this._setTransform(r), a ? this.setPosition({
			x: this.attrs.x + o,
			y: this.attrs.y + s
		}) : T.warn("Cannot set the absolute position: the absolute transform is not invertible (an ancestor has a zero scale)."), this._clearCache(B), this._clearSelfAndDescendantCache(z), this;
	}
	_setTransform(e) {
		let t;
		for (t in e) this.attrs[t] = e[t];
	}
	_clearTransform() {
		let e = {
			x: this.x(),
			y: this.y(),
			rotation: this.rotation(),
			scaleX: this.scaleX(),
			scaleY: this.scaleY(),
			offsetX: this.offsetX(),
			offsetY: this.offsetY(),
			skewX: this.skewX(),
			skewY: this.skewY()
		};
		return this.attrs.x = 0, this.attrs.y = 0, this.attrs.rotation = 0, this.attrs.scaleX = 1, this.attrs.scaleY = 1, this.attrs.offsetX = 0, this.attrs.offsetY = 0, this.attrs.skewX = 0, this.attrs.skewY = 0, e;
	}
	move(e) {
		let t = e.x, n = e.y, r = this.x(), i = this.y();
		return t !== void 0 && (r += t), n !== void 0 && (i += n), this.setPosition({
			x: r,
			y: i
		}), this;
	}
	rotate(e) {
		return this.rotation(this.rotation() + e), this;
	}
	moveToTop() {
		if (!this.parent) return T.warn("Node has no parent. moveToTop function is ignored."), !1;
		let e = this.index;
		return e < this.parent.children.length - 1 && (this.parent.children.splice(e, 1), this.parent.children.push(this), this.parent._setChildrenIndices(), !0);
	}
	moveUp() {
		if (!this.parent) return T.warn("Node has no parent. moveUp function is ignored."), !1;
		let e = this.index;
		return e < this.parent.children.length - 1 && (this.parent.children.splice(e, 1), this.parent.children.splice(e + 1, 0, this), this.parent._setChildrenIndices(), !0);
	}
	moveDown() {
		if (!this.parent) return T.warn("Node has no parent. moveDown function is ignored."), !1;
		let e = this.index;
		return e > 0 && (this.parent.children.splice(e, 1), this.parent.children.splice(e - 1, 0, this), this.parent._setChildrenIndices(), !0);
	}
	moveToBottom() {
		if (!this.parent) return T.warn("Node has no parent. moveToBottom function is ignored."), !1;
		let e = this.index;
		return e > 0 && (this.parent.children.splice(e, 1), this.parent.children.unshift(this), this.parent._setChildrenIndices(), !0);
	}
	setZIndex(e) {
		if (!this.parent) return T.warn("Node has no parent. zIndex parameter is ignored."), this;
		(e < 0 || e >= this.parent.children.length) && T.warn("Unexpected value " + e + " for zIndex property. zIndex is just index of a node in children of its parent. Expected value is from 0 to " + (this.parent.children.length - 1) + ".");
		let t = this.index;
		return this.parent.children.splice(t, 1), this.parent.children.splice(e, 0, this), this.parent._setChildrenIndices(), this;
	}
	getAbsoluteOpacity() {
		return this._getCache(R, this._getAbsoluteOpacity);
	}
	_getAbsoluteOpacity() {
		let e = this.opacity(), t = this.getParent();
		return t && !t._isUnderCache && (e *= t.getAbsoluteOpacity()), e;
	}
	moveTo(e) {
		return this.getParent() !== e && (this._remove(), e.add(this)), this;
	}
	toObject() {
		let e = this.getAttrs(), t, n, r, i = {
			attrs: {},
			className: this.getClassName()
		};
		for (t in e) n = e[t], n instanceof wt && (n = Array.from(n)), r = T.isObject(n) && !T._isPlainObject(n) && !T._isArray(n), r || (this["get" + T._capitalize(t)]?._def !== n || t === "brightness" || t === "threshold") && (i.attrs[t] = t === "filters" && T._isArray(n) ? n.filter((e) => typeof e == "string") : T.isObject(n) ? T._prepareToStringify(n) : n);
		return i;
	}
	toJSON() {
		return JSON.stringify(this.toObject());
	}
	getParent() {
		return this.parent;
	}
	findAncestors(e, t, n) {
		let r = [];
		t && this._isMatch(e) && r.push(this);
		let i = this.parent;
		for (; i;) {
			if (i === n) return r;
			i._isMatch(e) && r.push(i), i = i.parent;
		}
		return r;
	}
	isAncestorOf(e) {
		return !1;
	}
	findAncestor(e, t, n) {
		return this.findAncestors(e, t, n)[0];
	}
	_isMatch(e) {
		if (!e) return !1;
		if (typeof e == "function") return e(this);
		let t = e.replace(/ /g, "").split(","), n = t.length, r, i;
		for (r = 0; r < n; r++) if (i = t[r], T.isValidSelector(i) || (T.warn("Selector \"" + i + "\" is invalid. Allowed selectors examples are \"#foo\", \".bar\" or \"Group\"."), T.warn("If you have a custom shape with such className, please change it to start with upper letter like \"Triangle\"."), T.warn("Konva is awesome, right?")), i.charAt(0) === "#") {
			if (this.id() === i.slice(1)) return !0;
		} else if (i.charAt(0) === ".") {
			if (this.hasName(i.slice(1))) return !0;
		} else if (this.className === i || this.nodeType === i) return !0;
		return !1;
	}
	getLayer() {
		let e = this.getParent();
		return e ? e.getLayer() : null;
	}
	getStage() {
		return this._getCache(gn, this._getStage);
	}
	_getStage() {
		let e = this.getParent();
		return e ? e.getStage() : null;
	}
	fire(e, t, n) {
		return t ||= {}, t.target = t.target || this, n ? this._fireAndBubble(e, t) : this._fire(e, t), this;
	}
	getAbsoluteTransform(e) {
		return e || this._hasCachedAncestor() ? this._getAbsoluteTransform(e) : this._getCache(z, this._getCachedAbsoluteTransform);
	}
	_hasCachedAncestor() {
		let e = this.parent;
		for (; e;) {
			if (e.isCached()) return !0;
			e = e.parent;
		}
		return !1;
	}
	_getAbsoluteTransform(e) {
		let t = new S();
		return this === e ? t : (this.parent && this.parent !== e && this.parent.getAbsoluteTransform(e).copyInto(t), this._multiplyOwnTransform(t));
	}
	_getCachedAbsoluteTransform() {
		let e = this._cache[z] || new S();
		return this.parent ? this.parent.getAbsoluteTransform().copyInto(e) : e.reset(), this._multiplyOwnTransform(e), e.dirty = !1, e;
	}
	_multiplyOwnTransform(e) {
		let t = this.transformsEnabled();
		if (t === "all") e.multiply(this.getTransform());
		else if (t === "position") {
			let t = this.attrs.x || 0, n = this.attrs.y || 0, r = this.attrs.offsetX || 0, i = this.attrs.offsetY || 0;
			e.translate(t - r, n - i);
		}
		return e;
	}
	getAbsoluteScale(e) {
		let t = this;
		for (; t;) t._isUnderCache && (e = t), t = t.getParent();
		let n = this.getAbsoluteTransform(e).decompose();
		return {
			x: n.scaleX,
			y: n.scaleY
		};
	}
	getAbsoluteRotation() {
		return this.getAbsoluteTransform().decompose().rotation;
	}
	getTransform() {
		return this._getCache(B, this._getTransform);
	}
	_getTransform() {
		let e = this._cache[B] || new S();
		e.reset();
		let t = this.x(), n = this.y(), r = b.getAngle(this.rotation()), i = this.attrs.scaleX ?? 1, a = this.attrs.scaleY ?? 1, o = this.attrs.skewX || 0, s = this.attrs.skewY || 0, c = this.attrs.offsetX || 0, l = this.attrs.offsetY || 0;
		return (t !== 0 || n !== 0) && e.translate(t, n), r !== 0 && e.rotate(r), (o !== 0 || s !== 0) && e.skew(o, s), (i !== 1 || a !== 1) && e.scale(i, a), (c !== 0 || l !== 0) && e.translate(-1 * c, -1 * l), e.dirty = !1, e;
	}
	clone(e) {
		let t = T.cloneObject(this.attrs), n, r, i, a, o;
		for (n in e) t[n] = e[n];
		let s = new this.constructor(t);
		for (n in this.eventListeners) for (r = this.eventListeners[n], i = r.length, a = 0; a < i; a++) o = r[a], o.name.indexOf(un) < 0 && (s.eventListeners[n] || (s.eventListeners[n] = []), s.eventListeners[n].push(o));
		return s;
	}
	_toKonvaCanvas(e) {
		e ||= {};
		let t = e.x === void 0 || e.y === void 0 || !e.width || !e.height ? this.getClientRect() : {
			x: 0,
			y: 0,
			width: 0,
			height: 0
		};
		isFinite(t.x + t.y + t.width + t.height) || T.error(`Cannot find the bounds of the node to export, its client rect is ${t.x}, ${t.y}, ${t.width}x${t.height}. Check its position, size and points.`);
		let n = this.getStage(), r = e.x === void 0 ? Math.floor(t.x) : e.x, i = e.y === void 0 ? Math.floor(t.y) : e.y, a = e.pixelRatio || 1, o = new D({
			width: e.width || Math.max(0, Math.ceil(t.x + t.width - r)) || (n ? n.width() : 0),
			height: e.height || Math.max(0, Math.ceil(t.y + t.height - i)) || (n ? n.height() : 0),
			pixelRatio: a
		}), s = o.getContext();
		return e.imageSmoothingEnabled === !1 && (s._context.imageSmoothingEnabled = !1), s.save(), (r || i) && s.translate(-1 * r, -1 * i), this.drawScene(o), s.restore(), o._releaseIsolationCanvas(), o;
	}
	toCanvas(e) {
		return this._toKonvaCanvas(e)._canvas;
	}
	toDataURL(e) {
		e ||= {};
		let t = e.mimeType || null, n = e.quality ?? null, r = this._toKonvaCanvas(e).toDataURL(t, n);
		return e.callback && e.callback(r), r;
	}
	toImage(e) {
		return new Promise((t, n) => {
			try {
				let { callback: r, ...i } = e || {};
				T._urlToImage(this.toDataURL(i), function(e) {
					t(e), r?.(e);
				}, n);
			} catch (e) {
				n(e);
			}
		});
	}
	toBlob(e) {
		return new Promise((t, n) => {
			try {
				this.toCanvas(e).toBlob((r) => {
					var i;
					r ? (t(r), (i = e?.callback) == null || i.call(e, r)) : n(/* @__PURE__ */ Error("Konva: toBlob() failed, the canvas was not encoded"));
				}, e?.mimeType, e?.quality);
			} catch (e) {
				n(e);
			}
		});
	}
	setSize(e) {
		return this.width(e.width), this.height(e.height), this;
	}
	getSize() {
		return {
			width: this.width(),
			height: this.height()
		};
	}
	getClassName() {
		return this.className || this.nodeType;
	}
	getType() {
		return this.nodeType;
	}
	getDragDistance() {
		return this.attrs.dragDistance === void 0 ? this.parent ? this.parent.getDragDistance() : b.dragDistance : this.attrs.dragDistance;
	}
	_off(e, t, n) {
		let r = this.eventListeners[e], i, a, o;
		for (i = 0; i < r.length; i++) if (a = r[i].name, o = r[i].handler, (a !== "konva" || t === "konva") && (!t || a === t) && (!n || n === o)) {
			if (r.splice(i, 1), r.length === 0) {
				delete this.eventListeners[e];
				break;
			}
			i--;
		}
	}
	_fireChangeEvent(e, t, n) {
		this._fire(e + cn, {
			oldVal: t,
			newVal: n
		});
	}
	addName(e) {
		if (!this.hasName(e)) {
			let t = this.name(), n = t ? t + " " + e : e;
			this.name(n);
		}
		return this;
	}
	hasName(e) {
		if (!e) return !1;
		let t = this.name();
		return t ? (t || "").split(/\s/g).indexOf(e) !== -1 : !1;
	}
	removeName(e) {
		let t = (this.name() || "").split(/\s/g), n = t.indexOf(e);
		return n !== -1 && (t.splice(n, 1), this.name(t.join(" "))), this;
	}
	setAttr(e, t) {
		let n = this[pn + T._capitalize(e)];
		return T._isFunction(n) ? n.call(this, t) : this._setAttr(e, t), this;
	}
	_addSubtreeObserver(t) {
		(this._subtreeObservers ??= /* @__PURE__ */ new Set()).add(t), e._subtreeObserverCount++;
	}
	_removeSubtreeObserver(t) {
		this._subtreeObservers?.delete(t) && e._subtreeObserverCount--;
	}
	_notifySubtreeChange() {
		if (e._subtreeObserverCount) for (let e = this; e; e = e.parent) {
			let t = e._subtreeObservers;
			if (t) for (let n of t) n._onSubtreeChange(e);
		}
	}
	_requestDraw() {
		var e;
		(e = this.parent) == null || e._notifySubtreeChange(), b.autoDrawEnabled && (this.getLayer() || this.getStage())?.batchDraw();
	}
	_setAttr(e, t) {
		let n = this.attrs[e];
		(n !== t || T.isObject(t)) && (t == null ? delete this.attrs[e] : this.attrs[e] = t, this._attrsVersion !== void 0 && this._attrsVersion++, this._shouldFireChangeEvents && this._fireChangeEvent(e, n, t), this._requestDraw());
	}
	_fireAndBubble(e, t, n) {
		t && this.nodeType === mn && (t.target = this);
		let r = fn.indexOf(e) !== -1;
		if (!(r && (n && (this === n || this.isAncestorOf && this.isAncestorOf(n)) || this.nodeType === "Stage" && !n))) {
			this._fire(e, t);
			let i = r && n && n.isAncestorOf && n.isAncestorOf(this) && !n.isAncestorOf(this.parent);
			(t && !t.cancelBubble || !t) && this.parent && this.parent.isListening() && !i && (n && n.parent ? this._fireAndBubble.call(this.parent, e, t, n) : this._fireAndBubble.call(this.parent, e, t));
		}
	}
	_getProtoListeners(t) {
		let n = Object.getPrototypeOf(this), r = e.protoListenerMap.get(n);
		r || (r = {}, e.protoListenerMap.set(n, r));
		let i = r[t];
		if (i === void 0) {
			i = [];
			let e = /* @__PURE__ */ new Set(), n = Object.getPrototypeOf(this);
			for (; n;) {
				let r = n.eventListeners?.[t] ?? [];
				for (let t = 0; t < r.length; t++) {
					let n = r[t];
					e.has(n) || (e.add(n), i.push(n));
				}
				n = Object.getPrototypeOf(n);
			}
			r[t] = i;
		}
		return i;
	}
	_fire(e, t) {
		t ||= {}, t.currentTarget = this, t.type = e;
		let n = this._getProtoListeners(e);
		if (n) for (let e = 0; e < n.length; e++) n[e].handler.call(this, t);
		let r = this.eventListeners[e];
		if (r) {
			let n = r.slice(), i = n.length;
			for (let e = 0; e < n.length; e++) n[e].handler.call(this, t);
			let a = this.eventListeners[e];
			if (a) for (let e = i; e < a.length; e++) a[e].handler.call(this, t);
		}
	}
	draw() {
		return this.drawScene(), this.drawHit(), this;
	}
	_createDragElement(e) {
		let t = e ? e.pointerId : void 0, n = this.getStage(), r = this.getAbsolutePosition();
		if (!n) return;
		let i = n._getPointerById(t) || n._changedPointerPositions[0] || r, a = e?.evt?.type ? T._getEventType(e.evt.type) : n._pointerEventType, o = a !== "pointer";
		O._dragElements.set(this._id, {
			node: this,
			startPointerPos: i,
			offset: {
				x: i.x - r.x,
				y: i.y - r.y
			},
			dragStatus: "ready",
			pointerId: o ? t ?? ("id" in i ? i.id : void 0) : void 0,
			pointerEventType: o ? a : void 0,
			startEvent: e
		});
	}
	startDrag(e, t = !0) {
		var n;
		O._dragElements.has(this._id) || this._createDragElement(e);
		let r = O._dragElements.get(this._id);
		r && (r.dragStatus = "dragging", (n = this.getStage()) == null || n._cancelClick(r.pointerId, r.pointerEventType), this.fire("dragstart", {
			type: "dragstart",
			target: this,
			evt: r.startEvent && r.startEvent.evt || e && e.evt
		}, t));
	}
	_setDragPosition(e, t) {
		let n = this.getStage()._getPointerById(t.pointerId);
		if (!n) return;
		let r = {
			x: n.x - t.offset.x,
			y: n.y - t.offset.y
		}, i = this.dragBoundFunc();
		if (i !== void 0) {
			let t = i.call(this, r, e);
			if (!t) T.warn("dragBoundFunc did not return any value. That is unexpected behavior. You must return new absolute position from dragBoundFunc.");
			else if (!T._isNumber(t.x) || !T._isNumber(t.y)) {
				T.warn(`dragBoundFunc returned a position with a non-finite x or y (${t.x}, ${t.y}). The node was not moved.`);
				return;
			} else r = t;
		}
		let a = t.lastPos;
		a && a.x === r.x && a.y === r.y || (this.setAbsolutePosition(r), this._requestDraw()), t.lastPos = r;
	}
	stopDrag(e) {
		let t = O._dragElements.get(this._id);
		t && (t.dragStatus = "stopped", O._endDragBefore(e, void 0, t), O._endDragAfter(e, t));
	}
	setDraggable(e) {
		this._setAttr("draggable", e), this._dragChange();
	}
	isDragging() {
		let e = O._dragElements.get(this._id);
		return e ? e.dragStatus === "dragging" : !1;
	}
	_listenDrag() {
		this._dragCleanup(), this.on("mousedown.konva touchstart.konva", function(e) {
			if (!(e.evt.button === void 0 || b.dragButtons.indexOf(e.evt.button) >= 0) || O._dragElements.has(this._id)) return;
			let t = !1;
			O._dragElements.forEach((e) => {
				this.isAncestorOf(e.node) && (t = !0);
			}), t || this._createDragElement(e);
		});
	}
	_dragChange() {
		if (this.attrs.draggable) this._listenDrag();
		else {
			if (this._dragCleanup(), !this.getStage()) return;
			let e = O._dragElements.get(this._id), t = e && e.dragStatus === "dragging", n = e && e.dragStatus === "ready";
			t ? this.stopDrag() : n && O._dragElements.delete(this._id);
		}
	}
	_dragCleanup() {
		this.off("mousedown.konva"), this.off("touchstart.konva");
	}
	isClientRectOnScreen(e = {
		x: 0,
		y: 0
	}) {
		let t = this.getStage();
		if (!t) return !1;
		let n = {
			x: -e.x,
			y: -e.y,
			width: t.width() + 2 * e.x,
			height: t.height() + 2 * e.y
		};
		return T.haveIntersection(n, this.getClientRect());
	}
	static create(e, t) {
		return T._isString(e) && (e = JSON.parse(e)), this._createNode(e, t);
	}
	static _createNode(t, n) {
		let r = e.prototype.getClassName.call(t), i = t.children, a, o, s;
		if (n && (t.attrs.container = n), !b[r]) {
			let e = i ? "Group" : "Shape";
			T.warn("Can not find a node with class name \"" + r + `". Fallback to "${e}".`), r = e;
		}
		let c = b[r];
		if (a = new c(t.attrs), i) for (o = i.length, s = 0; s < o; s++) a.add(e._createNode(i[s]));
		return a;
	}
};
V._subtreeObserverCount = 0, V._updateBatchDepth = 0, V._pendingUpdates = /* @__PURE__ */ new Set(), V.protoListenerMap = /* @__PURE__ */ new WeakMap(), V.prototype.nodeType = "Node", V.prototype._attrsAffectingSize = [], V.prototype.on(yn, function() {
	this._batchingTransformChange ? this._needClearTransformCache = !0 : (this._clearCache(B), this._clearSelfAndDescendantCache(z));
}), V.prototype.on("visibleChange.konva", function() {
	this._clearSelfAndDescendantCache(vn);
}), V.prototype.on("listeningChange.konva", function() {
	this._clearSelfAndDescendantCache(dn);
	for (let e = this.getParent(); e; e = e.getParent()) {
		let t = e._getCanvasCache();
		t?.hit && (T.releaseCanvas(t.hit._canvas), t.hit = null);
	}
}), V.prototype.on("opacityChange.konva", function() {
	this._clearSelfAndDescendantCache(R);
});
var H = L.addGetterSetter;
H(V, "zIndex"), H(V, "absolutePosition"), H(V, "position"), H(V, "x", 0, M()), H(V, "y", 0, M()), H(V, "globalCompositeOperation", "source-over", N()), H(V, "opacity", 1, M()), H(V, "name", "", N()), H(V, "id", "", N()), H(V, "rotation", 0, M()), L.addComponentsGetterSetter(V, "scale", ["x", "y"]), H(V, "scaleX", 1, M()), H(V, "scaleY", 1, M()), L.addComponentsGetterSetter(V, "skew", ["x", "y"]), H(V, "skewX", 0, M()), H(V, "skewY", 0, M()), L.addComponentsGetterSetter(V, "offset", ["x", "y"]), H(V, "offsetX", 0, M()), H(V, "offsetY", 0, M()), H(V, "dragDistance", void 0, M()), H(V, "width", 0, M()), H(V, "height", 0, M()), H(V, "listening", !0, P()), H(V, "preventDefault", !0, P()), H(V, "filters", void 0, function(e) {
	return this._filterUpToDate = !1, e;
}), H(V, "visible", !0, P()), H(V, "transformsEnabled", "all", N()), H(V, "size"), H(V, "dragBoundFunc"), H(V, "draggable", !1, P()), L.backCompat(V, {
	rotateDeg: "rotate",
	setRotationDeg: "setRotation",
	getRotationDeg: "getRotation"
});
// node_modules/konva/lib/Container.js
var U = class extends V {
	constructor() {
		super(...arguments), this.children = [];
	}
	getChildren(e) {
		let t = this.children || [];
		return e ? t.filter(e) : t.slice();
	}
	hasChildren() {
		return this.children.length > 0;
	}
	removeChildren() {
		return this._clearChildren("remove");
	}
	destroyChildren() {
		return this._clearChildren("destroy");
	}
	_clearChildren(e) {
		return V._updateBatch(() => (this.children.forEach((t) => {
			t.parent = null, t.index = 0, t[e]();
		}), this.children = [], this._notifySubtreeChange(), this._requestDraw(), this));
	}
	add(...e) {
		if (e.length === 0) return this;
		if (e.length > 1) {
			for (let t = 0; t < e.length; t++) this.add(e[t]);
			return this;
		}
		let t = e[0];
		return t.getParent() ? (t.moveTo(this), this) : (this._validateAdd(t), t.index = this.children.length, t.parent = this, t._clearCaches(), this.children.push(t), this._fire("add", { child: t }), this._notifySubtreeChange(), this._requestDraw(), this);
	}
	destroy() {
		return this.hasChildren() && this.destroyChildren(), super.destroy(), this;
	}
	find(e) {
		return this._generalFind(e, !1);
	}
	findOne(e) {
		let t = this._generalFind(e, !0);
		return t.length > 0 ? t[0] : void 0;
	}
	_generalFind(e, t) {
		let n = [];
		return this._descendants((r) => {
			let i = r._isMatch(e);
			return i && n.push(r), !!(i && t);
		}), n;
	}
	_descendants(e) {
		let t = !1;
		for (let n of this.children) if (t = e(n), t || n.hasChildren() && (t = n._descendants(e), t)) return !0;
		return !1;
	}
	toObject() {
		let e = V.prototype.toObject.call(this);
		return e.children = [], this.children.forEach((t) => {
			e.children.push(t.toObject());
		}), e;
	}
	isAncestorOf(e) {
		let t = e.getParent();
		for (; t;) {
			if (t._id === this._id) return !0;
			t = t.getParent();
		}
		return !1;
	}
	clone(e) {
		let t = V.prototype.clone.call(this, e);
		return this.children.forEach(function(e) {
			t.add(e.clone());
		}), t;
	}
	getAllIntersections(e) {
		let t = [];
		return this.find("Shape").forEach((n) => {
			n.isVisible() && n.intersects(e) && t.push(n);
		}), t;
	}
	_clearSelfAndDescendantCache(e) {
		var t;
		let n = e === void 0 || e === "absoluteTransform";
		n && V._updateBatchDepth++;
		try {
			if (super._clearSelfAndDescendantCache(e), e === "absoluteTransform" && this.isCached()) return;
			(t = this.children) == null || t.forEach(function(t) {
				t._clearSelfAndDescendantCache(e);
			});
		} finally {
			n && --V._updateBatchDepth === 0 && V._flushUpdateBatch();
		}
	}
	_setChildrenIndices() {
		var e;
		(e = this.children) == null || e.forEach(function(e, t) {
			e.index = t;
		}), this._notifySubtreeChange(), this._requestDraw();
	}
	drawScene(e, t) {
		let n = this.getLayer(), r = e || n && n.getCanvas(), i = r && r.getContext(), a = this._getCanvasCache(), o = a && a.scene, s = t === this;
		if (!(t ? this._isVisible(t) : this.isVisible()) && !s) return this;
		if (o) {
			i.save();
			let e = this.getAbsoluteTransform(t).getMatrix();
			i.transform(e[0], e[1], e[2], e[3], e[4], e[5]), this._drawCachedSceneCanvas(i), i.restore();
		} else this._drawChildren("drawScene", r, t);
		return this;
	}
	drawHit(e, t) {
		if (!this.shouldDrawHit(t)) return this;
		let n = this.getLayer(), r = e || n && n.hitCanvas, i = r && r.getContext(), a = this._getCachedHitCanvas(t);
		if (a) {
			i.save();
			let e = this.getAbsoluteTransform(t).getMatrix();
			i.transform(e[0], e[1], e[2], e[3], e[4], e[5]), this._drawCachedHitCanvas(i, a), i.restore();
		} else this._drawChildren("drawHit", r, t);
		return this;
	}
	_drawChildren(e, t, n) {
		let r = t && t.getContext(), i = this.clipWidth(), a = this.clipHeight(), o = this.clipFunc(), s = typeof i == "number" && typeof a == "number" || o, c = n === this;
		if (s) {
			r.save();
			let e = this.getAbsoluteTransform(n), t = e.getMatrix();
			r.transform(t[0], t[1], t[2], t[3], t[4], t[5]), r.beginPath();
			let s;
			if (o) s = o.call(this, r, this);
			else {
				let e = this.clipX(), t = this.clipY();
				r.rect(e || 0, t || 0, i, a);
			}
			r.clip.apply(r, s), t = e.copy().invert().getMatrix(), r.transform(t[0], t[1], t[2], t[3], t[4], t[5]);
		}
		let l = !c && this.globalCompositeOperation() !== "source-over" && e === "drawScene";
		l && (r.save(), r._applyGlobalCompositeOperation(this));
		try {
			this._drawChildNodes(e, t, n);
		} finally {
			l && r.restore(), s && r.restore();
		}
	}
	_drawChildNodes(e, t, n) {
		var r;
		(r = this.children) == null || r.forEach(function(r) {
			r[e](t, n);
		});
	}
	getClientRect(e = {}) {
		var t;
		let n = this._getCachedSceneRect(e);
		if (n) return n;
		let r = e.skipTransform, i = e.relativeTo, [a, o, s, c] = this.getAbsoluteTransform().getMatrix(), l = !r && (e._forDrawing || a * c - o * s === 0), u, d, f, p, m = {
			x: Infinity,
			y: Infinity,
			width: 0,
			height: 0
		}, h = this;
		return (t = this.children) == null || t.forEach(function(t) {
			if (!t.visible()) return;
			let n = t.getClientRect({
				relativeTo: l ? i : h,
				_forDrawing: e._forDrawing,
				skipShadow: e.skipShadow,
				skipStroke: e.skipStroke
			});
			n.width === 0 && n.height === 0 || !isFinite(n.x + n.y + n.width + n.height) || (u === void 0 ? (u = n.x, d = n.y, f = n.x + n.width, p = n.y + n.height) : (u = Math.min(u, n.x), d = Math.min(d, n.y), f = Math.max(f, n.x + n.width), p = Math.max(p, n.y + n.height)));
		}), m = u === void 0 ? {
			x: 0,
			y: 0,
			width: 0,
			height: 0
		} : {
			x: u,
			y: d,
			width: f - u,
			height: p - d
		}, !r && !l ? this._transformedRect(m, i) : m;
	}
};
L.addComponentsGetterSetter(U, "clip", [
	"x",
	"y",
	"width",
	"height"
]), L.addGetterSetter(U, "clipX", void 0, M()), L.addGetterSetter(U, "clipY", void 0, M()), L.addGetterSetter(U, "clipWidth", void 0, M()), L.addGetterSetter(U, "clipHeight", void 0, M()), L.addGetterSetter(U, "clipFunc");
// node_modules/konva/lib/Stage.js
var xn = "Stage", Sn = "string", Cn = "px", wn = "mouseout", Tn = "mouseleave", En = "mouseover", Dn = "mouseenter", On = "mousemove", kn = "mousedown", An = "mouseup", W = "pointermove", G = "pointerdown", K = "pointerup", jn = "pointercancel", Mn = "lostpointercapture", Nn = "pointerout", Pn = "pointerleave", Fn = "pointerover", In = "pointerenter", Ln = "contextmenu", Rn = "touchstart", zn = "touchend", Bn = "touchmove", Vn = "touchcancel", Hn = "wheel", Un = 5, Wn = [
	[Dn, "_pointerenter"],
	[kn, "_pointerdown"],
	[On, "_pointermove"],
	[An, "_pointerup"],
	[Tn, "_pointerleave"],
	[Rn, "_pointerdown"],
	[Bn, "_pointermove"],
	[zn, "_pointerup"],
	[Vn, "_pointercancel"],
	[En, "_pointerover"],
	[Hn, "_wheel"],
	[Ln, "_contextmenu"],
	[G, "_pointerdown"],
	[W, "_pointermove"],
	[K, "_pointerup"],
	[jn, "_pointercancel"],
	[Pn, "_pointerleave"],
	[Mn, "_lostpointercapture"]
], Gn = {
	mouse: {
		[Nn]: wn,
		[Pn]: Tn,
		[Fn]: En,
		[In]: Dn,
		[W]: On,
		[G]: kn,
		[K]: An,
		[jn]: "mousecancel",
		pointerclick: "click",
		pointerdblclick: "dblclick"
	},
	touch: {
		[Nn]: "touchout",
		[Pn]: "touchleave",
		[Fn]: "touchover",
		[In]: "touchenter",
		[W]: Bn,
		[G]: Rn,
		[K]: zn,
		[jn]: Vn,
		pointerclick: "tap",
		pointerdblclick: "dbltap"
	},
	pointer: {
		[Nn]: Nn,
		[Pn]: Pn,
		[Fn]: Fn,
		[In]: In,
		[W]: W,
		[G]: G,
		[K]: K,
		[jn]: jn,
		pointerclick: "pointerclick",
		pointerdblclick: "pointerdblclick"
	}
}, q = (e) => {
	let t = T._getEventType(e);
	if (t === "pointer") return b.pointerEventsEnabled && Gn.pointer;
	if (t === "touch") return Gn.touch;
	if (t === "mouse") return Gn.mouse;
};
function Kn(e = {}) {
	return (e.clipFunc || e.clipWidth || e.clipHeight) && T.warn("Stage does not support clipping. Please use clip for Layers or Groups."), e;
}
var qn = "Pointer position is missing and not registered by the stage. Looks like it is outside of the stage container. You can set it manually from event: stage.setPointersPositions(event);", Jn = [], Yn = /* @__PURE__ */ new WeakSet(), Xn = (e) => {
	e && !Yn.has(e) && (Yn.add(e), O._listenToWindow(e), e.document.addEventListener("visibilitychange", () => {
		Jn.forEach((e) => {
			e.batchDraw();
		});
	}));
}, Zn = class extends U {
	constructor(e) {
		super(Kn(e)), this._pointerPositions = [], this._changedPointerPositions = [], this._pointerStates = /* @__PURE__ */ new Map(), this._lastClicks = {}, this._buildDOM(), this._bindContentEvents(), Jn.push(this), this.on("widthChange.konva heightChange.konva", this._resizeDOM), this.on("visibleChange.konva", this._checkVisibility), this.on("clipWidthChange.konva clipHeightChange.konva clipFuncChange.konva", () => {
			Kn(this.attrs);
		}), this._checkVisibility();
	}
	_validateAdd(e) {
		let t = e.getType() === "Layer", n = e.getType() === "FastLayer";
		t || n || T.throw("You may only add layers to the stage.");
	}
	_checkVisibility() {
		if (!this.content) return;
		let e = this.visible() ? "" : "none";
		this.content.style.display = e;
	}
	_getOwnerWindow() {
		return (this.content || this.container())?.ownerDocument?.defaultView || (b.isBrowser ? window : null);
	}
	setContainer(e) {
		if (typeof e === Sn) {
			let t;
			if (e.charAt(0) === ".") {
				let t = e.slice(1);
				e = document.getElementsByClassName(t)[0];
			} else t = e.charAt(0) === "#" ? e.slice(1) : e, e = document.getElementById(t);
			if (!e) throw "Can not find container in document with id " + t;
		}
		return this._setAttr("container", e), this.content && (this.content.parentElement && this.content.parentElement.removeChild(this.content), e.appendChild(this.content), Xn(this._getOwnerWindow())), this;
	}
	shouldDrawHit() {
		return !0;
	}
	clear() {
		let e = this.children, t = e.length;
		for (let n = 0; n < t; n++) e[n].clear();
		return this;
	}
	clone(e) {
		return e ||= {}, e.container = typeof document < "u" && document.createElement("div"), U.prototype.clone.call(this, e);
	}
	destroy() {
		var e;
		super.destroy(), this._pointerStates.clear(), this._lastClicks = {};
		let t = this.content;
		(e = t?.parentNode) == null || e.removeChild(t);
		let n = Jn.indexOf(this);
		return n > -1 && Jn.splice(n, 1), T.releaseCanvas(this.bufferHitCanvas._canvas), this;
	}
	getPointerPosition() {
		let e = this._pointerPositions[0] || this._changedPointerPositions[0];
		return e ? {
			x: e.x,
			y: e.y
		} : (T.warn(qn), null);
	}
	_getPointerById(e) {
		return this._pointerPositions.find((t) => t.id === e);
	}
	getPointersPositions() {
		return this._pointerPositions;
	}
	getStage() {
		return this;
	}
	getContent() {
		return this.content;
	}
	_toKonvaCanvas(e) {
		e = { ...e }, e.x = e.x || 0, e.y = e.y || 0, e.width = e.width || this.width(), e.height = e.height || this.height();
		let t = new D({
			width: e.width,
			height: e.height,
			pixelRatio: e.pixelRatio || 1
		}), n = t.getContext()._context, r = this.children;
		return (e.x || e.y) && n.translate(-1 * e.x, -1 * e.y), r.forEach(function(t) {
			if (!t.isVisible()) return;
			let r = t._toKonvaCanvas(e);
			n.drawImage(r._canvas, e.x, e.y, r.getWidth() / r.getPixelRatio(), r.getHeight() / r.getPixelRatio()), T.releaseCanvas(r._canvas);
		}), t;
	}
	getIntersection(e) {
		if (!e) return null;
		let t = this.children, n = t.length - 1;
		for (let r = n; r >= 0; r--) {
			let n = t[r].getIntersection(e);
			if (n) return n;
		}
		return null;
	}
	_resizeDOM() {
		let e = this.width(), t = this.height();
		this.content && (this.content.style.width = e + Cn, this.content.style.height = t + Cn), this.children.forEach((n) => {
			n._setSize({
				width: e,
				height: t
			}), n.draw();
		});
	}
	add(e, ...t) {
		if (arguments.length > 1) {
			for (let e = 0; e < arguments.length; e++) this.add(arguments[e]);
			return this;
		}
		super.add(e);
		let n = this.children.length;
		return n > Un && T.warn("The stage has " + n + " layers. Recommended maximum number of layers is 3-5. Adding more layers into the stage may drop the performance. Rethink your tree structure, you can use Konva.Group."), e._setSize({
			width: this.width(),
			height: this.height()
		}), e.draw(), b.isBrowser && this.content.appendChild(e.canvas._canvas), this;
	}
	getParent() {
		return null;
	}
	getLayer() {
		return null;
	}
	hasPointerCapture(e) {
		return Xt(e, this);
	}
	setPointerCapture(e) {
		Zt(e, this);
	}
	releaseCapture(e) {
		A(e, this);
	}
	getLayers() {
		return this.getChildren();
	}
	_bindContentEvents() {
		b.isBrowser && Wn.forEach(([e, t]) => {
			this.content.addEventListener(e, (e) => {
				this._batchEvents(() => this[t](e));
			}, { passive: !1 });
		});
	}
	_batchEvents(e) {
		T._batchEvents(this.eventBatchFunc(), e);
	}
	_pointerenter(e) {
		this.setPointersPositions(e);
		let t = q(e.type);
		t && this._fire(t.pointerenter, {
			evt: e,
			target: this,
			currentTarget: this
		});
	}
	_pointerover(e) {
		this.setPointersPositions(e);
		let t = q(e.type);
		t && this._fire(t.pointerover, {
			evt: e,
			target: this,
			currentTarget: this
		});
	}
	_pointerEventsEnabled() {
		if (b.hitOnDragEnabled) return !0;
		for (let { node: e, dragStatus: t } of O._dragElements.values()) if (t === "dragging" && e.getStage() === this) return !1;
		return !this.getLayers().some((e) => b.Transformer?._isLayerTransforming(e));
	}
	_cancelClick(e, t) {
		let n = t ? [t] : [
			"mouse",
			"touch",
			"pointer"
		];
		for (let t of n) {
			let n = this._pointerStates.get(`${t}:${e}`);
			n && (n.clickStartShape = void 0, n.relatedPointer && (n.relatedPointer.clickStartShape = void 0));
		}
	}
	_pointerleave(e) {
		let t = q(e.type), n = T._getEventType(e.type);
		if (!t) return;
		this.setPointersPositions(e);
		let r = this._changedPointerPositions[0]?.id, i = `${n}:${r}`, a = this._pointerStates.get(i), o = (a?.targetShape)?.getStage() === this ? a.targetShape : void 0, s = this._pointerEventsEnabled() || e.pointerType === "touch" && !a?.downPosition;
		s && (a?.clickStartShape === void 0 ? this._pointerStates.delete(i) : a.targetShape = void 0), o && s ? (o._fireAndBubble(t.pointerout, {
			evt: e,
			pointerId: r
		}), o._fireAndBubble(t.pointerleave, {
			evt: e,
			pointerId: r
		}), this._fire(t.pointerleave, {
			evt: e,
			target: this,
			currentTarget: this
		})) : s && (this._fire(t.pointerleave, {
			evt: e,
			target: this,
			currentTarget: this
		}), this._fire(t.pointerout, {
			evt: e,
			target: this,
			currentTarget: this
		})), this.pointerPos = null, this._pointerPositions = [], this._changedPointerPositions = [], this._pointerEventType = void 0;
	}
	_pointerdown(e) {
		let t = q(e.type), n = T._getEventType(e.type);
		if (!t) return;
		this.setPointersPositions(e);
		let r = !1;
		this._changedPointerPositions.forEach((i) => {
			let a = this.getIntersection(i), o = `${n}:${i.id}`, s = {
				targetShape: this._pointerStates.get(o)?.targetShape,
				clickStartShape: a && a.isListening() ? a : null,
				lastClick: this._lastClicks[n],
				downPosition: i,
				pointerType: e.pointerType
			};
			if (this._pointerStates.delete(o), n !== "pointer") {
				for (let [e, t] of [...this._pointerStates].reverse()) if (!(!e.startsWith("pointer:") || !t.downPosition || n === "touch" && t.relatedPointer) && (n === "mouse" ? t.pointerType !== "touch" : t.pointerType === "touch" && t.downPosition.x === i.x && t.downPosition.y === i.y)) {
					s.relatedPointer = t, t.relatedPointer = s, t.clickStartShape === void 0 && (s.clickStartShape = void 0);
					break;
				}
			}
			this._pointerStates.set(o, s);
			for (let e of O._dragElements.values()) e.dragStatus === "dragging" && (e.pointerId === void 0 || e.pointerEventType === n && e.pointerId === i.id || e.pointerEventType === "mouse" && n === "pointer" && s.pointerType !== "touch") && e.node.getStage() === this && (e.pointerId === void 0 && n !== "pointer" && (e.pointerId = i.id, e.pointerEventType = n), this._cancelClick(i.id, n));
			if (!a || !a.isListening()) return;
			b.capturePointerEventsEnabled && a.setPointerCapture(i.id), a._fireAndBubble(t.pointerdown, {
				evt: e,
				pointerId: i.id
			}), r = !0;
			let c = e.type.indexOf("touch") >= 0;
			a.preventDefault() && e.cancelable && c && e.preventDefault();
		}), r || this._fire(t.pointerdown, {
			evt: e,
			target: this,
			currentTarget: this,
			pointerId: this._changedPointerPositions[0].id
		});
	}
	_pointermove(e) {
		let t = q(e.type), n = T._getEventType(e.type);
		if (!t) return;
		let r = e.type.indexOf("touch") >= 0 || e.pointerType === "touch";
		if (e.cancelable && r) {
			for (let { node: t, dragStatus: n } of O._dragElements.values()) if (n === "dragging" && t.getStage() === this && t.preventDefault()) {
				e.preventDefault();
				break;
			}
		}
		if (this.setPointersPositions(e), !this._pointerEventsEnabled()) return;
		let i = {}, a = !1;
		this._changedPointerPositions.forEach((r) => {
			let o = `${n}:${r.id}`, s = this._pointerStates.get(o);
			s || (s = {}, this._pointerStates.set(o, s));
			let c = Jt(r.id) || this.getIntersection(r), l = s.targetShape === c || s.targetShape?.getStage() === this ? s.targetShape : void 0, u = r.id, d = {
				evt: e,
				pointerId: u
			}, f = l !== c;
			s.targetShape = c && c.isListening() ? c : void 0, f && l && (l._fireAndBubble(t.pointerout, { ...d }, c), l._fireAndBubble(t.pointerleave, { ...d }, c)), c && c.isListening() ? (a = !0, f && (c._fireAndBubble(t.pointerover, { ...d }, l), c._fireAndBubble(t.pointerenter, { ...d }, l)), i[c._id] || (i[c._id] = !0, c._fireAndBubble(t.pointermove, { ...d }))) : l && this._fire(t.pointerover, {
				evt: e,
				target: this,
				currentTarget: this,
				pointerId: u
			});
		}), a || this._fire(t.pointermove, {
			evt: e,
			target: this,
			currentTarget: this,
			pointerId: this._changedPointerPositions[0].id
		});
	}
	_pointerup(e) {
		let t = q(e.type), n = T._getEventType(e.type);
		if (!t) return;
		this.setPointersPositions(e);
		let r = {}, i = !1;
		this._changedPointerPositions.forEach((a) => {
			let o = `${n}:${a.id}`, s = this._pointerStates.get(o), c = s?.clickStartShape !== void 0, l = s?.clickStartShape;
			s?.targetShape && n !== "touch" ? this._pointerStates.set(o, { targetShape: s.targetShape }) : this._pointerStates.delete(o);
			let u = Jt(a.id) || this.getIntersection(a), d = u && r[u._id];
			u && (u.releaseCapture(a.id), r[u._id] = !0);
			let f = a.id, p = {
				evt: e,
				pointerId: f
			}, m = u && u.isListening() ? u : null, h = this._lastClicks[n], g = c && (!m || l === m), _ = g && h && s?.lastClick === h && h.shape === m && Date.now() - h.time < b.dblClickWindow;
			g && (this._lastClicks[n] = _ ? void 0 : {
				shape: m,
				time: Date.now()
			}), u && u.isListening() ? (i = !0, d || u._fireAndBubble(t.pointerup, { ...p }), c && l === u && (u._fireAndBubble(t.pointerclick, { ...p }), _ && u._fireAndBubble(t.pointerdblclick, { ...p }))) : (i ||= (this._fire(t.pointerup, {
				evt: e,
				target: this,
				currentTarget: this,
				pointerId: this._changedPointerPositions[0].id
			}), !0), c && this._fire(t.pointerclick, {
				evt: e,
				target: this,
				currentTarget: this,
				pointerId: f
			}), _ && this._fire(t.pointerdblclick, {
				evt: e,
				target: this,
				currentTarget: this,
				pointerId: f
			})), n === "touch" && (s?.targetShape)?.getStage() === this && (s.targetShape._fireAndBubble(t.pointerout, { ...p }), s.targetShape._fireAndBubble(t.pointerleave, { ...p }));
		}), i || this._fire(t.pointerup, {
			evt: e,
			target: this,
			currentTarget: this,
			pointerId: this._changedPointerPositions[0].id
		}), e.cancelable && n !== "touch" && n !== "pointer" && e.preventDefault();
	}
	_contextmenu(e) {
		this.setPointersPositions(e);
		let t = this.getIntersection(this.getPointerPosition());
		t && t.isListening() ? t._fireAndBubble(Ln, { evt: e }) : this._fire(Ln, {
			evt: e,
			target: this,
			currentTarget: this
		});
	}
	_wheel(e) {
		this.setPointersPositions(e);
		let t = this.getIntersection(this.getPointerPosition());
		t && t.isListening() ? t._fireAndBubble(Hn, { evt: e }) : this._fire(Hn, {
			evt: e,
			target: this,
			currentTarget: this
		});
	}
	_pointercancel(e) {
		this.setPointersPositions(e);
		let t = q(e.type);
		this._changedPointerPositions.forEach((n) => {
			let r = T._getEventType(e.type), i = `${r}:${n.id}`;
			this._cancelClick(n.id, r);
			let a = this._pointerStates.get(i)?.targetShape;
			a && r !== "touch" ? this._pointerStates.set(i, { targetShape: a }) : this._pointerStates.delete(i);
			let o = Jt(n.id) || this.getIntersection(n), s = {
				evt: e,
				pointerId: n.id
			};
			o ? (t && o._fireAndBubble(t.pointercancel, { ...s }), o._fireAndBubble(K, { ...s })) : t && this._fire(t.pointercancel, {
				...s,
				target: this,
				currentTarget: this
			}), A(n.id), t && r === "touch" && a?.getStage() === this && (a._fireAndBubble(t.pointerout, { ...s }), a._fireAndBubble(t.pointerleave, { ...s }));
		});
	}
	_lostpointercapture(e) {
		Jt(e.pointerId, this) && A(e.pointerId);
	}
	setPointersPositions(e) {
		let t = this._getContentPosition(), n = null, r = null;
		e ||= window.event, e.touches === void 0 ? (this._pointerEventType = e.pointerId === void 0 ? "mouse" : "pointer", n = (e.clientX - t.left) / t.scaleX, r = (e.clientY - t.top) / t.scaleY, this.pointerPos = {
			x: n,
			y: r
		}, this._pointerPositions = [{
			x: n,
			y: r,
			id: T._getFirstPointerId(e)
		}], this._changedPointerPositions = [{
			x: n,
			y: r,
			id: T._getFirstPointerId(e)
		}]) : (this._pointerEventType = "touch", this._pointerPositions = [], this._changedPointerPositions = [], Array.prototype.forEach.call(e.touches, (e) => {
			this._pointerPositions.push({
				id: e.identifier,
				x: (e.clientX - t.left) / t.scaleX,
				y: (e.clientY - t.top) / t.scaleY
			});
		}), Array.prototype.forEach.call(e.changedTouches || e.touches, (e) => {
			this._changedPointerPositions.push({
				id: e.identifier,
				x: (e.clientX - t.left) / t.scaleX,
				y: (e.clientY - t.top) / t.scaleY
			});
		}));
	}
	_setPointerPosition(e) {
		T.warn("Method _setPointerPosition is deprecated. Use \"stage.setPointersPositions(event)\" instead."), this.setPointersPositions(e);
	}
	_getContentPosition() {
		if (!this.content || !this.content.getBoundingClientRect) return {
			top: 0,
			left: 0,
			scaleX: 1,
			scaleY: 1
		};
		let e = this.content.getBoundingClientRect();
		return {
			top: e.top,
			left: e.left,
			scaleX: e.width / this.content.clientWidth || 1,
			scaleY: e.height / this.content.clientHeight || 1
		};
	}
	_buildDOM() {
		if (this.bufferHitCanvas = new Kt({
			pixelRatio: 1,
			width: 0,
			height: 0
		}), !b.isBrowser) return;
		let e = this.container();
		if (!e) throw "Stage has no container. A container is required.";
		e.innerHTML = "", this.content = e.ownerDocument.createElement("div"), this.content.style.position = "relative", this.content.style.userSelect = "none", this.content.className = "konvajs-content", this.content.setAttribute("role", "presentation"), e.appendChild(this.content), Xn(this._getOwnerWindow()), this._resizeDOM();
	}
	cache() {
		return T.warn("Cache function is not allowed for stage. You may use cache only for layers, groups and shapes."), this;
	}
	clearCache() {
		return this;
	}
	batchDraw() {
		var e;
		return (e = this.children) == null || e.forEach(function(e) {
			e.batchDraw();
		}), this;
	}
};
Zn.prototype.nodeType = xn, x(Zn), L.addGetterSetter(Zn, "container"), L.addGetterSetter(Zn, "eventBatchFunc");
// node_modules/konva/lib/Shape.js
var Qn = "hasShadow", $n = "hasFill", er = "hasStroke", tr = "shadowRGBA", nr = "patternImage", rr = "linearGradient", ir = "radialGradient", ar;
function or() {
	return ar || (ar = T.createCanvasElement().getContext("2d"), ar);
}
var sr = {};
function cr(e) {
	let t = this.attrs.fillRule;
	t ? e.fill(t) : e.fill();
}
function lr(e) {
	e.stroke();
}
function ur() {
	this._clearCache(Qn);
}
function dr() {
	this._clearCache($n);
}
function fr() {
	this._clearCache(er);
}
function pr() {
	this._clearCache(tr);
}
function mr() {
	this._clearCache(nr);
}
function hr() {
	this._clearCache(rr);
}
function gr() {
	this._clearCache(ir);
}
var J = class e extends V {
	constructor(e) {
		super(e);
		let t, n = 0;
		for (; t = T.getHitColor(), !t || t in sr;) if (n++, n >= 1e4) {
			T.warn("Failed to find a unique color key for a shape. Konva may work incorrectly. Most likely your browser is using canvas farbling. Consider disabling it."), t = T.getRandomColor();
			break;
		}
		this.colorKey = t, sr[t] = this;
	}
	getContext() {
		return T.warn("shape.getContext() method is deprecated. Please do not use it."), this.getLayer().getContext();
	}
	getCanvas() {
		return T.warn("shape.getCanvas() method is deprecated. Please do not use it."), this.getLayer().getCanvas();
	}
	getSceneFunc() {
		return this.attrs.sceneFunc || this._sceneFunc;
	}
	getHitFunc() {
		return this.attrs.hitFunc || this._hitFunc;
	}
	hasShadow() {
		return this._getCache(Qn, this._hasShadow);
	}
	_hasShadow() {
		return this.shadowEnabled() && this.shadowOpacity() !== 0 && !!(this.shadowColor() || this.shadowBlur() || this.shadowOffsetX() || this.shadowOffsetY());
	}
	_toStyleSpace(e) {
		return this._styleTransform ? this._styleTransform.point(e) : e;
	}
	_getFillPattern() {
		let e = this._getCache(nr, this._createFillPattern);
		return e && this._setFillPatternTransform(e);
	}
	_createFillPattern() {
		if (this.fillPatternImage()) return or().createPattern(this.fillPatternImage(), this.fillPatternRepeat() || "repeat");
	}
	_setFillPatternTransform(e) {
		if (e.setTransform) {
			let t = this._styleTransform?.copy() || new S();
			t.translate(this.fillPatternX(), this.fillPatternY()), t.rotate(b.getAngle(this.fillPatternRotation())), t.scale(this.fillPatternScaleX(), this.fillPatternScaleY()), t.translate(-1 * this.fillPatternOffsetX(), -1 * this.fillPatternOffsetY());
			let n = t.getMatrix(), r = typeof DOMMatrix > "u" ? {
				a: n[0],
				b: n[1],
				c: n[2],
				d: n[3],
				e: n[4],
				f: n[5]
			} : new DOMMatrix(n);
			e.setTransform(r);
		}
		return e;
	}
	_getLinearGradient() {
		return this._styleTransform ? this.__getLinearGradient() : this._getCache(rr, this.__getLinearGradient);
	}
	__getLinearGradient() {
		let e = this.fillLinearGradientColorStops();
		if (e) {
			let t = or(), n = this._toStyleSpace(this.fillLinearGradientStartPoint()), r = this._toStyleSpace(this.fillLinearGradientEndPoint()), i = t.createLinearGradient(n.x, n.y, r.x, r.y);
			for (let t = 0; t < e.length; t += 2) i.addColorStop(e[t], e[t + 1]);
			return i;
		}
	}
	_getRadialGradient() {
		return this._styleTransform ? this.__getRadialGradient() : this._getCache(ir, this.__getRadialGradient);
	}
	__getRadialGradient() {
		let e = this.fillRadialGradientColorStops();
		if (e) {
			let t = or(), n = this._toStyleSpace(this.fillRadialGradientStartPoint()), r = this._toStyleSpace(this.fillRadialGradientEndPoint()), i = t.createRadialGradient(n.x, n.y, this.fillRadialGradientStartRadius(), r.x, r.y, this.fillRadialGradientEndRadius());
			for (let t = 0; t < e.length; t += 2) i.addColorStop(e[t], e[t + 1]);
			return i;
		}
	}
	getShadowRGBA() {
		return this._getCache(tr, this._getShadowRGBA);
	}
	_getShadowRGBA() {
		if (!this.hasShadow()) return;
		let e = T.colorToRGBA(this.shadowColor());
		if (e) return "rgba(" + e.r + "," + e.g + "," + e.b + "," + e.a * (this.shadowOpacity() || 1) + ")";
	}
	hasFill() {
		return this._getCache($n, this._hasFill);
	}
	_hasFill() {
		return this.fillEnabled() && !!(this.fill() || this.fillPatternImage() || this.fillLinearGradientColorStops() || this.fillRadialGradientColorStops());
	}
	hasStroke() {
		return this._getCache(er, this._hasStroke);
	}
	_hasStroke() {
		return this.strokeEnabled() && !!(this.strokeWidth() && (this.stroke() || this.strokeLinearGradientColorStops()));
	}
	hasHitStroke() {
		let e = this.hitStrokeWidth();
		return e === "auto" ? this.hasStroke() : this.strokeEnabled() && !!e;
	}
	intersects(e) {
		let t = this.getStage();
		if (!t) return !1;
		let n = t.bufferHitCanvas;
		return n.setSizeIfChanged(t.width(), t.height()), n.getContext().clear(), this.drawHit(n), n.context.getImageData(Math.floor(e.x), Math.floor(e.y), 1, 1).data[3] > 0;
	}
	destroy() {
		return V.prototype.destroy.call(this), delete sr[this.colorKey], delete this.colorKey, this;
	}
	_useBufferCanvas(e, t = this.getAbsoluteOpacity()) {
		if (!(this.attrs.perfectDrawEnabled ?? !0)) return !1;
		let n = e || this.hasFill(), r = this.hasStroke(), i = !this._isUnderCache && t !== 1;
		if (n && r && i) return !0;
		let a = this.hasShadow(), o = this.shadowForStrokeEnabled();
		return !!(n && r && a && o);
	}
	setStrokeHitEnabled(e) {
		T.warn("strokeHitEnabled property is deprecated. Please use hitStrokeWidth instead."), e ? this.hitStrokeWidth("auto") : this.hitStrokeWidth(0);
	}
	getStrokeHitEnabled() {
		return this.hitStrokeWidth() !== 0;
	}
	getSelfRect() {
		let e = this.attrs.selfRectFunc;
		if (e) return { ...e.call(this, this) };
		let t = this.size();
		return {
			x: this._centroid ? -t.width / 2 : 0,
			y: this._centroid ? -t.height / 2 : 0,
			width: t.width,
			height: t.height
		};
	}
	_getSelfRectForDrawing() {
		return this.getSelfRect();
	}
	getClientRect(e = {}) {
		let t = this._getCachedSceneRect(e);
		if (t) return t;
		let n = e.skipTransform, r = e.relativeTo, i = e._forDrawing, a = i ? this._getSelfRectForDrawing() : this.getSelfRect();
		i && !this.strokeScaleEnabled() ? a = this._transformedRect(a, r) : (a.width < 0 || a.height < 0) && (a = new S()._getTransformedRect(a));
		let o = !e.skipStroke && this.hasStroke() ? i ? this._getStrokePadding() * 2 : this.strokeWidth() : 0, s = o, c = o, l;
		if (!i && o && !this.strokeScaleEnabled()) {
			let e = this;
			for (; e && !e.isCached() && !e._isUnderCache;) e = e.parent;
			let [t, i, a, o] = this.getAbsoluteTransform(e).getMatrix(), u = Math.abs(t * o - i * a);
			if (u) s *= Math.hypot(a, o) / u, c *= Math.hypot(t, i) / u;
			else if (!n && (s = c = 0, l = e ? e.getAbsoluteTransform().copy() : new S(), r)) {
				let e = r.getAbsoluteTransform(), [t, n, i, a] = e.getMatrix();
				l = t * a - n * i ? e.copy().invert().multiply(l) : new S();
			}
		}
		let u = {
			x: a.x - s / 2,
			y: a.y - c / 2,
			width: a.width + s,
			height: a.height + c
		};
		if (i && this.strokeScaleEnabled() && (u = this._transformedRect(u, r)), !e.skipShadow && this.hasShadow()) {
			let e = i ? this.getAbsoluteScale() : {
				x: 1,
				y: 1
			}, t = this.shadowOffsetX() * e.x, n = this.shadowOffsetY() * e.y, r = this.shadowBlur() * (i ? 2 * Math.min(Math.abs(e.x), Math.abs(e.y)) : 1);
			u.x += Math.min(0, t) - r, u.y += Math.min(0, n) - r, u.width += Math.abs(t) + r * 2, u.height += Math.abs(n) + r * 2;
		}
		if (i) return u;
		if (!n) {
			let e = this._transformedRect(u, r);
			if (l) {
				let [t, n, r, i] = l.getMatrix(), a = o * Math.hypot(t, r) / 2, s = o * Math.hypot(n, i) / 2;
				e.x -= a, e.y -= s, e.width += a * 2, e.height += s * 2;
			}
			return e;
		}
		return u;
	}
	_getStrokePadding(e = this.miterLimit() || 10) {
		return this.attrs.sceneFunc && (e = this.miterLimit() || 10), Math.abs(this.strokeWidth()) / 2 * Math.max(this.lineCap() === "square" ? Math.SQRT2 : 1, (this.lineJoin() || "miter") === "miter" ? e : 1);
	}
	drawScene(t, n) {
		let r = this.getLayer(), i = t || r.getCanvas(), a = i.getContext(), o = this._getCanvasCache(), s = this.getSceneFunc(), c = this.hasShadow(), l = n === this;
		if (!(n ? this._isVisible(n) : this.isVisible()) && !l) return this;
		if (o) {
			a.save();
			let e = this.getAbsoluteTransform(n).getMatrix();
			return a.transform(e[0], e[1], e[2], e[3], e[4], e[5]), this._drawCachedSceneCanvas(a), a.restore(), this;
		}
		if (!s) return this;
		a.save();
		try {
			if (i.width && i.height && this._useBufferCanvas(void 0, a._getOpacity(this))) {
				let t = !!a._opacityRoot || !!this.attrs.selfRectFunc && this.getSelfRect === e.prototype.getSelfRect || !this.attrs.sceneFunc && !this.attrs.charRenderFunc && it.has(this.constructor), r = i._prepareIsolationCanvas(t ? this.getClientRect({
					_forDrawing: !0,
					relativeTo: n,
					skipShadow: !0
				}) : void 0), o = r.getContext();
				o.save(), o._applyLineJoin(this), o._applyMiterLimit(this);
				let u = this.getAbsoluteTransform(n).getMatrix();
				o.transform(u[0], u[1], u[2], u[3], u[4], u[5]), s.call(this, o, this), o.restore(), c && a._applyShadow(this), l || (a._applyOpacity(this), a._applyGlobalCompositeOperation(this)), a._drawDeviceBuffer(r);
			} else {
				if (a._applyLineJoin(this), a._applyMiterLimit(this), !l) {
					let e = this.getAbsoluteTransform(n).getMatrix();
					a.transform(e[0], e[1], e[2], e[3], e[4], e[5]), a._applyOpacity(this), a._applyGlobalCompositeOperation(this);
				}
				c && a._applyShadow(this), s.call(this, a, this);
			}
		} catch (e) {
			throw i._releaseIsolationCanvas(), e;
		} finally {
			a.restore();
		}
		return this;
	}
	drawHit(e, t) {
		if (!this.shouldDrawHit(t)) return this;
		let n = this.getLayer(), r = e || n.hitCanvas, i = r && r.getContext(), a = this.hitFunc() || this.sceneFunc(), o = this._getCachedHitCanvas(t);
		if (this.colorKey || T.warn("Looks like your canvas has a destroyed shape in it. Do not reuse shape after you destroyed it. If you want to reuse shape you should call remove() instead of destroy()"), o) {
			i.save();
			let e = this.getAbsoluteTransform(t).getMatrix();
			return i.transform(e[0], e[1], e[2], e[3], e[4], e[5]), this._drawCachedHitCanvas(i, o), i.restore(), this;
		}
		if (!a) return this;
		if (i.save(), i._applyLineJoin(this), i._applyMiterLimit(this), this !== t) {
			let e = this.getAbsoluteTransform(t).getMatrix();
			i.transform(e[0], e[1], e[2], e[3], e[4], e[5]);
		}
		try {
			a.call(this, i, this);
		} finally {
			i.restore();
		}
		return this;
	}
	drawHitFromCache(e = 0) {
		let t = this._getCachedSceneCanvas(), n = this._getCachedHitCanvas(), r = n.getContext(), i = n.getWidth(), a = n.getHeight();
		r.clear(), r.drawImage(t._canvas, 0, 0, i / n.pixelRatio, a / n.pixelRatio);
		try {
			let t = r.getImageData(0, 0, i, a), n = t.data, o = n.length, s = T._hexToRgb(this.colorKey);
			for (let t = 0; t < o; t += 4) n[t + 3] > e ? (n[t] = s.r, n[t + 1] = s.g, n[t + 2] = s.b, n[t + 3] = 255) : n[t + 3] = 0;
			r.putImageData(t, 0, 0);
		} catch (e) {
			T.error("Unable to draw hit graph from cached scene canvas. " + e.message);
		}
		return this;
	}
	hasPointerCapture(e) {
		return Xt(e, this);
	}
	setPointerCapture(e) {
		Zt(e, this);
	}
	releaseCapture(e) {
		A(e, this);
	}
};
J.prototype._fillFunc = cr, J.prototype._strokeFunc = lr, J.prototype._fillFuncHit = cr, J.prototype._strokeFuncHit = lr, J.prototype._centroid = !1, J.prototype.nodeType = "Shape", x(J), J.prototype.on("shadowColorChange.konva shadowBlurChange.konva shadowOffsetXChange.konva shadowOffsetYChange.konva shadowOpacityChange.konva shadowEnabledChange.konva", ur), J.prototype.on("shadowColorChange.konva shadowOpacityChange.konva shadowEnabledChange.konva", pr), J.prototype.on("fillEnabledChange.konva fillChange.konva fillPatternImageChange.konva fillLinearGradientColorStopsChange.konva fillRadialGradientColorStopsChange.konva", dr), J.prototype.on("strokeEnabledChange.konva strokeWidthChange.konva strokeChange.konva strokeLinearGradientColorStopsChange.konva", fr), J.prototype.on("fillPriorityChange.konva fillPatternImageChange.konva fillPatternRepeatChange.konva fillPatternScaleXChange.konva fillPatternScaleYChange.konva fillPatternOffsetXChange.konva fillPatternOffsetYChange.konva fillPatternXChange.konva fillPatternYChange.konva fillPatternRotationChange.konva", mr), J.prototype.on("fillPriorityChange.konva fillLinearGradientColorStopsChange.konva fillLinearGradientStartPointXChange.konva fillLinearGradientStartPointYChange.konva fillLinearGradientEndPointXChange.konva fillLinearGradientEndPointYChange.konva", hr), J.prototype.on("fillPriorityChange.konva fillRadialGradientColorStopsChange.konva fillRadialGradientStartPointXChange.konva fillRadialGradientStartPointYChange.konva fillRadialGradientEndPointXChange.konva fillRadialGradientEndPointYChange.konva fillRadialGradientStartRadiusChange.konva fillRadialGradientEndRadiusChange.konva", gr), L.addGetterSetter(J, "stroke", void 0, tn()), L.addGetterSetter(J, "strokeWidth", 2, M()), L.addGetterSetter(J, "fillAfterStrokeEnabled", !1), L.addGetterSetter(J, "hitStrokeWidth", "auto", en()), L.addGetterSetter(J, "strokeHitEnabled", !0, P()), L.addGetterSetter(J, "perfectDrawEnabled", !0, P()), L.addGetterSetter(J, "shadowForStrokeEnabled", !0, P()), L.addGetterSetter(J, "lineJoin"), L.addGetterSetter(J, "lineCap"), L.addGetterSetter(J, "miterLimit"), L.addGetterSetter(J, "sceneFunc"), L.addGetterSetter(J, "hitFunc"), L.addGetterSetter(J, "selfRectFunc"), L.addGetterSetter(J, "dash"), L.addGetterSetter(J, "dashOffset", 0, M()), L.addGetterSetter(J, "shadowColor", void 0, N()), L.addGetterSetter(J, "shadowBlur", 0, M()), L.addGetterSetter(J, "shadowOpacity", 1, M()), L.addComponentsGetterSetter(J, "shadowOffset", ["x", "y"]), L.addGetterSetter(J, "shadowOffsetX", 0, M()), L.addGetterSetter(J, "shadowOffsetY", 0, M()), L.addGetterSetter(J, "fillPatternImage"), L.addGetterSetter(J, "fill", void 0, tn()), L.addGetterSetter(J, "fillPatternX", 0, M()), L.addGetterSetter(J, "fillPatternY", 0, M()), L.addGetterSetter(J, "fillLinearGradientColorStops"), L.addGetterSetter(J, "strokeLinearGradientColorStops"), L.addGetterSetter(J, "fillRadialGradientStartRadius", 0), L.addGetterSetter(J, "fillRadialGradientEndRadius", 0), L.addGetterSetter(J, "fillRadialGradientColorStops"), L.addGetterSetter(J, "fillPatternRepeat", "repeat"), L.addGetterSetter(J, "fillEnabled", !0), L.addGetterSetter(J, "strokeEnabled", !0), L.addGetterSetter(J, "shadowEnabled", !0), L.addGetterSetter(J, "dashEnabled", !0), L.addGetterSetter(J, "strokeScaleEnabled", !0), L.addGetterSetter(J, "fillPriority", "color"), L.addComponentsGetterSetter(J, "fillPatternOffset", ["x", "y"]), L.addGetterSetter(J, "fillPatternOffsetX", 0, M()), L.addGetterSetter(J, "fillPatternOffsetY", 0, M()), L.addComponentsGetterSetter(J, "fillPatternScale", ["x", "y"]), L.addGetterSetter(J, "fillPatternScaleX", 1, M()), L.addGetterSetter(J, "fillPatternScaleY", 1, M()), L.addComponentsGetterSetter(J, "fillLinearGradientStartPoint", ["x", "y"]), L.addComponentsGetterSetter(J, "strokeLinearGradientStartPoint", ["x", "y"]), L.addGetterSetter(J, "fillLinearGradientStartPointX", 0), L.addGetterSetter(J, "strokeLinearGradientStartPointX", 0), L.addGetterSetter(J, "fillLinearGradientStartPointY", 0), L.addGetterSetter(J, "strokeLinearGradientStartPointY", 0), L.addComponentsGetterSetter(J, "fillLinearGradientEndPoint", ["x", "y"]), L.addComponentsGetterSetter(J, "strokeLinearGradientEndPoint", ["x", "y"]), L.addGetterSetter(J, "fillLinearGradientEndPointX", 0), L.addGetterSetter(J, "strokeLinearGradientEndPointX", 0), L.addGetterSetter(J, "fillLinearGradientEndPointY", 0), L.addGetterSetter(J, "strokeLinearGradientEndPointY", 0), L.addComponentsGetterSetter(J, "fillRadialGradientStartPoint", ["x", "y"]), L.addGetterSetter(J, "fillRadialGradientStartPointX", 0), L.addGetterSetter(J, "fillRadialGradientStartPointY", 0), L.addComponentsGetterSetter(J, "fillRadialGradientEndPoint", ["x", "y"]), L.addGetterSetter(J, "fillRadialGradientEndPointX", 0), L.addGetterSetter(J, "fillRadialGradientEndPointY", 0), L.addGetterSetter(J, "fillPatternRotation", 0), L.addGetterSetter(J, "fillRule", void 0, N()), L.backCompat(J, {
	dashArray: "dash",
	getDashArray: "getDash",
	setDashArray: "setDash",
	drawFunc: "sceneFunc",
	getDrawFunc: "getSceneFunc",
	setDrawFunc: "setSceneFunc",
	drawHitFunc: "hitFunc",
	getDrawHitFunc: "getHitFunc",
	setDrawHitFunc: "setHitFunc"
});
// node_modules/konva/lib/Layer.js
var _r = "beforeDraw", vr = "draw", yr = 10, br = 256;
function xr(e, t) {
	return e[t + 3] >= 128 ? sr[T.getHitColorKey(e[t], e[t + 1], e[t + 2])] : void 0;
}
var Y = class extends U {
	constructor(e) {
		super(e), this.canvas = new D(), this.hitCanvas = new Kt({ pixelRatio: 1 }), this._waitingForDraw = !1, this.on("visibleChange.konva", this._checkVisibility), this._checkVisibility(), this.on("imageSmoothingEnabledChange.konva", this._setSmoothEnabled), this._setSmoothEnabled();
	}
	createPNGStream() {
		return this.canvas._canvas.createPNGStream();
	}
	getCanvas() {
		return this.canvas;
	}
	getNativeCanvasElement() {
		return this.canvas._canvas;
	}
	getHitCanvas() {
		return this.hitCanvas;
	}
	getContext() {
		return this.getCanvas().getContext();
	}
	clear(e) {
		return this.getContext().clear(e), this.getHitCanvas().getContext().clear(e), this;
	}
	setZIndex(e) {
		super.setZIndex(e);
		let t = this.getStage();
		return t && t.content && (t.content.removeChild(this.getNativeCanvasElement()), e < t.children.length - 1 ? t.content.insertBefore(this.getNativeCanvasElement(), t.children[e + 1].getCanvas()._canvas) : t.content.appendChild(this.getNativeCanvasElement())), this;
	}
	moveToTop() {
		V.prototype.moveToTop.call(this);
		let e = this.getStage();
		return e && e.content && (e.content.removeChild(this.getNativeCanvasElement()), e.content.appendChild(this.getNativeCanvasElement())), !0;
	}
	moveUp() {
		if (!V.prototype.moveUp.call(this)) return !1;
		let e = this.getStage();
		return !e || !e.content ? !1 : (e.content.removeChild(this.getNativeCanvasElement()), this.index < e.children.length - 1 ? e.content.insertBefore(this.getNativeCanvasElement(), e.children[this.index + 1].getCanvas()._canvas) : e.content.appendChild(this.getNativeCanvasElement()), !0);
	}
	moveDown() {
		if (V.prototype.moveDown.call(this)) {
			let e = this.getStage();
			if (e) {
				let t = e.children;
				e.content && (e.content.removeChild(this.getNativeCanvasElement()), e.content.insertBefore(this.getNativeCanvasElement(), t[this.index + 1].getCanvas()._canvas));
			}
			return !0;
		}
		return !1;
	}
	moveToBottom() {
		if (V.prototype.moveToBottom.call(this)) {
			let e = this.getStage();
			if (e) {
				let t = e.children;
				e.content && (e.content.removeChild(this.getNativeCanvasElement()), e.content.insertBefore(this.getNativeCanvasElement(), t[1].getCanvas()._canvas));
			}
			return !0;
		}
		return !1;
	}
	getLayer() {
		return this;
	}
	remove() {
		var e, t;
		super.remove();
		let n = this.getNativeCanvasElement(), r = this.getHitCanvas()._canvas;
		return (e = n.parentNode) == null || e.removeChild(n), (t = r.parentNode) == null || t.removeChild(r), this;
	}
	getStage() {
		return this.parent;
	}
	_setSize({ width: e, height: t }) {
		return this.canvas.setSize(e, t), this._syncHitCanvasSize(), this._setSmoothEnabled(), this;
	}
	_syncHitCanvasSize() {
		let e = this.isListening();
		this.hitCanvas.setSizeIfChanged((e ? this.getWidth() : 0) || 0, (e ? this.getHeight() : 0) || 0);
	}
	_validateAdd(e) {
		let t = e.getType();
		t !== "Group" && t !== "Shape" && T.throw("You may only add groups and shapes to a layer.");
	}
	_toKonvaCanvas(e) {
		return e = { ...e }, e.width = e.width || this.getWidth(), e.height = e.height || this.getHeight(), e.x = e.x === void 0 ? this.x() : e.x, e.y = e.y === void 0 ? this.y() : e.y, V.prototype._toKonvaCanvas.call(this, e);
	}
	_checkVisibility() {
		this.visible() ? this.canvas._canvas.style.display = "block" : this.canvas._canvas.style.display = "none";
	}
	_setSmoothEnabled() {
		this.getContext()._context.imageSmoothingEnabled = this.imageSmoothingEnabled();
	}
	getWidth() {
		if (this.parent) return this.parent.width();
	}
	setWidth() {
		T.warn("Can not change width of layer. Use \"stage.width(value)\" function instead.");
	}
	getHeight() {
		if (this.parent) return this.parent.height();
	}
	setHeight() {
		T.warn("Can not change height of layer. Use \"stage.height(value)\" function instead.");
	}
	batchDraw() {
		return this._waitingForDraw || (this._waitingForDraw = !0, T.requestAnimFrame(() => {
			this._waitingForDraw = !1, this.draw();
		}, this.getStage()?._getOwnerWindow())), this;
	}
	getIntersection(e) {
		if (!this.isListening() || !this.isVisible()) return null;
		let t = this._getIntersection(e);
		if (t.shape) return t.shape;
		if (!t.antialiased) return null;
		let n = this.hitCanvas.pixelRatio, r = Math.floor(e.x * n), i = Math.floor(e.y * n), a = (e) => this.hitCanvas.context.getImageData(r - e, i - e, e * 2 + 1, e * 2 + 1).data, o = yr, s = o * 2 + 1, c = a(o), l = c[(o * s + o) * 4 + 3];
		for (let e = 1; e <= br; e++) {
			e > o && (o = Math.min(br, o * 2), s = o * 2 + 1, c = a(o));
			let t = 0;
			for (let n = -e; n <= e; n++) {
				let r = Math.abs(n) === e ? 1 : e * 2;
				for (let i = -e; i <= e; i += r) {
					let e = ((n + o) * s + i + o) * 4, r = xr(c, e);
					if (r) return r;
					t = Math.max(t, c[e + 3]);
				}
			}
			if (t <= l && t !== 255) return null;
			l = t;
		}
		return null;
	}
	_getIntersection(e) {
		if (!this.hitCanvas.width || !this.hitCanvas.height) return {};
		let t = this.hitCanvas.pixelRatio, n = this.hitCanvas.context.getImageData(Math.floor(e.x * t), Math.floor(e.y * t), 1, 1).data, r = xr(n, 0);
		return r ? { shape: r } : n[3] > 0 ? { antialiased: !0 } : {};
	}
	drawScene(e, t) {
		let n = this.getLayer(), r = e || n && n.getCanvas();
		return this._fire(_r, { node: this }), this.clearBeforeDraw() && r.getContext().clear(), U.prototype.drawScene.call(this, r, t), r._trimIsolationCanvas(), this._fire(vr, { node: this }), this;
	}
	shouldDrawHit(e) {
		if (!super.shouldDrawHit(e)) return !1;
		if (e || b.hitOnDragEnabled) return !0;
		let t = !1;
		return O._dragElements.forEach((e) => {
			e.dragStatus === "dragging" && (e.node === this.getStage() || e.node.getLayer() === this) && (t = !0);
		}), !t && !b.Transformer?._isLayerTransforming(this);
	}
	drawHit(e, t) {
		let n = this.getLayer(), r = e || n && n.hitCanvas;
		return !e && n && (n._syncHitCanvasSize(), n.clearBeforeDraw() && n.getHitCanvas().getContext().clear()), U.prototype.drawHit.call(this, r, t), this;
	}
	enableHitGraph() {
		return this.hitGraphEnabled(!0), this;
	}
	disableHitGraph() {
		return this.hitGraphEnabled(!1), this;
	}
	setHitGraphEnabled(e) {
		T.warn("hitGraphEnabled method is deprecated. Please use layer.listening() instead."), this.listening(e);
	}
	getHitGraphEnabled(e) {
		return T.warn("hitGraphEnabled method is deprecated. Please use layer.listening() instead."), this.listening();
	}
	toggleHitCanvas() {
		if (!this.parent || !this.parent.content) return;
		let e = this.parent;
		this.hitCanvas._canvas.parentNode ? e.content.removeChild(this.hitCanvas._canvas) : e.content.appendChild(this.hitCanvas._canvas);
	}
	destroy() {
		return this.getCanvas()._releaseIsolationCanvas(), T.releaseCanvas(this.getNativeCanvasElement(), this.getHitCanvas()._canvas), super.destroy();
	}
};
Y.prototype.nodeType = "Layer", x(Y), L.addGetterSetter(Y, "imageSmoothingEnabled", !0), L.addGetterSetter(Y, "clearBeforeDraw", !0), L.addOverloadedGetterSetter(Y, "hitGraphEnabled");
// node_modules/konva/lib/FastLayer.js
var Sr = class extends Y {
	constructor(e) {
		super(e), this.listening(!1), T.warn("Konva.FastLayer is deprecated. Please use \"new Konva.Layer({ listening: false })\" instead.");
	}
};
Sr.prototype.nodeType = "FastLayer", x(Sr);
// node_modules/konva/lib/Group.js
var Cr = class extends U {
	_validateAdd(e) {
		let t = e.getType();
		t !== "Group" && t !== "Shape" && T.throw("You may only add groups and shapes to groups.");
	}
	_drawChildNodes(e, t, n) {
		if (e !== "drawScene" || !this.isolated() || n === this) return super._drawChildNodes(e, t, n);
		if (!t.width || !t.height) return;
		let r = t.getContext(), i = t._prepareIsolationCanvas(this.getClientRect({
			_forDrawing: !0,
			relativeTo: n
		})), a = i.getContext();
		a._opacityRoot = this, r.save();
		try {
			super._drawChildNodes(e, i, n), r._applyOpacity(this), r._drawDeviceBuffer(i);
		} catch (e) {
			throw t._releaseIsolationCanvas(), e;
		} finally {
			r.restore(), a._opacityRoot = void 0;
		}
	}
};
L.addGetterSetter(Cr, "isolated", !1, P()), Cr.prototype.nodeType = "Group", x(Cr);
// node_modules/konva/lib/Animation.js
var wr = y.performance?.now ? () => y.performance.now() : Date.now, Tr = class e {
	constructor(t, n) {
		this.id = e.animIdCounter++, this.frame = {
			time: 0,
			timeDiff: 0,
			lastTime: wr(),
			frameRate: 0
		}, this.func = t, this.setLayers(n);
	}
	setLayers(e) {
		return this.layers = e ? [].concat(e) : [], this;
	}
	getLayers() {
		return this.layers;
	}
	addLayer(e) {
		let t = this.layers, n = t.length;
		for (let r = 0; r < n; r++) if (t[r]._id === e._id) return !1;
		return this.layers.push(e), !0;
	}
	isRunning() {
		return e.animations.has(this);
	}
	start() {
		return this.stop(), this.frame.timeDiff = 0, this.frame.lastTime = wr(), e._addAnimation(this), this;
	}
	stop() {
		return e._removeAnimation(this), this;
	}
	_updateFrameObject(e) {
		this.frame.timeDiff = e - this.frame.lastTime, this.frame.lastTime = e, this.frame.time += this.frame.timeDiff, this.frame.frameRate = 1e3 / this.frame.timeDiff;
	}
	static _addAnimation(e) {
		this.animations.add(e), this._handleAnimation();
	}
	static _removeAnimation(e) {
		this.animations.delete(e);
	}
	static _runFrames() {
		let e = /* @__PURE__ */ new Set();
		V._updateBatch(() => {
			Array.from(this.animations).forEach((t) => {
				this.animations.has(t) && (t._updateFrameObject(wr()), t.func && t.func.call(t, t.frame) === !1 || t.layers.forEach((t) => t && e.add(t)));
			});
		}), e.forEach((e) => e.batchDraw());
	}
	static _animationLoop() {
		let t = e;
		t.animations.size ? (t._runFrames(), T.requestAnimFrame(t._animationLoop)) : t.animRunning = !1;
	}
	static _handleAnimation() {
		this.animRunning || (this.animRunning = !0, T.requestAnimFrame(this._animationLoop));
	}
};
Tr.animations = /* @__PURE__ */ new Set(), Tr.animIdCounter = 0, Tr.animRunning = !1;
// node_modules/konva/lib/Tween.js
var Er = {
	node: 1,
	duration: 1,
	easing: 1,
	onFinish: 1,
	onUpdate: 1,
	onReset: 1,
	yoyo: 1
}, Dr = 1, Or = 2, kr = 3, Ar = [
	"fill",
	"stroke",
	"shadowColor"
], jr = 0;
function Mr(e) {
	return T.colorToRGBA(e) || T.throw("can not tween the color \"" + e + "\", because it is not a valid color.");
}
function Nr(e, t) {
	return {
		r: t.r - e.r,
		g: t.g - e.g,
		b: t.b - e.b,
		a: t.a - e.a
	};
}
function Pr(e, t, n) {
	return "rgba(" + Math.round(e.r + t.r * n) + "," + Math.round(e.g + t.g * n) + "," + Math.round(e.b + t.b * n) + "," + (e.a + t.a * n) + ")";
}
var Fr = class {
	constructor(e, t, n, r, i, a, o) {
		this.prop = e, this.propFunc = t, this.begin = r, this._pos = r, this.duration = a, this._change = 0, this.prevPos = 0, this.yoyo = o, this._time = 0, this._position = 0, this._startTime = 0, this._finish = 0, this.func = n, this._change = i - this.begin, this.pause();
	}
	fire(e) {
		let t = this[e];
		t && t();
	}
	setTime(e) {
		e > this.duration ? this.yoyo ? (this._time = this.duration, this.reverse()) : this.finish() : e < 0 ? this.yoyo ? (this._time = 0, this.play()) : this.reset() : (this._time = e, this.update());
	}
	getTime() {
		return this._time;
	}
	setPosition(e) {
		this.prevPos = this._pos, this.propFunc(e), this._pos = e;
	}
	getPosition(e) {
		return e === void 0 && (e = this._time), this.func(e, this.begin, this._change, this.duration);
	}
	play() {
		this.state = Or, this._startTime = this.getTimer() - this._time, this.fire("onPlay"), this.onEnterFrame();
	}
	reverse() {
		this.state = kr, this._time = this.duration - this._time, this._startTime = this.getTimer() - this._time, this.fire("onReverse"), this.onEnterFrame();
	}
	seek(e) {
		this.pause(), this._time = e, this.update(), this.fire("onSeek");
	}
	reset() {
		this.pause(), this._time = 0, this.update(), this.fire("onReset");
	}
	finish() {
		this.pause(), this._time = this.duration, this.update(), this.fire("onFinish");
	}
	update() {
		this.setPosition(this.getPosition(this._time)), this.fire("onUpdate");
	}
	onEnterFrame() {
		let e = this.getTimer() - this._startTime;
		this.state === Or ? this.setTime(e) : this.state === kr && this.setTime(this.duration - e);
	}
	pause() {
		this.state = Dr, this.fire("onPause");
	}
	getTimer() {
		return Date.now();
	}
}, Ir = class e {
	constructor(t) {
		let n = this, r = t.node, i = r._id, a = t.easing || Lr.Linear, o = !!t.yoyo, s, c;
		s = t.duration === void 0 ? .3 : t.duration === 0 ? .001 : t.duration, this.node = r, this._id = jr++;
		let l = r.getLayer() || (r instanceof b.Stage ? r.getLayers() : null);
		for (c in l || T.error("Tween constructor have `node` that is not in a layer. Please add node into layer first."), this.anim = new Tr(function() {
			n.tween.onEnterFrame();
		}, l), this.tween = new Fr(c, function(e) {
			n._tweenFunc(e);
		}, a, 0, 1, s * 1e3, o), this._addListeners(), e.attrs[i] || (e.attrs[i] = {}), e.attrs[i][this._id] || (e.attrs[i][this._id] = {}), e.tweens[i] || (e.tweens[i] = {}), t) Er[c] === void 0 && this._addAttr(c, t[c]);
		this.reset(), this.onFinish = t.onFinish, this.onReset = t.onReset, this.onUpdate = t.onUpdate;
	}
	_addAttr(t, n) {
		if (T._isPlainObject(n)) {
			for (let e in n) this._addAttr(t + T._capitalize(e), n[e]);
			return;
		}
		let r = this.node, i = r._id, a, o, s, c, l = e.tweens[i][t];
		l !== void 0 && delete e.attrs[i][l][t];
		let u = r.getAttr(t);
		if (T._isArray(n) || T._isArray(u)) {
			if (a = [], c = u, s = n, u = T._isArray(u) ? u.slice() : Array(n.length).fill(u || 0), T._isArray(n) || (n = Array(u.length).fill(n)), o = Math.max(n.length, u.length), t === "points" && n.length !== u.length && (n.length > u.length ? u = T._prepareArrayForTween(u, n, r.closed()) : n = T._prepareArrayForTween(n, u, r.closed())), t.endsWith("ColorStops")) for (let e = 0; e < o; e++) if (e % 2 == 0) a.push((n[e] || 0) - (u[e] || 0));
			else {
				let t = Mr(u[e]);
				u[e] = t, a.push(Nr(t, Mr(n[e])));
			}
			else for (let e = 0; e < o; e++) a.push((n[e] || 0) - (u[e] || 0));
		} else Ar.indexOf(t) === -1 ? a = n - u : (u = Mr(u), a = Nr(u, Mr(n)));
		e.attrs[i][this._id][t] = {
			start: u,
			diff: a,
			end: n,
			trueEnd: s,
			trueStart: c
		}, e.tweens[i][t] = this._id;
	}
	_tweenFunc(t) {
		let n = this.node, r = e.attrs[n._id]?.[this._id], i, a, o, s, c, l, u, d;
		for (i in r) {
			if (a = r[i], o = a.start, s = a.diff, d = a.end, T._isArray(o)) {
				if (c = [], u = Math.max(o.length, d.length), i.endsWith("ColorStops")) for (l = 0; l < u; l++) l % 2 == 0 ? c.push((o[l] || 0) + s[l] * t) : c.push(Pr(o[l], s[l], t));
				else for (l = 0; l < u; l++) c.push((o[l] || 0) + s[l] * t);
			} else c = Ar.indexOf(i) === -1 ? o + s * t : Pr(o, s, t);
			n.setAttr(i, c);
		}
	}
	_addListeners() {
		let t = `destroy.konva-tween${this._id}`, n = () => this.destroy(), r = () => {
			this.node.off(t).on(t, n), this.anim.start();
		};
		this.tween.onPlay = r, this.tween.onReverse = r, this.tween.onPause = () => {
			this.node.off(t), this.anim.stop();
		};
		let i = (t, n) => {
			let r = e.attrs[this.node._id]?.[this._id];
			if (r) {
				for (let e in r) r[e][t] !== void 0 && this.node.setAttr(e, r[e][t]);
				n?.call(this);
			}
		};
		this.tween.onFinish = () => i("trueEnd", this.onFinish), this.tween.onReset = () => i("trueStart", this.onReset), this.tween.onUpdate = () => {
			this.onUpdate && this.onUpdate.call(this);
		};
	}
	play() {
		return this.tween.play(), this;
	}
	reverse() {
		return this.tween.reverse(), this;
	}
	reset() {
		return this.tween.reset(), this;
	}
	seek(e) {
		return this.tween.seek(e * 1e3), this;
	}
	pause() {
		return this.tween.pause(), this;
	}
	finish() {
		return this.tween.finish(), this;
	}
	destroy() {
		let t = this.node._id, n = this._id, r = e.attrs[t]?.[n], i = e.tweens[t];
		if (this.pause(), this.anim && this.anim.stop(), r) {
			if (i) {
				for (let e in r) delete i[e];
				Object.keys(i).length === 0 && delete e.tweens[t];
			}
			delete e.attrs[t][n], Object.keys(e.attrs[t]).length === 0 && delete e.attrs[t];
		}
	}
};
Ir.attrs = {}, Ir.tweens = {}, V.prototype.to = function(e) {
	let t = e.onFinish, n = new Ir({
		...e,
		node: this,
		onFinish() {
			n.destroy(), t && t();
		}
	});
	return n.play(), n;
};
var Lr = {
	BackEaseIn(e, t, n, r) {
		return n * (e /= r) * e * (2.70158 * e - 1.70158) + t;
	},
	BackEaseOut(e, t, n, r) {
		return n * ((e = e / r - 1) * e * (2.70158 * e + 1.70158) + 1) + t;
	},
	BackEaseInOut(e, t, n, r) {
		let i = 1.70158;
		return (e /= r / 2) < 1 ? n / 2 * (e * e * (((i *= 1.525) + 1) * e - i)) + t : n / 2 * ((e -= 2) * e * (((i *= 1.525) + 1) * e + i) + 2) + t;
	},
	ElasticEaseIn(e, t, n, r, i, a) {
		let o = 0;
		return e === 0 ? t : (e /= r) === 1 ? t + n : (a ||= r * .3, !i || i < Math.abs(n) ? (i = n, o = a / 4) : o = a / (2 * Math.PI) * Math.asin(n / i), -(i * 2 ** (10 * --e) * Math.sin((e * r - o) * (2 * Math.PI) / a)) + t);
	},
	ElasticEaseOut(e, t, n, r, i, a) {
		let o = 0;
		return e === 0 ? t : (e /= r) === 1 ? t + n : (a ||= r * .3, !i || i < Math.abs(n) ? (i = n, o = a / 4) : o = a / (2 * Math.PI) * Math.asin(n / i), i * 2 ** (-10 * e) * Math.sin((e * r - o) * (2 * Math.PI) / a) + n + t);
	},
	ElasticEaseInOut(e, t, n, r, i, a) {
		let o = 0;
		return e === 0 ? t : (e /= r / 2) == 2 ? t + n : (a ||= .3 * 1.5 * r, !i || i < Math.abs(n) ? (i = n, o = a / 4) : o = a / (2 * Math.PI) * Math.asin(n / i), e < 1 ? -.5 * (i * 2 ** (10 * --e) * Math.sin((e * r - o) * (2 * Math.PI) / a)) + t : i * 2 ** (-10 * --e) * Math.sin((e * r - o) * (2 * Math.PI) / a) * .5 + n + t);
	},
	BounceEaseOut(e, t, n, r) {
		return (e /= r) < 1 / 2.75 ? n * (7.5625 * e * e) + t : e < 2 / 2.75 ? n * (7.5625 * (e -= 1.5 / 2.75) * e + .75) + t : e < 2.5 / 2.75 ? n * (7.5625 * (e -= 2.25 / 2.75) * e + .9375) + t : n * (7.5625 * (e -= 2.625 / 2.75) * e + .984375) + t;
	},
	BounceEaseIn(e, t, n, r) {
		return n - Lr.BounceEaseOut(r - e, 0, n, r) + t;
	},
	BounceEaseInOut(e, t, n, r) {
		return e < r / 2 ? Lr.BounceEaseIn(e * 2, 0, n, r) * .5 + t : Lr.BounceEaseOut(e * 2 - r, 0, n, r) * .5 + n * .5 + t;
	},
	EaseIn(e, t, n, r) {
		return n * (e /= r) * e + t;
	},
	EaseOut(e, t, n, r) {
		return -n * (e /= r) * (e - 2) + t;
	},
	EaseInOut(e, t, n, r) {
		return (e /= r / 2) < 1 ? n / 2 * e * e + t : -n / 2 * (--e * (e - 2) - 1) + t;
	},
	StrongEaseIn(e, t, n, r) {
		return n * (e /= r) * e * e * e * e + t;
	},
	StrongEaseOut(e, t, n, r) {
		return n * ((e = e / r - 1) * e * e * e * e + 1) + t;
	},
	StrongEaseInOut(e, t, n, r) {
		return (e /= r / 2) < 1 ? n / 2 * e * e * e * e * e + t : n / 2 * ((e -= 2) * e * e * e * e + 2) + t;
	},
	Linear(e, t, n, r) {
		return n * e / r + t;
	}
}, X = T._assign(b, {
	beginUpdateBatch: V._beginUpdateBatch,
	Util: T,
	Transform: S,
	Node: V,
	Container: U,
	Stage: Zn,
	stages: Jn,
	Layer: Y,
	FastLayer: Sr,
	Group: Cr,
	DD: O,
	Shape: J,
	shapes: sr,
	Animation: Tr,
	Tween: Ir,
	Easings: Lr,
	Context: Ht,
	Canvas: Gt
}), Z = class extends J {
	_getStrokePadding() {
		return super._getStrokePadding(1);
	}
	_sceneFunc(e) {
		e.beginPath(), e.arc(0, 0, Math.abs(this.attrs.radius || 0), 0, Math.PI * 2, !1), e.closePath(), e.fillStrokeShape(this);
	}
	getWidth() {
		return Math.abs(this.radius()) * 2;
	}
	getHeight() {
		return Math.abs(this.radius()) * 2;
	}
	setWidth(e) {
		this.radius(e / 2);
	}
	setHeight(e) {
		this.radius(e / 2);
	}
};
Z.prototype._centroid = !0, Z.prototype.className = "Circle", Z.prototype._attrsAffectingSize = ["radius"], x(Z, !0), L.addGetterSetter(Z, "radius", 0, M());
// node_modules/konva/lib/shapes/Image.js
var Q = class e extends J {
	constructor(e) {
		super(e), this._loadListener = () => {
			this._requestDraw();
		}, this.on("imageChange.konva", (e) => {
			this._removeImageLoad(e.oldVal), this._setImageLoad();
		}), this._setImageLoad();
	}
	_setImageLoad() {
		var e;
		let t = this.image();
		t?.complete && t.src || t?.readyState >= 2 || (e = t?.addEventListener) == null || e.call(t, "videoWidth" in t ? "loadeddata" : "load", this._loadListener);
	}
	_removeImageLoad(e) {
		var t;
		(t = e?.removeEventListener) == null || t.call(e, "videoWidth" in e ? "loadeddata" : "load", this._loadListener);
	}
	destroy() {
		return this._removeImageLoad(this.image()), super.destroy(), this;
	}
	_useBufferCanvas(e, t = this.getAbsoluteOpacity()) {
		if (this.attrs.perfectDrawEnabled === !1) return !1;
		let n = !!this.cornerRadius(), r = this.hasShadow();
		return n && r ? !0 : super._useBufferCanvas(!0, t);
	}
	_getStrokePadding() {
		return super._getStrokePadding(this.strokeScaleEnabled() ? 1 : void 0);
	}
	_sceneFunc(e) {
		let t = this.getWidth(), n = this.getHeight(), r = this.cornerRadius(), i = this.attrs.image;
		if ((this.hasFill() || this.hasStroke() || r) && (e.beginPath(), r ? T.drawRoundedRectPath(e, t, n, r) : e.rect(0, 0, t, n), e.closePath(), e.fillStrokeShape(this)), i) {
			r && e.clip();
			let a = this.attrs.cropWidth, o = this.attrs.cropHeight;
			a && o ? e.drawImage(i, this.cropX(), this.cropY(), a, o, 0, 0, t, n) : e.drawImage(i, 0, 0, t, n);
		}
	}
	_hitFunc(e) {
		let t = this.width(), n = this.height(), r = this.cornerRadius();
		e.beginPath(), r ? T.drawRoundedRectPath(e, t, n, r) : e.rect(0, 0, t, n), e.closePath(), e.fillStrokeShape(this);
	}
	getWidth() {
		let e = this.image();
		return this.attrs.width ?? e?.videoWidth ?? e?.width ?? 0;
	}
	getHeight() {
		let e = this.image();
		return this.attrs.height ?? e?.videoHeight ?? e?.height ?? 0;
	}
	static fromURL(t, n, r = null) {
		let i = T.createImageElement();
		i.onload = () => {
			i.onload = i.onerror = null, n(new e({ image: i }));
		}, i.onerror = r, i.crossOrigin = "Anonymous", i.src = t;
	}
};
Q.prototype.className = "Image", Q.prototype._attrsAffectingSize = ["image"], x(Q, !0), L.addGetterSetter(Q, "cornerRadius", 0, $t(4)), L.addGetterSetter(Q, "image"), L.addComponentsGetterSetter(Q, "crop", [
	"x",
	"y",
	"width",
	"height"
]), L.addGetterSetter(Q, "cropX", 0, M()), L.addGetterSetter(Q, "cropY", 0, M()), L.addGetterSetter(Q, "cropWidth", 0, M()), L.addGetterSetter(Q, "cropHeight", 0, M());
// node_modules/konva/lib/BezierFunctions.js
var Rr = (e, t, n, r) => {
	let i = 1 - r;
	return i * i * e + 2 * i * r * t + r * r * n;
}, zr = (e, t, n, r, i, a) => {
	let o = [];
	for (let s of [[
		e,
		n,
		i
	], [
		t,
		r,
		a
	]]) {
		let c = (s[0] - s[1]) / (s[0] - 2 * s[1] + s[2]);
		c > 0 && c < 1 && o.push(Rr(e, n, i, c), Rr(t, r, a, c));
	}
	return o;
}, Br = (e, t, n, r, i) => {
	let a = 1 - i;
	return a * a * a * e + 3 * a * a * i * t + 3 * a * i * i * n + i * i * i * r;
}, Vr = (e, t, n, r, i, a, o, s) => {
	let c = [];
	for (let l of [[
		e,
		n,
		i,
		o
	], [
		t,
		r,
		a,
		s
	]]) {
		let u = -3 * l[0] + 9 * l[1] - 9 * l[2] + 3 * l[3], d = 6 * l[0] - 12 * l[1] + 6 * l[2], f = -3 * l[0] + 3 * l[1], p = d * d - 4 * u * f;
		if (p < 0) continue;
		let m = -(d + (d < 0 ? -1 : 1) * Math.sqrt(p)) / 2;
		for (let l of [m / u, f / m]) l > 0 && l < 1 && c.push(Br(e, n, i, o, l), Br(t, r, a, s, l));
	}
	return c;
};
// node_modules/konva/lib/shapes/Line.js
function Hr(e, t, n, r, i, a, o) {
	let s = Math.sqrt((n - e) ** 2 + (r - t) ** 2), c = Math.sqrt((i - n) ** 2 + (a - r) ** 2), l = s + c;
	if (l === 0) return [
		n,
		r,
		n,
		r
	];
	let u = o * s / l, d = o * c / l;
	return [
		n - u * (i - e),
		r - u * (a - t),
		n + d * (i - e),
		r + d * (a - t)
	];
}
function Ur(e, t) {
	let n = e.length, r = [];
	for (let i = 2; i < n - 2; i += 2) {
		let n = Hr(e[i - 2], e[i - 1], e[i], e[i + 1], e[i + 2], e[i + 3], t);
		isNaN(n[0]) || (r.push(n[0]), r.push(n[1]), r.push(e[i]), r.push(e[i + 1]), r.push(n[2]), r.push(n[3]));
	}
	return r;
}
function Wr(e) {
	let t = [];
	for (let n = 0; n + 7 < e.length; n += 6) t.push(e[n + 6], e[n + 7], ...Vr(e[n], e[n + 1], e[n + 2], e[n + 3], e[n + 4], e[n + 5], e[n + 6], e[n + 7]));
	return t;
}
var $ = class extends J {
	constructor(e) {
		super(e), this.on("pointsChange.konva tensionChange.konva closedChange.konva bezierChange.konva", function() {
			this._clearCache("tensionPoints");
		});
	}
	_hasTension() {
		return this.tension() !== 0 && this.points().length > 4;
	}
	_eachTensionSegment(e, t) {
		let n = this.points(), r = n.length, i = this.closed(), a = this.getTensionPoints(), o = a.length, s = n[0], c = n[1], l = i ? 0 : 4;
		for (i || (e(s, c, a[0], a[1], a[2], a[3]), s = a[2], c = a[3]); l < o - 2;) {
			let e = a[l++], n = a[l++], r = a[l++], i = a[l++], o = a[l++], u = a[l++];
			t(s, c, e, n, r, i, o, u), s = o, c = u;
		}
		i || e(s, c, a[o - 2], a[o - 1], n[r - 2], n[r - 1]);
	}
	_getStrokePadding(e = this.points().length === 4 && !this.closed() ? 1 : void 0) {
		return super._getStrokePadding(e);
	}
	_sceneFunc(e) {
		let t = this.points(), n = t.length, r = this.closed(), i = this.bezier();
		if (!n) return;
		let a = 0;
		if (e.beginPath(), e.moveTo(t[0], t[1]), this._hasTension()) this._eachTensionSegment((t, n, r, i, a, o) => e.quadraticCurveTo(r, i, a, o), (t, n, r, i, a, o, s, c) => e.bezierCurveTo(r, i, a, o, s, c));
		else if (i) for (a = 2; a < n;) e.bezierCurveTo(t[a++], t[a++], t[a++], t[a++], t[a++], t[a++]);
		else for (a = 2; a < n; a += 2) e.lineTo(t[a], t[a + 1]);
		r ? (e.closePath(), e.fillStrokeShape(this)) : e.strokeShape(this);
	}
	getTensionPoints() {
		return this._getCache("tensionPoints", this._getTensionPoints);
	}
	_getTensionPoints() {
		return this.closed() ? this._getTensionPointsClosed() : Ur(this.points(), this.tension());
	}
	_getTensionPointsClosed() {
		let e = this.points(), t = e.length, n = this.tension(), r = Hr(e[t - 2], e[t - 1], e[0], e[1], e[2], e[3], n), i = Hr(e[t - 4], e[t - 3], e[t - 2], e[t - 1], e[0], e[1], n), a = Ur(e, n);
		return [r[2], r[3]].concat(a, [
			i[0],
			i[1],
			e[t - 2],
			e[t - 1],
			i[2],
			i[3],
			r[0],
			r[1],
			e[0],
			e[1]
		]);
	}
	getWidth() {
		return this.getSelfRect().width;
	}
	getHeight() {
		return this.getSelfRect().height;
	}
	getSelfRect() {
		let e = this.points();
		if (e.length < 4) return {
			x: e[0] || 0,
			y: e[1] || 0,
			width: 0,
			height: 0
		};
		if (this._hasTension()) {
			let t = [e[0], e[1]];
			this._eachTensionSegment((e, n, r, i, a, o) => t.push(a, o, ...zr(e, n, r, i, a, o)), (e, n, r, i, a, o, s, c) => t.push(s, c, ...Vr(e, n, r, i, a, o, s, c))), e = t;
		} else this.bezier() && (e = [
			e[0],
			e[1],
			...Wr(e)
		]);
		return T._getPointsRect(e);
	}
};
$.prototype.className = "Line", $.prototype._attrsAffectingSize = [
	"points",
	"bezier",
	"tension",
	"closed"
], x($, !0), L.addGetterSetter($, "closed", !1), L.addGetterSetter($, "bezier", !1), L.addGetterSetter($, "tension", 0, M()), L.addGetterSetter($, "points", [], nn());
// src/scene.ts
var Gr = 3, Kr = 40, qr = {
	strokeScaleEnabled: !1,
	listening: !1
}, Jr = class {
	box;
	stageHeight;
	stage;
	pixels = document.createElement("canvas");
	imageNode = new Q({
		image: void 0,
		listening: !1
	});
	heatNode = new Q({
		image: void 0,
		listening: !1
	});
	otherNode = new Q({
		image: void 0,
		listening: !1
	});
	photograph = new X.Layer({ listening: !1 });
	maskNode = new Q({
		image: void 0,
		listening: !1,
		imageSmoothingEnabled: !1
	});
	lines = new X.Group({ listening: !1 });
	draft = new $({
		points: [],
		stroke: "#fff",
		strokeWidth: 1.5,
		dash: [5, 4],
		...qr
	});
	left = new X.Group({ listening: !1 });
	right = new X.Group({ listening: !1 });
	splitLine = new $({
		points: [],
		stroke: "#fff",
		strokeWidth: 1,
		...qr
	});
	cursor = new Z({
		radius: 1,
		stroke: "#fff",
		strokeWidth: 1.2,
		visible: !1,
		...qr
	});
	wanted = /* @__PURE__ */ new Map();
	width = 1;
	height = 1;
	constructor(e, t) {
		this.box = e, this.stageHeight = t, this.stage = new X.Stage({
			container: e,
			width: 10,
			height: t
		});
		let n = new X.Layer({ listening: !1 }), r = new X.Layer({ listening: !1 });
		this.left.add(this.heatNode), this.right.add(this.otherNode), n.add(this.left, this.right, this.splitLine), this.photograph.add(this.imageNode), r.add(this.maskNode, this.lines, this.draft, this.cursor), this.stage.add(this.photograph, n, r);
	}
	get scale() {
		return this.stage.scaleX();
	}
	open(e, t) {
		this.width = this.pixels.width = e, this.height = this.pixels.height = t, this.maskNode.setAttrs({
			image: this.pixels,
			width: e,
			height: t
		}), this.fit();
	}
	close() {
		this.wanted.clear(), this.stage.destroy();
	}
	image(e) {
		return this.load(this.imageNode, e);
	}
	guide(e) {
		let t = this.imageNode.image();
		if (!t || e.width === 0 || e.height === 0) return null;
		let [, n] = ke(e.width, e.height);
		n.drawImage(t, e.x, e.y, e.width, e.height, 0, 0, e.width, e.height);
		let { data: r } = n.getImageData(0, 0, e.width, e.height), i = (e) => (.299 * r[e] + .587 * r[e + 1] + .114 * r[e + 2]) / 255;
		return {
			rect: e,
			values: Float32Array.from({ length: e.width * e.height }, (e, t) => i(4 * t))
		};
	}
	heat(e) {
		return this.wanted.get(this.heatNode) === e ? Promise.resolve() : this.load(this.heatNode, e);
	}
	opacity(e) {
		this.heatNode.opacity(e), this.otherNode.opacity(e);
	}
	light(e, t) {
		let n = e === 1 && t === 1;
		this.photograph.getNativeCanvasElement().style.filter = n ? "" : `contrast(${e}) brightness(${t})`;
	}
	split(e, t) {
		this.wanted.get(this.otherNode) !== e && this.load(this.otherNode, e);
		let n = e ? this.width * t : this.width;
		this.left.clip({
			x: 0,
			y: 0,
			width: n,
			height: this.height
		}), this.right.clip({
			x: n,
			y: 0,
			width: this.width - n,
			height: this.height
		}), this.splitLine.points(e ? [
			n,
			0,
			n,
			this.height
		] : []);
	}
	async load(e, t) {
		this.wanted.set(e, t);
		let n = () => this.wanted.get(e) === t, r = t ? await Yr(t, n) : null;
		n() && e.setAttrs({
			image: r ?? void 0,
			width: this.width,
			height: this.height
		});
	}
	isolines(e) {
		this.lines.destroyChildren();
		for (let t of ["b_a", "b_n"]) for (let n of e[t] ?? []) {
			let e = {
				points: n,
				closed: !0,
				dash: t === "b_a" ? [7, 5] : void 0,
				...qr
			};
			this.lines.add(new $({
				...e,
				stroke: "rgba(0,0,0,0.55)",
				strokeWidth: 3
			})), this.lines.add(new $({
				...e,
				stroke: "#fff",
				strokeWidth: 1.4
			}));
		}
	}
	repaint(e, t, n) {
		let r = this.pixels.getContext("2d");
		if (!r || n.width === 0 || n.height === 0) return;
		let i = He(e, t, n), a = new ImageData(new Uint8ClampedArray(i.buffer), n.width, n.height);
		r.putImageData(a, n.x, n.y), this.maskNode.getLayer()?.batchDraw();
	}
	outline(e, t = !1) {
		this.draft.points(e.flatMap(([e, t]) => [e, t])), this.draft.closed(t);
	}
	pointer(e, t) {
		this.cursor.setAttrs(e ? {
			x: e[0],
			y: e[1],
			radius: t,
			visible: !0
		} : { visible: !1 });
	}
	resize() {
		let e = this.box.clientWidth;
		e > 0 && e !== this.stage.width() && this.fit();
	}
	look(e, t, n, r) {
		let [i, a] = [this.stage.width(), this.stageHeight], o = Math.max(.05, Math.min(12, i / (2.5 * n), a / (2.5 * r)));
		this.view(o, i / 2 - (e + n / 2) * o, a / 2 - (t + r / 2) * o);
	}
	fit() {
		let e = this.box.clientWidth || this.stage.width();
		this.stage.size({
			width: e,
			height: this.stageHeight
		});
		let t = Math.min(e / this.width, this.stageHeight / this.height);
		this.view(t, (e - this.width * t) / 2, (this.stageHeight - this.height * t) / 2);
	}
	pan(e, t) {
		this.view(this.scale, this.stage.x() + e, this.stage.y() + t);
	}
	zoom(e, t) {
		let [n, r] = this.offset(t), i = this.scale, a = Math.min(this.stage.width() / this.width, this.stageHeight / this.height) / 2, o = Math.max(a, Math.min(Kr, i * e)), [s, c] = [this.stage.x(), this.stage.y()];
		this.view(o, n - (n - s) / i * o, r - (r - c) / i * o);
	}
	at(e) {
		let [t, n] = this.offset(e);
		return [(t - this.stage.x()) / this.scale, (n - this.stage.y()) / this.scale];
	}
	offset(e) {
		let t = this.box.getBoundingClientRect();
		return [e.clientX - t.left - this.box.clientLeft, e.clientY - t.top - this.box.clientTop];
	}
	view(e, t, n) {
		this.stage.scale({
			x: e,
			y: e
		}), this.stage.position({
			x: t,
			y: n
		}), this.imageNode.setAttr("imageSmoothingEnabled", e < Gr), Object.assign(this.box.dataset, {
			scale: String(e),
			x: String(t),
			y: String(n)
		});
	}
};
async function Yr(e, n) {
	return await Oe(e) ?? (await t(e, (e) => e.blob(), n) && Oe(e));
}
// src/outbox.ts
var Xr = /* @__PURE__ */ new Map(), Zr = class {
	name;
	send;
	storage;
	wait;
	rev = 0;
	acked = 0;
	timer;
	constructor(e, t, n = sessionStorage, r = 2e3) {
		this.name = e, this.send = t, this.storage = n, this.wait = r;
	}
	stored() {
		let e = Xr.get(this.name);
		if (e) return e;
		try {
			let e = JSON.parse(this.storage.getItem(this.name) ?? "null");
			return e && typeof e.rev == "number" && typeof e.png == "string" ? e : null;
		} catch {
			return null;
		}
	}
	commit(e) {
		this.rev += 1;
		let t = {
			rev: this.rev,
			...e
		};
		Xr.set(this.name, t);
		try {
			this.storage.setItem(this.name, JSON.stringify(t));
		} catch {}
		this.deliver(t);
	}
	ack(e) {
		let t = e < this.acked;
		this.acked = e, this.rev = Math.max(this.rev, e);
		let n = Xr.get(this.name);
		this.pending ? t && n && this.deliver(n) : this.stop();
	}
	get pending() {
		return this.acked < this.rev;
	}
	stop() {
		clearTimeout(this.timer), this.timer = void 0;
	}
	deliver(e) {
		this.stop(), this.send(e), this.timer = setTimeout(() => {
			this.acked < e.rev && this.deliver(e);
		}, this.wait);
	}
}, Qr = 250, $r = class {
	send;
	sheet;
	told;
	last = null;
	outbox = null;
	timer;
	constructor(e, t, n) {
		this.send = e, this.sheet = t, this.told = n;
	}
	open(e, t, n) {
		return this.outbox?.stop(), this.outbox = new Zr(`bgad-mask-${e}-${t}`, (n) => {
			this.send({
				imageId: e,
				base: t,
				...n
			}), this.told();
		}), this.outbox.ack(n), this.outbox.stored();
	}
	ack(e) {
		this.outbox?.ack(e);
	}
	get pending() {
		return this.timer !== void 0 || (this.outbox?.pending ?? !1);
	}
	soon() {
		clearTimeout(this.timer), this.timer = setTimeout(() => this.flush(), Qr), this.told();
	}
	flush() {
		this.timer !== void 0 && (clearTimeout(this.timer), this.timer = void 0, this.last = this.sheet(), this.outbox?.commit(this.last.encoded()), this.told());
	}
	close() {
		this.flush(), this.outbox?.stop();
	}
}, ei = "bgad-view", ti = {
	opacity: .55,
	level: "fused",
	isolines: !0,
	contrast: 1,
	brightness: 1,
	split: .5,
	comparing: !1
};
function ni() {
	try {
		return {
			...ti,
			...JSON.parse(sessionStorage.getItem(ei) ?? "{}")
		};
	} catch {
		return { ...ti };
	}
}
var ri = class {
	changed;
	row = e("div", {
		class: "bar view",
		role: "toolbar",
		"aria-label": "View"
	});
	view = ni();
	heat = e("span", { class: "part" });
	level = e("select", { "aria-label": "Level of the heatmap" });
	isolines = e("button", {
		type: "button",
		title: "Outlines of b_n (solid) and b_a (dashed)"
	}, "Isolines");
	compare = e("button", { type: "button" });
	jump = e("button", {
		type: "button",
		title: "Look at the next region below b_n (J)"
	});
	split;
	constructor(t, n) {
		this.changed = t, this.level.addEventListener("change", () => this.set({ level: this.level.value })), this.isolines.addEventListener("click", () => this.set({ isolines: !this.view.isolines })), this.compare.addEventListener("click", () => this.set({ comparing: !this.view.comparing })), this.jump.addEventListener("click", n);
		let r = e("span", { class: "group" });
		r.append(this.isolines), this.heat.append(this.slider("Heat", "opacity", 0, 1, .05), this.level, r), this.split = this.slider("Split", "split", 0, 1, .01);
		let i = e("span", { class: "group" });
		i.append(this.compare, this.jump);
		let a = [this.slider("Contrast", "contrast", .5, 3, .1), this.slider("Brightness", "brightness", .5, 3, .1)], o = e("button", {
			type: "button",
			title: "Contrast and brightness as they were"
		}, "Reset");
		o.addEventListener("click", () => this.set({
			contrast: 1,
			brightness: 1
		}));
		let s = e("span", { class: "group" });
		s.append(o), this.row.append(this.heat, ...a, s, i, this.split);
	}
	show({ levels: t, compare: n, regions: r, region: i }) {
		this.heat.hidden = t.length === 0, this.level.options.length !== t.length && this.level.replaceChildren(...t.map((t) => e("option", { value: t }, t === "fused" ? "all levels" : `level ${t}`))), !t.includes(this.view.level) && t.length > 0 && (this.view.level = t[0]), this.level.value = this.view.level, this.isolines.setAttribute("aria-pressed", String(this.view.isolines)), this.compare.hidden = n === null, this.compare.textContent = `Beside ${n ?? ""}`, this.compare.title = `The heat of ${n ?? ""} to the right of the line`, this.compare.setAttribute("aria-pressed", String(this.view.comparing)), this.split.hidden = n === null || !this.view.comparing, this.jump.hidden = r === 0, this.jump.textContent = i < 0 ? `Regions ${r}` : `Region ${i + 1} of ${r}`;
		for (let e of this.row.querySelectorAll("input[data-of]")) e.value = String(this.view[e.dataset.of]);
	}
	set(e) {
		Object.assign(this.view, e);
		try {
			sessionStorage.setItem(ei, JSON.stringify(this.view));
		} catch {}
		this.changed();
	}
	slider(t, n, r, i, a) {
		let o = e("input", {
			type: "range",
			min: String(r),
			max: String(i),
			step: String(a),
			"data-of": n
		});
		o.addEventListener("input", () => this.set({ [n]: Number(o.value) }));
		let s = e("label", {}, t);
		return s.append(o), s;
	}
}, ii = {
	nothing: "Nothing new below this level here: click inside an outline, lower the level, or use the brush",
	open: "This area is open to the image's edge: close its outline first"
};
function ai({ marked: e, pending: t, late: n, mine: r }) {
	return [
		e,
		t ? "sending…" : e ? "ready to save" : "",
		n ? "waiting for the server…" : "",
		r ? "the label changed meanwhile: More brings back what you drew" : ""
	].filter(Boolean).join(" · ");
}
// src/editor.ts
var oi = 2500, si = .1, ci = class {
	root;
	data;
	out;
	sheet;
	tool = "brush";
	radius;
	scene;
	region = -1;
	openedAt = 0;
	mine = null;
	box = e("div", {
		class: "stage",
		tabindex: "0",
		role: "application"
	});
	state = e("span", {
		class: "state",
		role: "status"
	});
	bar;
	viewBar;
	grower;
	hand;
	sender;
	resizer;
	abort = new AbortController();
	constructor(t, n, r) {
		this.root = t, this.data = n, this.out = r, this.radius = Math.max(2, Math.round(Math.max(n.width, n.height) / 80)), this.bar = new Ye({
			choose: (e) => this.choose(e),
			act: (e) => this.act(e),
			resize: (e) => this.resizeBrush(e),
			level: (e) => this.setStep(e),
			typed: (e) => this.typed(e),
			pen: (e) => this.draws(e),
			type: (e) => this.draws(this.sheet.numberOf(e))
		}), this.viewBar = new ri(() => this.look(), () => this.jump()), this.box.setAttribute("aria-label", "Image with mask. Tools: V grow, B brush, E erase, P polygon, X box, F fill");
		let i = e("div", { class: "frame" });
		i.append(this.box, this.state), t.className = "editor", t.append(this.bar.row, i, this.viewBar.row), this.scene = new Jr(this.box, n.stageHeight), this.grower = new ye((e) => this.scene.guide(e)), this.sheet = new Me(n.width, n.height, [...n.types]), this.sender = new $r((e) => this.out.send(e), () => this.sheet, () => this.show()), this.hand = new Se(this, this.box, this.abort.signal), this.listen(), this.resizer = new ResizeObserver(() => this.scene.resize()), this.resizer.observe(this.box), this.open();
	}
	update(e, t) {
		this.out = t;
		let n = this.data;
		if (e.imageId !== n.imageId || e.base !== n.base || e.imageUrl !== n.imageUrl) {
			this.sender.flush();
			let t = e.imageId === n.imageId && this.sheet.history.canUndo;
			this.mine = t ? this.sheet : null, this.data = e, this.open();
		} else this.data = e, this.sender.ack(e.ackRev), this.grower.has(e) || this.read(e), this.look();
	}
	close() {
		this.sender.close(), this.abort.abort(), this.resizer.disconnect(), this.grower.close(), this.scene.close(), this.root.replaceChildren();
	}
	open() {
		let { width: e, height: t, imageId: n, base: r, ackRev: i, imageUrl: a, types: o, mask: s, ignore: c, numbers: l } = this.data, u = this.sender.open(n, r, i);
		this.sheet = new Me(e, t, [...o]), this.hand.lift(), this.region = -1, Object.assign(this.box.dataset, {
			ready: "false",
			image: String(n)
		}), this.openedAt = performance.now(), setTimeout(() => this.show(), oi), this.scene.open(e, t), this.hand.dropCorners();
		let d = [
			this.scene.image(a),
			this.look(),
			this.read(this.data)
		], f = u ?? {
			png: s ?? void 0,
			ignore: c ?? void 0,
			numbers: l ?? void 0,
			types: o
		};
		(f.png || f.ignore) && d.push(this.take(f, u !== null));
		let p = this.data;
		Promise.all(d).then(() => {
			this.data.imageId === p.imageId && (this.box.dataset.ready = "true", this.show(), this.fetchAhead());
		}), this.repaint(this.sheet.whole), this.show();
	}
	fetchAhead() {
		let e = `&level=${this.viewBar.view.level}`;
		for (let t of this.data.ahead) fetch(t.startsWith("/heatmap") ? t + e : t, { priority: "low" }).catch(() => null);
	}
	async take(e, t) {
		let n = this.sheet;
		await n.take(e) && this.sheet === n && (this.repaint(n.whole), t && this.sender.soon(), this.show());
	}
	async read({ logpUrl: e, scale: t, reach: n }) {
		await this.grower.open({
			logpUrl: e,
			scale: t,
			reach: n
		}), this.show();
	}
	look() {
		let { view: e } = this.viewBar, { heatUrl: t, compare: n, isolines: r } = this.data;
		this.show();
		let i = `&level=${e.level}`;
		return this.scene.light(e.contrast, e.brightness), this.scene.opacity(e.opacity), this.scene.isolines(e.isolines ? r : {}), this.scene.split(n && e.comparing ? n.url + i : null, e.split), this.scene.heat(t && t + i);
	}
	jump() {
		let { regions: e } = this.data;
		if (e.length === 0) return;
		this.region = (this.region + 1) % e.length;
		let [t, n, r, i] = e[this.region];
		this.scene.look(t, n, r, i), this.show();
	}
	choose(e) {
		this.tool = e, this.hand.dropCorners(), this.show();
	}
	act(e) {
		let { sheet: t } = this;
		if (e === "undo" || e === "redo") {
			this.hand.lift();
			let n = e === "undo" ? t.undo() : t.redo();
			n && this.changed(n.rect);
		} else e === "fit" ? this.scene.fit() : e === "copy" && this.sender.last ? this.changed(t.add(this.sender.last)) : e === "mine" && this.mine ? (this.changed(t.become(this.mine)), this.mine = null) : e === "ignore" ? t.paint = t.paint === "defect" ? "ignore" : "defect" : e === "threshold" ? this.changed(this.grower.threshold(t)) : this.changed(t.clean(e, this.bar.smallest));
		this.show();
	}
	draws(e) {
		this.sheet.pen = e, this.show();
	}
	typed(e) {
		let t = a(e);
		return t && this.changed(this.sheet.edit((e) => e.box(...t, 1))), t !== null;
	}
	notch(e) {
		this.setStep(this.grower.step + e * si);
	}
	setStep(e) {
		this.grower.level(e), this.changed(this.grower.regrow(this.sheet)), this.show();
	}
	get largest() {
		return Math.max(20, Math.round(Math.max(this.data.width, this.data.height) / 8));
	}
	resizeBrush(e) {
		this.radius = Math.max(1, Math.min(this.largest, e)), this.show();
	}
	show() {
		let { sheet: e, largest: t, radius: n, tool: r, data: i, region: a } = this, { step: o, ready: s } = this.grower, { canUndo: c, canRedo: l } = e.history, { last: u } = this.sender, d = u !== null && u !== e && u.whole.width === i.width && u.whole.height === i.height, { paint: f, types: p, pen: m } = e, h = this.mine !== null;
		this.bar.show({
			tool: r,
			radius: n,
			largest: t,
			step: o,
			ignoring: f === "ignore",
			types: p,
			pen: m,
			can: {
				undo: c,
				redo: l,
				grow: s,
				copy: d,
				threshold: s,
				mine: h
			}
		}), this.viewBar.show({
			levels: i.levels,
			compare: i.compare?.name ?? null,
			regions: i.regions.length,
			region: a
		});
		let { pending: g } = this.sender, _ = this.box.dataset.ready === "false" && performance.now() - this.openedAt >= oi;
		this.state.textContent = ai({
			marked: e.summary(),
			pending: g,
			late: _,
			mine: h
		}), this.box.dataset.pending = String(g), this.box.dataset.field = String(s);
	}
	listen() {
		let { signal: e } = this.abort, t = {
			signal: e,
			capture: !0
		};
		for (let e of ["keydown", "pointerdown"]) window.addEventListener(e, () => this.sender.flush(), t);
		window.addEventListener("keydown", (e) => this.key(e), { signal: e });
	}
	repaint(e) {
		this.scene.repaint(this.sheet.defect, this.sheet.ignore, e);
	}
	changed(e) {
		e && (this.repaint(e), this.sender.soon());
	}
	click(e, t) {
		let n = e === "grow" ? this.grower.grow(this.sheet, t) ?? "nothing" : this.sheet.fill(t);
		n === "nothing" || n === "open" ? this.state.textContent = ii[n] : this.changed(n);
	}
	get canGrow() {
		return this.grower.ready;
	}
	key(e) {
		if (Qe(e)) return;
		let t = et(e);
		t !== null && this.draws(1 + t);
		let n = $e(e);
		n === null ? (this.hand.over || e.composedPath().includes(this.root)) && tt(this, this.hand, e) && (e.preventDefault(), e.stopPropagation()) : this.out.kind(n);
	}
}, li = "\n:host { display: block; }\n.editor { display: flex; flex-direction: column; gap: 8px; color: var(--st-text-color); font-family: var(--st-font);\n  container-type: inline-size; }\n.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }\n.group { display: flex; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden; }\n.bar button { display: flex; align-items: center; border: 0; margin: 0; padding: 0 9px; height: 34px; background: transparent;\n  color: inherit; font: inherit; font-size: 13px; cursor: pointer; white-space: nowrap; }\n.group button + button { border-left: 1px solid var(--st-border-color); }\n.bar button:hover:not(:disabled) { background: var(--st-secondary-background-color); }\n.bar button[aria-pressed=\"true\"] { background: var(--st-primary-color);\n  color: var(--st-background-color); }\n.bar button:disabled { opacity: 0.4; cursor: default; }\n.bar button:focus-visible, .stage:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }\n.bar svg { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }\n.bar kbd { font: inherit; font-size: 11px; opacity: 0.65; margin-left: 5px; }\n.bar label { display: flex; align-items: center; gap: 6px; font-size: 13px; }\n.bar input[type=\"range\"] { width: 72px; accent-color: var(--st-primary-color); }\n.bar .part { display: flex; gap: 8px; align-items: center; }\n.bar select, .panel input { height: 28px; border: 1px solid var(--st-border-color); border-radius: 6px; font: inherit; font-size: 13px;\n  background: var(--st-background-color); color: inherit; }\n.pen .swatch { width: 12px; height: 12px; border-radius: 3px; flex: none; }\n.pen select { max-width: 132px; height: 34px; border-radius: 8px; }\n.pen input { width: 116px; height: 32px; padding: 0 6px; border: 1px solid var(--st-border-color); border-radius: 8px; font: inherit;\n  background: var(--st-background-color); color: inherit; }\n.view label, .view button, .view select { font-size: 12px; }\n.view button { height: 28px; }\n.view input[type=\"range\"] { width: 64px; }\n.more { position: relative; font-size: 13px; }\n.more summary { cursor: pointer; padding: 7px 9px; border: 1px solid var(--st-border-color); border-radius: 8px; list-style: none; }\n.more summary:focus-visible { outline: 2px solid var(--st-primary-color); }\n.more .panel { position: absolute; right: 0; z-index: 3; display: flex; flex-direction: column; gap: 2px; padding: 6px; min-width: 250px;\n  background: var(--st-background-color); border: 1px solid var(--st-border-color); border-radius: 8px; margin-top: 4px; }\n.panel label { padding: 3px 9px; }\n.panel input[type=\"number\"] { width: 64px; }\n.panel input[type=\"text\"] { width: 150px; padding: 0 6px; }\n.panel input[aria-invalid=\"true\"] { border-color: #d32f2f; }\n.bar output { min-width: 38px; font-variant-numeric: tabular-nums; }\n@container (max-width: 660px) { .bar kbd { display: none; } }\n.frame { position: relative; }\n.stage { position: relative; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;\n  background: #17191c; touch-action: none; cursor: crosshair; }\n.stage.panning { cursor: grab; }\n.state { position: absolute; left: 10px; bottom: 10px; padding: 2px 9px; border-radius: 9px; font-size: 12px;\n  color: #fff; background: rgba(15, 17, 20, 0.78); pointer-events: none; }\n.state:empty, .bar [hidden], .group:not(:has(> :not([hidden]))) { display: none; }\n", ui = /* @__PURE__ */ new WeakMap();
function di({ data: t, parentElement: r, setTriggerValue: i, setStateValue: a }) {
	let o = {
		send: (e) => {
			a("drawn", [
				e.imageId,
				e.base,
				e.rev
			]), i("commit", e);
		},
		kind: (e) => i("kind", e)
	}, s = ui.get(r);
	if (s) s.update(t, o);
	else {
		let i = e("div");
		r.append(i), n(i, li), ui.set(r, new ci(i, t, o));
	}
	return () => {
		ui.get(r)?.close(), ui.delete(r);
	};
}
export { di as default };
