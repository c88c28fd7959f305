// src/style.ts
function e(e, t) {
	let n = e.getRootNode(), r = n instanceof ShadowRoot ? n : document, i = new CSSStyleSheet();
	i.replaceSync(t), r.adoptedStyleSheets = [...r.adoptedStyleSheets, i];
}
function t(e, t = {}, n = "") {
	let r = document.createElement(e);
	for (let [e, n] of Object.entries(t)) r.setAttribute(e, n);
	return r.textContent = n, r;
}
export { t as n, e as t };
