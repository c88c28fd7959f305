// Styles go in as a constructed sheet: it needs no inline <style>, and stays inside the component's shadow root.

export function adopt(parent: ParentNode, css: string): void {
  const root = (parent as Node).getRootNode()
  const target = root instanceof ShadowRoot ? root : document
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  target.adoptedStyleSheets = [...target.adoptedStyleSheets, sheet]
}

export interface Host<Data> {
  data: Data
  parentElement: HTMLElement | ShadowRoot
  setTriggerValue: (name: string, value: unknown) => void
  setStateValue: (name: string, value: unknown) => void
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.textContent = text
  return element
}
