"use strict";
/* The quiz on the page. What it asks and remembers is decided in quiz_logic.js. */
(() => {
  const root = document.getElementById("quiz");
  const { questions: list, items } = JSON.parse(document.getElementById("quiz-data").textContent);
  const questions = new Map(list.map((question) => [question.id, question]));
  const LEVELS = { E: "easy", M: "medium", H: "hard" };
  const KEY = "answers-that-run/quiz";
  const logic = quizLogic;
  let memory = restore();
  let chosen = { levels: Object.keys(LEVELS), chapter: "" };
  let pressed = {}; // what each key does now

  /* A browser may refuse to store anything, above all for files; the score then lasts as long as the page. */
  function restore() {
    try {
      return logic.readMemory(localStorage.getItem(KEY));
    } catch {
      return logic.emptyMemory();
    }
  }

  function keep(next) {
    memory = next;
    try {
      localStorage.setItem(KEY, JSON.stringify(memory));
    } catch {
      /* see restore */
    }
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== ""));
    return made;
  }

  const count = (number, noun, many = `${noun}s`) => `${number} ${number === 1 ? noun : many}`;
  const word = (answer) => (answer ? "true" : "false");

  /* A button that a key presses, too; the key is shown on it. */
  function button(label, key, act, kind = "") {
    pressed[key] = act;
    const hint = element("kbd", { "aria-hidden": "true" }, key);
    return element("button", { type: "button", class: kind, "aria-keyshortcuts": key, onclick: act }, label, " ", hint);
  }

  function show(focus, ...children) {
    root.replaceChildren(...children);
    if (!focus) return;
    focus.focus({ preventScroll: true });
    if (root.getBoundingClientRect().top < 0) root.scrollIntoView();
  }

  // Before: what to be asked

  function showChoice(takeFocus) {
    pressed = {};
    const pool = () => logic.select(items, questions, chosen.levels, chosen.chapter);
    const start = element(
      "button",
      { type: "button", class: "quiz-main", onclick: () => startSession(pool()) },
      "Start",
    );
    const size = element("p", { class: "quiz-size", role: "status" });
    const update = () => {
      const { length } = pool();
      start.disabled = !length;
      size.textContent = length
        ? `${count(length, "statement")}, half of them true. One sitting asks ${Math.min(length, logic.SESSION)}.`
        : "No statement is left: choose a level.";
    };
    const levels = Object.entries(LEVELS).map(([level, name]) => {
      const box = element("input", { type: "checkbox", checked: chosen.levels.includes(level) });
      box.addEventListener("change", () => {
        const others = chosen.levels.filter((each) => each !== level);
        chosen = { ...chosen, levels: box.checked ? [...others, level] : others };
        update();
      });
      return element("label", { class: "quiz-level" }, box, element("span", {}, name));
    });
    const chapters = [...new Set(list.map((question) => question.chapter))].map((title) =>
      element("option", { value: title, selected: title === chosen.chapter }, title),
    );
    const select = element("select", { onchange: () => ((chosen = { ...chosen, chapter: select.value }), update()) });
    select.append(element("option", { value: "" }, "all of them"), ...chapters);
    update();
    show(
      takeFocus && start,
      element("h2", {}, "What to ask"),
      element("fieldset", {}, element("legend", {}, "Levels"), ...levels),
      element("label", { class: "quiz-chapter" }, element("span", {}, "Chapter"), select),
      size,
      element("p", {}, start),
      score(),
    );
  }

  function score() {
    const waits = logic.waiting(memory);
    const back = waits ? `; ${waits} missed will come back` : "";
    const forget = () => {
      keep(logic.emptyMemory());
      showChoice(true);
    };
    return element(
      "p",
      { class: "quiz-score" },
      memory.asked
        ? `So far you were right on ${memory.right} of ${memory.asked}${back}. `
        : "Your score stays in this browser. ",
      memory.asked
        ? element("button", { type: "button", class: "quiz-quiet", onclick: forget }, "Forget my score")
        : "",
    );
  }

  // One statement after the other

  function startSession(pool) {
    ask({ pool, length: Math.min(pool.length, logic.SESSION), given: [] });
  }

  function progress({ given, length }, now = given.length) {
    const steps = Array.from({ length }, (_, i) =>
      element("li", { class: i < given.length ? (given[i].right ? "right" : "wrong") : i === now ? "now" : "" }),
    );
    return element("ol", { class: "quiz-progress", "aria-hidden": "true" }, ...steps);
  }

  function context(item) {
    const { id, level, text } = questions.get(item.question);
    return element(
      "p",
      { class: "quiz-question" },
      element("span", { class: "quiz-badge" }, `${id} · ${LEVELS[level]}`),
      " ",
      text,
    );
  }

  function ask(session) {
    const item = logic.draw(session.pool, memory, Math.random);
    pressed = {};
    const place = `${session.given.length + 1} of ${session.length}`;
    const statement = element("h2", { class: "quiz-statement", tabindex: "-1" });
    statement.append(element("span", { class: "quiz-hidden" }, `${place}. True or false? `), item.statement);
    const after = element("div", { class: "quiz-after" });
    const verdict = element("p", { class: "quiz-verdict", role: "status" });
    const answers = [true, false].map((each) => {
      const label = each ? "True" : "False";
      return button(label, label[0].toLowerCase(), () => answer(each));
    });
    const answer = (given) => {
      keep(logic.record(memory, item, given));
      const right = given === item.answer;
      const next = { ...session, given: [...session.given, { item, right }] };
      pressed = {};
      answers.forEach((made, i) => {
        made.disabled = true;
        made.classList.toggle("given", (i === 0) === given);
      });
      verdict.classList.add(right ? "right" : "wrong");
      verdict.textContent = right ? `Right: it is ${word(item.answer)}.` : `No: it is ${word(item.answer)}.`;
      const done = next.given.length === next.length;
      const onward = button(done ? "How it went" : "Next", "n", () => (done ? sum(next) : ask(next)), "quiz-main");
      after.append(...behind(item), element("p", {}, onward));
      root.querySelector(".quiz-progress").replaceWith(progress(next, -1));
      onward.focus({ preventScroll: true });
    };
    show(
      statement,
      element("div", { class: "quiz-head" }, element("span", { "aria-hidden": "true" }, place), progress(session)),
      context(item),
      statement,
      element("p", { class: "quiz-answers" }, ...answers),
      verdict,
      after,
    );
  }

  /* What stands behind an answer: the evidence of a claim, the counterexample of a myth. */
  function behind(item) {
    const paragraph = (...children) => element("p", {}, ...children);
    const evidence = item.answer
      ? [
          paragraph(
            item.evidence,
            item.mistakes.length ? ` The same check refutes ${count(item.mistakes.length, "wrong answer")}:` : "",
          ),
          item.mistakes.length
            ? element("ul", { class: "quiz-mistakes" }, ...item.mistakes.map((name) => element("li", {}, name)))
            : "",
          item.why && paragraph(item.why),
        ]
      : [
          item.why && paragraph(item.why),
          item.counterexample && paragraph("It fails at ", element("code", {}, item.counterexample), "."),
        ];
    const links = paragraph(
      element("a", { href: item.place }, "Where the page says it"),
      " · ",
      element("a", { href: item.code }, "The code of the check"),
    );
    links.className = "quiz-links";
    return [...evidence.filter(Boolean), links];
  }

  // After: what to read again

  function sum({ given, pool }) {
    pressed = {};
    const right = given.filter((each) => each.right).length;
    const missed = given.filter((each) => !each.right).map((each) => each.item);
    const heading = element("h2", { tabindex: "-1" }, `${right} of ${given.length} right`);
    const again = [...new Set(missed.map((item) => item.question))].map((id) => {
      const { text } = questions.get(id);
      const mine = missed.filter((item) => item.question === id);
      return element(
        "li",
        {},
        element("a", { href: mine[0].place }, `${id} ${text}`),
        element("ul", {}, ...mine.map((item) => element("li", {}, `${item.statement} (${word(item.answer)})`))),
      );
    });
    show(
      heading,
      element("div", { class: "quiz-head" }, progress({ given, length: given.length })),
      heading,
      element("p", {}, missed.length ? "Worth reading again:" : "Nothing to read again."),
      missed.length ? element("ul", { class: "quiz-again" }, ...again) : "",
      element(
        "p",
        { class: "quiz-answers" },
        button(`Another ${Math.min(pool.length, logic.SESSION)}`, "n", () => startSession(pool), "quiz-main"),
        button("Choose others", "c", () => showChoice(true)),
      ),
      score(),
    );
  }

  // Keys act only while the focus is in the quiz, so that they take nothing from the page around it.
  root.tabIndex = -1;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("select")) return;
    const act = pressed[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  showChoice(false);
})();
