// @ts-check
// Looking around in the call graph: the wheel and + - zoom about the pointer or the middle, dragging
// and the arrows move, 0 shows all. What changes is the viewBox of Graphviz's picture, so that text
// stays sharp and can be searched. A function's box has a menu: filters by it, its source and so on.

import { openMenu } from '../common/menu.js';
import { functionEntries } from '../common/links.js';

const STEP = 1.25;
const DRAG_LEAST = 4; // px: less is a click

/** @typedef {{x: number, y: number, w: number, h: number}} Window */

/** The function of a box by its tooltip, "name (value)". @param {string} tooltip */
export function functionOf(tooltip) {
  return tooltip.replace(/ \([^()]*\)$/, '');
}

/** Zooms about a point of the picture. @param {Window} view @param {number} factor @param {number} x @param {number} y @returns {Window} */
export function zoomed(view, factor, x, y) {
  return { x: x - (x - view.x) / factor, y: y - (y - view.y) / factor, w: view.w / factor, h: view.h / factor };
}

/** @param {Window} view @param {number} dx @param {number} dy in parts of what is seen @returns {Window} */
export function moved(view, dx, dy) {
  return { ...view, x: view.x + dx * view.w, y: view.y + dy * view.h };
}

class GraphView {
  /** @param {HTMLElement} box @param {SVGSVGElement} svg */
  constructor(box, svg) {
    this.box = box;
    this.svg = svg;
    const { x, y, width, height } = svg.viewBox.baseVal;
    /** @type {Window} */
    this.whole = { x, y, w: width || 1, h: height || 1 };
    this.view = this.whole;
    /** @type {{x: number, y: number, view: Window} | null} */
    this.drag = null;
    svg.setAttribute('width', '100%');
    svg.setAttribute('height', '100%');
    box.classList.add('live');
  }

  /** Neither so far that nothing is left nor so near that one letter is all. @param {Window} view */
  set(view) {
    if (view.w > this.whole.w * 4 || view.w < this.whole.w / 400) return;
    this.view = view;
    this.svg.setAttribute('viewBox', [view.x, view.y, view.w, view.h].map((n) => n.toFixed(2)).join(' '));
  }

  /** Where on the picture the pointer is. @param {MouseEvent} event */
  pointAt(event) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix) return { x: this.view.x, y: this.view.y };
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  }

  /** @param {number} factor */
  zoomMiddle(factor) {
    this.set(zoomed(this.view, factor, this.view.x + this.view.w / 2, this.view.y + this.view.h / 2));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const at = this.pointAt(event);
    this.set(zoomed(this.view, STEP ** (-event.deltaY / 100), at.x, at.y));
  }

  /** @param {PointerEvent} event */
  grab(event) {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, y: event.clientY, view: this.view };
  }

  /** @param {PointerEvent} event */
  pull(event) {
    const matrix = this.svg.getScreenCTM();
    if (!this.drag || !matrix) return;
    const { view } = this.drag;
    if (Math.hypot(event.clientX - this.drag.x, event.clientY - this.drag.y) < DRAG_LEAST) return;
    this.box.setPointerCapture(event.pointerId); // not before: it would take the click from a box
    this.set({ ...view, x: view.x - (event.clientX - this.drag.x) / matrix.a, y: view.y - (event.clientY - this.drag.y) / matrix.d });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const actions = /** @type {Record<string, () => void>} */ ({
      '+': () => this.zoomMiddle(STEP), '=': () => this.zoomMiddle(STEP), '-': () => this.zoomMiddle(1 / STEP),
      0: () => this.set(this.whole), Escape: () => this.set(this.whole),
      ArrowLeft: () => this.set(moved(this.view, -0.1, 0)), ArrowRight: () => this.set(moved(this.view, 0.1, 0)),
      ArrowUp: () => this.set(moved(this.view, 0, -0.1)), ArrowDown: () => this.set(moved(this.view, 0, 0.1)),
    });
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** Boxes of functions, by Graphviz's names for them; boxes of labels have others. */
  startNodes() {
    // With lines or addresses the tooltip says more than the name.
    const g = new URLSearchParams(location.search).get('g');
    if (g && g !== 'functions') return;
    for (const node of /** @type {NodeListOf<SVGGElement>} */ (this.svg.querySelectorAll('g.node'))) {
      const link = node.querySelector('a');
      const tooltip = link && link.getAttributeNS('http://www.w3.org/1999/xlink', 'title');
      if (tooltip && /^N\d+$/.test(node.querySelector('title')?.textContent ?? '')) this.startNode(node, tooltip);
    }
  }

  /** @param {SVGGElement} node @param {string} tooltip */
  startNode(node, tooltip) {
    const name = functionOf(tooltip);
    const open = () => {
      const box = node.getBoundingClientRect();
      openMenu('Function ' + name, functionEntries(name, ''), box.left + box.width / 2, box.top + box.height / 2);
    };
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'button');
    node.setAttribute('aria-haspopup', 'menu');
    node.setAttribute('aria-label', [...node.querySelectorAll('text')].map((line) => line.textContent).join(' '));
    node.addEventListener('click', open);
    node.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      open();
    });
  }

  /** @param {string} text @param {string} label @param {() => void} run */
  button(text, label, run) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.setAttribute('aria-label', label);
    button.title = label;
    button.addEventListener('click', run);
    return button;
  }

  start() {
    const tools = document.createElement('div');
    tools.className = 'graph-tools';
    tools.setAttribute('role', 'toolbar');
    tools.setAttribute('aria-label', 'Graph tools');
    tools.append(this.button('+', 'Larger (+)', () => this.zoomMiddle(STEP)), this.button('−', 'Smaller (-)', () => this.zoomMiddle(1 / STEP)),
      this.button('All', 'Show all (0)', () => this.set(this.whole)));
    this.box.before(tools);
    this.box.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    this.box.addEventListener('pointerdown', (event) => this.grab(event));
    this.box.addEventListener('pointermove', (event) => this.pull(event));
    for (const end of ['pointerup', 'pointercancel']) this.box.addEventListener(end, () => { this.drag = null; });
    this.box.addEventListener('keydown', (event) => this.key(event));
    this.startNodes();
  }
}

export function startGraph() {
  const box = document.querySelector('.graph');
  const svg = box && box.querySelector('svg');
  if (box instanceof HTMLElement && svg) new GraphView(box, svg).start();
}
