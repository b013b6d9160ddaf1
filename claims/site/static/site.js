// Cards for the links to claims, on hover, focus and tap.  The contents are loaded with the first card.
"use strict";

if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; // a file cannot fetch another one to quote it
}

const letScroll = (within) => {
  for (const code of within.querySelectorAll("pre")) {
    if (code.scrollWidth > code.clientWidth) code.tabIndex = 0; // the arrow keys scroll it
  }
};
letScroll(document);
document.addEventListener("toggle", (event) => letScroll(event.target), true);

(() => {
  const source = document.querySelector('meta[name="claim-cards"]')?.content;
  const links = document.querySelectorAll("a.claim[data-claim]");
  if (!source || !links.length) return;

  const HOVER = 180; // ms until a resting pointer opens a card
  const LEAVE = 250; // ms in which the pointer may cross from the link to its card
  const GAP = 6; // px
  let open = null; // the link whose card is shown
  let timer = 0;

  const card = document.createElement("div");
  card.className = "card";
  card.popover = "manual";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", "What stands behind this");
  card.id = "claim-card";

  const cards = () =>
    (cards.loaded ??= new Promise((resolve, reject) => {
      window.showCards = resolve;
      const script = document.createElement("script");
      script.src = source;
      script.onerror = reject;
      document.head.append(script);
    }));

  const place = (link, x, y) => {
    card.style.cssText = "";
    if (getComputedStyle(card).position === "fixed") return;
    const lines = [...link.getClientRects()];
    const line = lines.find((r) => y >= r.top && y <= r.bottom && x >= r.left && x <= r.right) ?? lines[0];
    const width = document.documentElement.clientWidth;
    const below = innerHeight - line.bottom - 2 * GAP;
    const above = line.top - 2 * GAP;
    const up = card.offsetHeight > below && above > below;
    card.style.maxHeight = `${Math.max(up ? above : below, 160)}px`;
    const top = up ? line.top - card.offsetHeight - GAP : line.bottom + GAP;
    const left = Math.max(16, Math.min(line.left, width - card.offsetWidth - 16));
    card.style.top = `${top + scrollY}px`;
    card.style.left = `${left + scrollX}px`;
  };

  const show = async (link, x = -1, y = -1) => {
    clearTimeout(timer);
    if (open === link) return;
    hide();
    open = link;
    const html = (await cards())[link.dataset.claim];
    if (open !== link || !html) return;
    card.innerHTML = `<button class="card-close" aria-label="Close" tabindex="-1">×</button>${html}`;
    link.after(card);
    card.showPopover();
    link.setAttribute("aria-expanded", "true");
    link.setAttribute("aria-controls", card.id);
    place(link, x, y);
    letScroll(card);
  };

  const hide = () => {
    clearTimeout(timer);
    if (!open) return;
    open.removeAttribute("aria-expanded");
    open.removeAttribute("aria-controls");
    open = null;
    card.remove();
  };

  const holdsFocus = () => card.contains(document.activeElement) || open?.matches(":focus-visible");
  const leave = (event) => {
    if (event.pointerType === "touch") return;
    clearTimeout(timer);
    timer = setTimeout(() => holdsFocus() || hide(), LEAVE);
  };
  const stay = () => clearTimeout(timer);

  for (const link of links) {
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "touch") return;
      clearTimeout(timer);
      timer = setTimeout(show, HOVER, link, event.clientX, event.clientY);
    });
    link.addEventListener("pointerleave", leave);
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
    link.addEventListener("click", (event) => {
      if (event.pointerType !== "touch") return; // the keyboard and the mouse follow the link, with the card in sight
      event.preventDefault();
      open === link ? hide() : show(link);
    });
  }
  card.addEventListener("pointerenter", stay);
  card.addEventListener("pointerleave", leave);
  card.addEventListener("click", (event) => {
    if (event.target.closest(".card-close")) hide();
  });
  document.addEventListener("focusin", (event) => {
    if (open && event.target !== open && !card.contains(event.target)) hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (open && !open.contains(event.target) && !card.contains(event.target)) hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open) return;
    const link = open;
    const inside = card.contains(document.activeElement);
    hide();
    if (inside) link.focus({ preventScroll: true });
    hide(); // focus has opened it again
  });
})();
