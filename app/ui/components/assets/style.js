async function e(e, t, n) {
	for (let r = 250; n(); r = Math.min(2 * r, 4e3)) {
		try {
			let n = await fetch(e);
			if (n.ok) return await t(n);
			if (n.status < 500) return null;
		} catch {}
		await new Promise((e) => setTimeout(e, r));
	}
	return null;
}
// src/style.ts
function t(e, t) {
	let n = e.getRootNode(), r = n instanceof ShadowRoot ? n : document, i = new CSSStyleSheet();
	i.replaceSync(t), r.adoptedStyleSheets = [...r.adoptedStyleSheets, i];
}
function n(e, t = {}, n = "") {
	let r = document.createElement(e);
	for (let [e, n] of Object.entries(t)) r.setAttribute(e, n);
	return r.textContent = n, r;
}
export { n, e as r, t };
