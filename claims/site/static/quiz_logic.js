"use strict";
/* What is asked next, and what is remembered. No page and no clock: tests run it as it is. */
const quizLogic = (() => {
  const SESSION = 10;
  const REST = 5; // so many others are asked before a statement comes back

  const emptyMemory = () => ({ asked: 0, right: 0, items: {} });

  /* Whatever was stored, by an older page or by hand, becomes a memory that the rest can rely on. */
  function readMemory(stored) {
    try {
      const { asked, right, items } = JSON.parse(stored);
      const whole = (n) => Number.isInteger(n) && n >= 0;
      const sound = whole(asked) && whole(right) && right <= asked && Object.values(items).every((i) => whole(i.last));
      return sound ? { asked, right, items } : emptyMemory();
    } catch {
      return emptyMemory();
    }
  }

  /* A coin decides whether the next statement is true or false, so nothing else gives the answer away.
     Of that side: first what was missed and has rested, then what was never asked, then what was asked longest ago. */
  function draw(pool, memory, random) {
    const last = (item) => memory.items[item.id]?.last ?? -Infinity;
    const oldest = (items) => items.reduce((a, b) => (last(b) < last(a) ? b : a));
    const rested = pool.filter((item) => memory.asked - last(item) > REST);
    const coin = random() < 0.5;
    const side = rested.filter((item) => item.answer === coin);
    const from = [side, rested].find((items) => items.length);
    if (!from) return oldest(pool);
    const missed = from.filter((item) => memory.items[item.id]?.missed);
    if (missed.length) return oldest(missed);
    const unseen = from.filter((item) => !memory.items[item.id]);
    return unseen.length ? unseen[Math.floor(random() * unseen.length)] : oldest(from);
  }

  /* A statement that was missed comes back until it is answered rightly once. */
  function record(memory, item, answer) {
    const right = answer === item.answer;
    const asked = memory.asked + 1;
    const items = { ...memory.items, [item.id]: { last: asked, missed: !right } };
    return { asked, right: memory.right + right, items };
  }

  const waiting = (memory) => Object.values(memory.items).filter((item) => item.missed).length;

  const select = (items, questions, levels, chapter) =>
    items.filter(({ question: id }) => {
      const question = questions.get(id);
      return levels.includes(question.level) && (!chapter || question.chapter === chapter);
    });

  return { SESSION, REST, emptyMemory, readMemory, draw, record, waiting, select };
})();
