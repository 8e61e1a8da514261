// What a browser's tests ask a page, each answer a list of what is wrong: see Browser in browser.py.
const shown = (element) => {
  const style = getComputedStyle(element);
  return style.visibility === "visible" && element.getClientRects().length > 0;
};
const said = (element) => `${element.tagName} ${element.textContent.trim().slice(0, 60)}`;

// Red, green, blue from 0 to 255 and alpha from 0 to 1, of a colour in any notation of CSS.
const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
  .getContext("2d", { willReadFrequently: true });
const known = new Map();
const colour = (css) => {
  if (!known.has(css)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = css;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    known.set(css, [r, g, b, a / 255]);
  }
  return known.get(css);
};
const over = ([r, g, b, a], under) => [r, g, b].map((part, n) => part * a + under[n] * (1 - a));
const faded = ([r, g, b, a], share) => [r, g, b, a * share];

// Relative luminance and contrast by WCAG 2.1, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

const opacity = (element) => {
  let share = 1;
  for (let at = element; at; at = at.parentElement) share *= Number(getComputedStyle(at).opacity);
  return share;
};
// What is painted below an element by the boxes around it, from the root inwards.
const boxes = (element) => {
  const around = [];
  for (let at = element; at; at = at.parentElement) around.unshift(at);
  // Paper is white whatever the reader's screen.
  const canvas = matchMedia("screen and (prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  return around.reduce((under, at) => over(colour(getComputedStyle(at).backgroundColor), under), canvas);
};
// In a drawing: the filled shapes before a text that lie below its middle.
const SHAPES = "rect,circle,ellipse,path,polygon";
const shapes = (text, under) => {
  const drawing = text.closest("svg:not(svg svg)");
  const { left, right, top, bottom } = text.getBoundingClientRect();
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const below = [...drawing.querySelectorAll(SHAPES)].filter((shape) => {
    const at = shape.getBoundingClientRect();
    const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
    return before && !shape.closest("defs") && at.left <= x && x <= at.right && at.top <= y && y <= at.bottom;
  });
  return below.reduce((ground, shape) => {
    const style = getComputedStyle(shape);
    if (style.fill === "none" || !shown(shape)) return ground;
    return over(faded(colour(style.fill), Number(style.fillOpacity) * opacity(shape)), ground);
  }, under);
};

const faintTexts = (least) => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("title,script,style,noscript,option") || !shown(element)) continue;
    const drawn = element.closest("svg") !== null;
    const style = getComputedStyle(element);
    const ground = drawn ? shapes(element, boxes(element)) : boxes(element);
    const front = over(faded(colour(drawn ? style.fill : style.color), opacity(element)), ground);
    const ratio = contrast(front, ground);
    if (ratio < least) found.push(`${ratio.toFixed(2)}: ${said(element)}`);
  }
  return found;
};

const skippedHeadings = () => {
  const headings = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(shown);
  const level = (heading) => Number(heading.tagName[1]);
  const wrong = headings.filter((h, n) => (n === 0 ? level(h) !== 1 : level(h) > level(headings[n - 1]) + 1));
  return [...wrong.map(said), ...(headings.length ? [] : ["no heading"])];
};

const unnamedPictures = () =>
  [...document.querySelectorAll("img,svg:not(svg svg),canvas,[role=img]")]
    .filter((picture) => shown(picture) && !picture.closest("[aria-hidden=true]"))
    // An empty alt is how HTML says that a picture only decorates.
    .filter((picture) => !picture.hasAttribute("alt") && !picture.getAttribute("aria-label"))
    .map((picture) => picture.outerHTML.slice(0, 120));

const wideElements = () => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > room + 1);
  return [`the page is ${document.documentElement.scrollWidth} px wide, not ${room}`, ...wide.slice(0, 10).map(said)];
};
